from reconciliation.admin import bank_file_pages as bank_file_pages
from reconciliation.admin import csv_profile_pages as csv_profile_pages
from reconciliation.admin import day_pages as day_pages
from reconciliation.admin import month_deeds as month_deeds
from reconciliation.admin import month_pages as month_pages
from reconciliation.admin import proof_pages as proof_pages
