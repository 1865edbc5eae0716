"""Plans and prices, enrolling, agreements and their schedules."""

from billing.admin.plans import agreement_deeds as agreement_deeds
from billing.admin.plans import agreement_page as agreement_page
from billing.admin.plans import enrol_page as enrol_page
from billing.admin.plans import lists as lists
from billing.admin.plans import plan_pages as plan_pages
from billing.admin.plans import regenerate_pages as regenerate_pages
