"""Providers, their earnings, payouts."""
