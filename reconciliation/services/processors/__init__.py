"""Processors proven against our books and the bank (R151, R152; invariant 10)."""
