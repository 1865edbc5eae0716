"""Billing runs: preview, approval, what became of each bill."""

from billing.admin.runs import charge_pages as charge_pages
from billing.admin.runs import panels as panels
from billing.admin.runs import run_deeds as run_deeds
from billing.admin.runs import run_page as run_page
from billing.admin.runs import runs_page as runs_page
