from payments.admin import payment_page as payment_page
from payments.admin import registrations as registrations
