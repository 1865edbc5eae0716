"""Dwolla: ACH transfers, banks, micro-deposits, drop-ins and webhooks, as the API of its sandbox answers.

Written from Dwolla's own documentation and the `dwollav2` client. Where neither says what happens, the double is loud.
"""

from tests.sandbox.dwolla.sandbox import Dwolla

__all__ = ["Dwolla"]
