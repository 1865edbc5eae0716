"""Transfers that the bank's statement shows: payments with their receipts, made from the bank's own lines (R17, R18).

The money is in our account already: limits and second persons, which are asked before money is taken, are asked only
of what the organization wants verified (R13).
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from billing.errors import DomainError
from billing.office.models import Organization, User
from billing.transactions import transaction_required
from payments.models import Payment
from payments.services.orders import PaymentOrder

# Filled at start by receipts: (organization, orders, now, by) → one payment or DomainError for each order.
TAKE: list[Callable[..., list[Payment | DomainError]]] = []


@transaction_required
def take_transfers(
    *, organization: Organization, orders: Sequence[PaymentOrder], now: datetime, by: User | None
) -> list[Payment | DomainError]:
    """Record, book, apply and receipt transfers in the order given; a refused one comes back as its DomainError."""
    return TAKE[0](organization=organization, orders=orders, now=now, by=by)
