"""Zoho as the merchant meets it: OAuth, Billing, Books and CRM behind one port."""

from tests.sandbox.zoho.zoho import Zoho

__all__ = ["Zoho"]
