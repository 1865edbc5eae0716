"""A school in India with its UPI provider, its sponsor bank and PayU, all served, and a parent, Asha."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from billing.models import Customer, Invoice
from billing.office import clock
from billing.office.models import Organization
from billing.transactions import in_transaction
from payments.gateways.base import DebtorAccount, Kind, MandateTerms, Money, Outcome, Result
from payments.models import GatewayAccount, PaymentAttempt
from payments.services import inbox
from payments.services.calling import money_of
from payments.services.gateway_accounts import open_gateway_account
from payments.services.inbox import keep_events
from payments.services.mandates import MandateOrder, ask_for_mandate
from payments.services.redirecting import RedirectOrder, start_redirect
from tests import builders
from tests.payments.gateways.nach import desk as nach
from tests.payments.gateways.netbanking import desk as netbanking
from tests.payments.gateways.upi import desk as upi

BACK = "https://school.example/family/pay/back/netbanking/"


@dataclass
class Scene:
    """One clock for everybody. Each double has its own ledger of what was really taken."""

    upi: upi.Desk
    bank: netbanking.Desk
    nach: nach.Desk
    school: Organization = field(init=False)
    asha: Customer = field(init=False)
    accounts: dict[str, GatewayAccount] = field(default_factory=dict)

    def open(self) -> "Scene":
        self.school = builders.organization(currency="INR", zone="Asia/Kolkata", email="office@school.example")
        self.asha = builders.customer(self.school, "Asha Rao", email="asha@example.org", phone="+919876543210")
        for name in ("upi", "netbanking", "nach"):
            work = partial(open_gateway_account, organization=self.school, configuration=name, now=self.now)
            self.accounts[name] = in_transaction(work)
        return self

    @property
    def now(self) -> datetime:
        return clock.now()

    def later(self, **how_far: float) -> None:
        self.upi.sandbox.clock.advance(**how_far)  # the one of all
        for desk in (self.upi, self.bank, self.nach):
            desk.do("catch_up")

    def bill(self, amount: str = "1250.00", **details: Any) -> Invoice:
        return builders.invoice(self.asha, amount, **details)

    def go(self, name: str, *invoices: Invoice, **changed: Any) -> PaymentAttempt:
        """As the portal does: all that is open."""
        shares = [(one.pk, Decimal(one.open_amount)) for one in invoices]
        told: dict[str, Any] = {"request_key": uuid4().hex, "return_url": BACK} | changed
        order = RedirectOrder(self.asha, self.accounts[name], shares, **told)
        return start_redirect(order, now=self.now, by=None)

    def visit(self, attempt: PaymentAttempt, action: str = "confirm") -> dict[str, str]:
        """The payer at their bank's page; what their browser brings back."""
        told = Result(Outcome.PENDING, Kind.SALE, attempt.key, money=money_of(attempt), redirect=attempt.redirect)
        return self.bank.visit(told, action)

    def allow(self, name: str, key: str = "", follows: Any = None, **changed: Any) -> PaymentAttempt:
        """Ask for a mandate as the portal does."""
        today = self.school.today(self.now)
        told: dict[str, Any] = {
            "scheme": name, "most": Money(20_000_00, "INR"), "frequency": "any", "starts_on": today, "debit_day": 5,
            "ends_on": today + timedelta(days=365),
        }  # fmt: skip
        mine: dict[str, Any] = {"handle": "asha.rao@okbank"} if name == "upi" else {
            "account": DebtorAccount("500000010000", nach.IFSC)
        }  # fmt: skip
        terms = MandateTerms(**told | mine | changed)
        order = MandateOrder(self.asha, self.accounts[name], terms, key or uuid4().hex, follows=follows)
        return ask_for_mandate(order, now=self.now, by=None)

    def hear_upi(self) -> None:
        """All that the provider told so far arrives, and is worked on."""
        for row in self.upi.sandbox.webhooks.rows:
            headers = {name.lower(): text for name, text in row.headers.items()}
            events = self.upi.gateway().parse_webhook(row.body, headers, [])
            keep_events(configuration="upi", events=events, raw=row.body, now=self.now)
        inbox.work_due(now=self.now, limit=500)


@contextmanager
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with upi.desk(monkeypatch) as first, netbanking.desk(monkeypatch) as second, nach.desk(monkeypatch) as third:
        second.sandbox.clock = third.sandbox.clock = first.sandbox.clock
        second.sandbox.webhooks.clock = third.sandbox.webhooks.clock = first.sandbox.clock
        monkeypatch.setattr(clock, "now", first.sandbox.clock.now)
        configured = {"upi": first.settings, "netbanking": second.settings, "nach": third.settings}
        with override_settings(GATEWAYS=configured):
            yield Scene(first, second, third).open()
