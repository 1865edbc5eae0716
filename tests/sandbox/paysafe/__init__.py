"""Paysafe: the Payments API (/paymenthub/v1), the older Card Payments and Customer Vault APIs, and Paysafe.js.

Source: the processor's notes, recorded replies of the older API, the official SDKs' models.
"""

from tests.sandbox.paysafe.paysafe import Paysafe

__all__ = ["Paysafe"]
