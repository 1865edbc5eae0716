"""Overdue timelines, pauses, payment plans for debts, collections."""
