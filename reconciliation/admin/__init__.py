from reconciliation.admin import bank_file_pages as bank_file_pages
from reconciliation.admin import csv_profile_pages as csv_profile_pages
from reconciliation.admin import proof_pages as proof_pages
