"""A school with a merchant account at the PrecisePay double, and a parent whose card is stored there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from django.test import override_settings

from billing.models import Customer, Invoice
from billing.office import clock
from billing.office.models import Organization
from billing.office.secrets import keyed_hash
from billing.transactions import in_transaction
from payments.models import GatewayAccount, PaymentAttempt, PaymentMethod
from payments.models.payment_method import AchStatus, Instrument, MethodState
from payments.services.charging import charge
from payments.services.gateway_accounts import open_gateway_account
from tests import builders
from tests.payments.gateways.precisepay.desk import Desk, desk


@dataclass
class Scene:
    """A school, a parent and the processor. at: the double; at.nmi.ledger is what was really taken."""

    at: Desk
    school: Organization
    account: GatewayAccount
    ada: Customer

    def bill(self, amount: str = "120.00", **details: Any) -> Invoice:
        return builders.invoice(self.ada, amount, **details)

    def card(self, **changes: Any) -> PaymentMethod:
        """A card that is stored and proven."""
        return self._store(self.at.card(), instrument=Instrument.CARD, **changes)

    def bank(self, **changes: Any) -> PaymentMethod:
        return self._store(self.at.bank(), instrument=Instrument.BANK, ach_status=AchStatus.APPROVED, **changes)

    def _store(self, token: Any, **changes: Any) -> PaymentMethod:
        stored = self.at.method(token)
        place = 1 + PaymentMethod.objects.filter(customer=self.ada, place__gt=0).count()
        values = {
            "organization": self.school, "customer": self.ada, "gateway_account": self.account, "place": place,
            "state": MethodState.ACTIVE, "token": stored.token, "token_hash": keyed_hash(stored.token),
            "payer_id": stored.payer_id, "last4": "1111", "brand": "visa", "exp_month": 12, "exp_year": 2030,
            "request_key": uuid4().hex, "made_at": clock.now(),
        }  # fmt: skip
        return PaymentMethod.objects.create(**values | changes)

    def charge(self, method: PaymentMethod, *invoices: Invoice, **changes: Any) -> PaymentAttempt:
        """As the portal does, all that is open unless told otherwise."""
        now: datetime = changes.pop("now", clock.now())
        amounts: list[Decimal] = changes.pop("amounts", [invoice.open_amount for invoice in invoices])
        values: dict[str, Any] = {
            "request_key": uuid4().hex,
            "now": now,
            "by": None,
            "by_payer": True,
            "channel": "portal",
            "decision": {},
        }
        pairs = [(invoice.pk, amount) for invoice, amount in zip(invoices, amounts, strict=True)]
        return charge(method=method, invoices=pairs, **values | changes)


@contextmanager
def charging_scene(**changes: Any) -> Iterator[Scene]:
    with desk(**changes) as at, override_settings(GATEWAYS={"precisepay": at.settings}):
        school = builders.organization()
        account = in_transaction(
            partial(open_gateway_account, organization=school, configuration="precisepay", now=clock.now())
        )
        yield Scene(at, school, account, builders.customer(school, email="ada@example.com"))


def nobody_there(scene: Scene) -> override_settings:
    """While it holds, nothing reaches the processor."""
    return override_settings(GATEWAYS={"precisepay": scene.at.settings | {"base_url": "http://127.0.0.1:9"}})
