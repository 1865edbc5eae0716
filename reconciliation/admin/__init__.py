from reconciliation.admin import proof_pages as proof_pages
