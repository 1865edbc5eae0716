from receipts.admin import cheque_actions as cheque_actions
from receipts.admin import paper_pages as paper_pages
from receipts.admin import paper_run_pages as paper_run_pages
from receipts.admin import payment_actions as payment_actions
from receipts.admin import receipt_views as receipt_views
from receipts.admin import receive as receive
from receipts.admin import refund_actions as refund_actions
from receipts.admin import registrations as registrations
