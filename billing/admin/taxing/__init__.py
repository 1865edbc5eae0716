"""Tax codes and rates, billing profiles, tax invoices, the forecast."""

from billing.admin.taxing import invoice_paper as invoice_paper
from billing.admin.taxing import profile_page as profile_page
from billing.admin.taxing import taxes_page as taxes_page
from billing.admin.taxing import words as words
