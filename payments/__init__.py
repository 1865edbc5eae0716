"""Money moving: payments received, voided, verified."""
