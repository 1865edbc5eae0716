"""Post-dated cheques and cheques that came back, for the tests of the vault."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.errors import DomainError
from billing.models import Customer
from billing.office.models import User
from payments.models import Cheque, ChequePresentation
from payments.services.vault import VaultOrder, take_in
from tests import builders
from tests.builders import NOW, TODAY

_serial = count(1)


def vault_order(payer: Customer, amount: str | int = 100, **details: Any) -> VaultOrder:
    """A cheque due in thirty days unless told otherwise; each with a number and a key of its own."""
    serial = next(_serial)
    details.setdefault("number", f"{serial:06d}")
    details.setdefault("bank", "First Bank")
    details.setdefault("cheque_date", TODAY + timedelta(days=30))
    details.setdefault("currency", payer.organization.currency)
    details.setdefault("received_on", TODAY)
    details.setdefault("request_key", f"vault-{serial}")
    return VaultOrder(customer_id=payer.pk, amount=Decimal(amount), **details)


def take(*orders: VaultOrder, payer: Customer, now: datetime = NOW, by: User | None = None) -> list[Any]:
    """Through the real service, as a door does."""
    with transaction.atomic():
        return take_in(organization=payer.organization, orders=orders, now=now, by=by)


def in_vault(payer: Customer, amount: str | int = 100, **details: Any) -> Cheque:
    """One cheque in the vault."""
    extra = {name: details.pop(name) for name in ("now", "by") if name in details}
    result = take(vault_order(payer, amount, **details), payer=payer, **extra)[0]
    if isinstance(result, DomainError):
        raise result
    assert isinstance(result, Cheque)
    return result


def came_back(payer: Customer, on: date = TODAY, *, reason: str = "nsf", drawer: str = "") -> Cheque:
    """A cheque that the bank answered with "returned" on a day; only what the history of bounces reads of it."""
    paper = builders.cheque(f"B{next(_serial):05d}", drawer=drawer, cheque_date=on)
    first = ChequePresentation.objects.filter(cheque__customer=payer, result="returned")
    taken = builders.pay(payer, 10 + first.count(), method="cheque", cheque=paper, received_on=on)
    cheque = taken.received.cheque
    assert cheque is not None
    ChequePresentation.objects.filter(cheque=cheque).update(
        result="returned", result_on=on, reason=reason, entry=taken.payment.entry, recorded_at=NOW
    )
    return cheque
