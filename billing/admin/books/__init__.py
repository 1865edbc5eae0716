"""Screens of the general ledger: batches, trial balance, adjustments, exports."""

from billing.admin.books import account_use as account_use
from billing.admin.books import adjustment_deeds as adjustment_deeds
from billing.admin.books import adjustment_pages as adjustment_pages
from billing.admin.books import batch_pages as batch_pages
from billing.admin.books import export_pages as export_pages
from billing.admin.books import of_payment as of_payment
from billing.admin.books import trial_pages as trial_pages
