"""A house with cash: drawers, a safe with a float in it, and counting by amount."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.office.models import Organization, User
from payments.models import BankAccount, Payment
from payments.models.cash import CashMovement, CashPoint, DrawerSession
from payments.services.bank_accounts import ensure_bank_account
from payments.services.cash_points import create_cash_point
from payments.services.denominations import Counted, faces
from payments.services.drawers import close_drawer, move_cash, open_drawer
from tests import builders
from tests.builders import NOW

_serial = iter(range(1, 100_000))


def coins(amount: str | int | Decimal, currency: str = "USD") -> Counted:
    """Notes and coins that come to an amount, the biggest first; 0 pieces for nothing."""
    left, counted = Decimal(amount), []
    for face in map(Decimal, faces(currency)):
        pieces = int(left // face)
        if pieces:
            counted.append((face, pieces))
            left -= face * pieces
    assert not left, f"{currency} cannot make {amount}"
    return tuple(counted) or ((Decimal(faces(currency)[0]), 0),)


def point(org: Organization, name: str = "Drawer 1", kind: str = "drawer") -> CashPoint:
    with transaction.atomic():
        return create_cash_point(organization=org, name=name, kind=kind)


def bank(org: Organization, currency: str = "") -> BankAccount:
    with transaction.atomic():
        return ensure_bank_account(organization=org, code="main", currency=currency or org.currency, name="Main")[0]


def fetch(org: Organization, amount: str | int, by: User, **more: Any) -> CashMovement:
    """Cash from the bank into the safe, as for floats."""
    return move(org, None, "from_bank", amount, by, bank_account=bank(org), **more)


def move(
    org: Organization, session: DrawerSession | None, kind: str, amount: str | int, by: User, *, key: str = "",
    now: datetime = NOW, **more: Any,
) -> CashMovement:  # fmt: skip
    with transaction.atomic():
        return move_cash(
            organization=org, session=session, kind=kind, amount=Decimal(amount), currency=org.currency,
            reason="change", request_key=key or f"move-{next(_serial)}", now=now, by=by, **more,
        )  # fmt: skip


def opened(cash_point: CashPoint, by: User, float_: str | int = 0, *, now: datetime = NOW) -> DrawerSession:
    currency = cash_point.organization.currency
    with transaction.atomic():
        return open_drawer(
            cash_point=cash_point, currency=currency, denominations=coins(float_, currency), now=now, by=by
        )  # fmt: skip


def closed(
    session: DrawerSession, counted: str | int, by: User, *, reason: str = "", now: datetime = NOW
) -> DrawerSession:
    with transaction.atomic():
        return close_drawer(
            session=session, denominations=coins(counted, session.currency), reason=reason, now=now, by=by
        )  # fmt: skip


def cash_in(session: DrawerSession, amount: str | int, by: User | None = None, **more: Any) -> Payment:
    """A customer pays cash into a drawer."""
    payer = more.pop("payer", None) or builders.customer(session.organization)
    return builders.pay(payer, amount, drawer_session_id=session.pk, by=by, **more).payment
