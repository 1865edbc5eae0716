"""Money owed: customers, invoices, credit and its allocation."""
