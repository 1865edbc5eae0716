"""A school that collects by itself at a served processor, and days that pass for both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import Agreement, Customer, Invoice
from billing.office import clock
from billing.office.models import Notice, Organization
from payments.models import GatewayAccount, PaymentAttempt, PaymentMethod, RetryDecision
from payments.services.gateway_accounts import open_gateway_account
from payments.services.recovery.autopay import charge_due
from payments.services.recovery.retrying import Retried, retry_due
from payments.services.recovery.workers import Crew
from payments.services.sweeping import sweep
from tests import agreements, builders
from tests.payments.gateways.precisepay.desk import MASTERCARD, VISA, Desk, desk, payer
from tests.sandbox.clock import Clock

_serial = count(1)


@dataclass
class School:
    """One organization with one or two processors. now: of everybody."""

    clock: Clock
    desks: dict[str, Desk]
    org: Organization = field(init=False)
    accounts: dict[str, GatewayAccount] = field(init=False)
    workers: int = 1

    def open(self, **policies: Any) -> "School":
        self.org = builders.organization(email="office@allegro.example", phone="+1 555 0100")
        for key, value in policies.items():
            builders.policy(self.org, key.replace("__", "."), value)
        with transaction.atomic():
            self.accounts = {
                name: open_gateway_account(organization=self.org, configuration=name, now=self.now, name=name)
                for name in self.desks
            }  # fmt: skip
        return self

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def pass_time(self, **how_far: float) -> None:
        self.clock.advance(**how_far)

    def go_to(self, at: datetime, **more: float) -> None:
        """Nobody goes back."""
        assert at >= self.now
        self.clock.advance(seconds=(at - self.now).total_seconds())
        self.clock.advance(**more)

    def family(self, name: str = "Ada Ames", **details: Any) -> Customer:
        details.setdefault("email", f"family{next(_serial)}@example.com")
        return builders.customer(self.org, name, **details)

    def method(self, of: Customer, at: str = "precisepay", number: str = VISA, **details: Any) -> PaymentMethod:
        """A stored card, usable, last in the family's order."""
        ref = self.desks[at].method(self.desks[at].card(number), payer(of.name))
        place = 1 + PaymentMethod.objects.filter(customer=of, place__gt=0).count()
        facts: dict[str, Any] = {
            "instrument": "card", "state": "active", "place": place, "token_hash": f"{at}:{ref.token}",
            "brand": {VISA: "Visa", MASTERCARD: "Mastercard"}.get(number, "card"), "last4": number[-4:],
            "exp_month": 12, "exp_year": 2030, "verified_at": self.now, "made_at": self.now, "payer_id": ref.payer_id,
            "request_key": f"method-{next(_serial)}",
        }  # fmt: skip
        return PaymentMethod.objects.create(
            organization=self.org, customer=of, gateway_account=self.accounts[at], token=ref.token, **(facts | details)
        )

    def bank(self, of: Customer, **details: Any) -> PaymentMethod:
        token = self.desks["precisepay"].bank(of.name)
        ref = self.desks["precisepay"].method(token, payer(of.name))
        facts: dict[str, Any] = {
            "instrument": "bank", "ach_status": 1, "token_hash": f"bank:{ref.token}", "brand": "", "last4": "3815",
            "exp_month": 0, "exp_year": 0,
        }  # fmt: skip
        made = self.method(of, **(facts | details))
        PaymentMethod.objects.filter(pk=made.pk).update(token=ref.token)
        made.refresh_from_db()
        return made

    def decline(self, method: PaymentMethod, code: str, at: str = "precisepay") -> None:
        """From now on the bank behind the card says no; "" for yes."""
        self.desks[at].nmi.do("decline_vault", customer_vault_id=method.token, code=code)

    def agreement(self, of: Customer, **details: Any) -> Agreement:
        details.setdefault("collects_itself", True)
        return agreements.agreement(of, **details)

    def bill(self, of: Customer, amount: str = "90.00", *, under: Agreement | None = None, due: int = 0) -> Invoice:
        """An invoice of an agreement that is collected by itself. due: days from now."""
        today = self.org.today(self.now)
        return builders.invoice(
            of, amount, issued_on=today - timedelta(days=14), due_on=today + timedelta(days=due),
            agreement_id=(under or self.agreement(of)).pk,
        )  # fmt: skip

    # What the jobs do

    def charge(self, **more: Any) -> dict[str, int]:
        more.setdefault("crew", Crew("test", workers=self.workers))
        return dict(charge_due(now=self.now, organization=self.org, **more)[0].came)

    def retry(self) -> Retried:
        return retry_due(now=self.now, crew=Crew("test", workers=self.workers), organization=self.org)

    def ask(self) -> None:
        """What the sweeper does until nothing is unknown any more, in ten minutes at the most."""
        for _turn in range(5):
            self.pass_time(minutes=2)
            sweep(now=self.now)

    # What came of it

    def taken(self) -> Decimal:
        """What the processors say they took and did not give back."""
        return Decimal(sum(one.minor for at in self.desks.values() for one in at.nmi.ledger.captures())) / 100

    def captures(self) -> int:
        return sum(len(at.nmi.ledger.captures()) for at in self.desks.values())


@contextmanager
def school(monkeypatch: Any, settings: Any, *names: str, frozen_at: datetime = builders.NOW) -> Iterator[School]:
    """A school with these processors, at one time of the day for everybody."""
    time = Clock(frozen_at)
    names = names or ("precisepay",)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", time.now)
        desks, stack = {}, []
        try:
            for name in names:
                stack.append(desk(clock=time))
                desks[name] = stack[-1].__enter__()
            settings.GATEWAYS = {name: at.settings | {"read_seconds": "20"} for name, at in desks.items()}
            yield School(time, desks)
        finally:
            for one in reversed(stack):
                one.__exit__(None, None, None)


def attempts(invoice: Invoice) -> list[PaymentAttempt]:
    return list(PaymentAttempt.objects.filter(claims__invoice=invoice).order_by("pk"))


def states(invoice: Invoice) -> list[str]:
    return [one.state for one in attempts(invoice)]


def decision(invoice: Invoice) -> RetryDecision:
    """The last one."""
    return RetryDecision.objects.filter(failed__claims__invoice=invoice).select_related("failed", "method").latest("pk")


def left(invoice: Invoice) -> Decimal:
    found: Decimal = Invoice.objects.values_list("open_amount", flat=True).get(pk=invoice.pk)
    return found


def told(kind: str) -> list[Notice]:
    return list(Notice.objects.filter(kind=kind).order_by("pk"))
