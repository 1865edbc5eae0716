"""Charging what is due by itself, and what becomes of charges that failed."""
