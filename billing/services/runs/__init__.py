"""Billing runs: preview, approval, what became of each bill."""
