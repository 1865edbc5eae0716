"""A school whose lessons Zoho Billing bills, and Ada, who has agreed to them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.test import override_settings

from billing.models import Agreement, Customer, Invoice
from billing.office.models import Notice, Organization
from billing.transactions import in_transaction
from payments.gateways.registry import gateway_for
from payments.models import GatewayAccount, Payment, ZohoSubscription
from payments.services import inbox
from payments.services.gateway_accounts import open_gateway_account
from payments.services.zoho.linking import start_subscription
from payments.services.zoho.tending import read_now, tend
from tests import agreements, builders
from tests.payments.gateways.zoho.desk import CARD, PLAN, Desk, desk
from tests.sandbox.clock import Clock

START = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)


@dataclass
class Scene:
    """clock: of the double, which the product is told too."""

    at: Desk
    clock: Clock
    school: Organization
    account: GatewayAccount
    ada: Customer
    heard: set[str] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def agreement(self, **details: Any) -> Agreement:
        return agreements.agreement(self.ada, backend="zoho", **details)

    def begun(self, agreement: Agreement | None = None) -> ZohoSubscription:
        """Started here; the payer has Zoho's page."""
        link = in_transaction(
            partial(
                start_subscription, agreement=agreement or self.agreement(), gateway_account=self.account,
                plan_code=PLAN, now=self.now, by=None,
            )
        )  # fmt: skip
        self.tend()
        link.refresh_from_db()
        return link

    def subscribed(self, form: dict[str, str] = CARD, agreement: Agreement | None = None) -> ZohoSubscription:
        """The payer has subscribed, and all that was told is taken in."""
        link = self.begun(agreement)
        self.at.subscribe(link.page_url, form)
        self.hear()
        link.refresh_from_db()
        return link

    def tend(self) -> int:
        return tend(now=self.now)

    def read(self, link: ZohoSubscription) -> str:
        said = read_now(link.pk, now=self.now)
        link.refresh_from_db()
        return said

    def keep(self, deliveries: Sequence[Any] | None = None) -> None:
        """What Zoho told arrives at the inbox, by its own signature."""
        for row in deliveries if deliveries is not None else self.at.told():
            gateway, _wire = gateway_for("zoho")
            headers = {name.lower(): value for name, value in row.headers.items()}
            events = gateway.parse_webhook(row.body, headers, [])
            inbox.keep_events(configuration="zoho", events=events, raw=row.body, now=self.now)

    def hear(self, deliveries: Sequence[Any] | None = None) -> None:
        self.keep(deliveries)
        inbox.work_due(now=self.now)

    def later(self, **how_far: float) -> None:
        """Time goes by at Zoho, and what is due there is done."""
        self.clock.advance(**how_far)
        self.at.zoho.do("run_engine")

    @property
    def invoices(self) -> list[Invoice]:
        return list(Invoice.objects.filter(customer=self.ada, zoho__isnull=False).order_by("pk"))

    @property
    def payments(self) -> list[Payment]:
        return list(Payment.objects.filter(customer=self.ada).order_by("pk"))

    def notices(self, kind: str) -> list[Notice]:
        return list(Notice.objects.filter(organization=self.school, kind=kind).order_by("pk"))


@contextmanager
def zoho_scene(*, settings: dict[str, str] | None = None, **changes: Any) -> Iterator[Scene]:
    clock = Clock(START)
    with desk(clock=clock, **changes) as at, override_settings(GATEWAYS={"zoho": at.settings | (settings or {})}):
        school = builders.organization()
        account = in_transaction(partial(open_gateway_account, organization=school, configuration="zoho", now=START))
        yield Scene(at, clock, school, account, builders.customer(school, email="ada@example.com"))
