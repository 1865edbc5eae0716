"""Tax codes and rates, billing profiles, tax invoices, the forecast."""
