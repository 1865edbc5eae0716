"""A family that adds cards through its pages: a school, its PrecisePay account at the sandbox, a parent's browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client

from billing.models import Customer
from billing.office.models import Organization, User
from payments.gateways.base import HostedToken
from payments.models import GatewayAccount, PaymentAttempt, PaymentMethod
from payments.services.gateway_accounts import open_gateway_account
from tests import builders
from tests.console_desk import plain
from tests.payments.gateways.dwolla import desk as dwolla
from tests.payments.gateways.precisepay import desk as precisepay

_serial = count(1)


@dataclass
class Family:
    """A parent at the pages of one school."""

    org: Organization
    customer: Customer
    user: User
    account: GatewayAccount
    client: Client = field(default_factory=Client)

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(f"/family/{path}")
        assert answer.status_code == status, (answer.status_code, plain(answer)[-2000:])
        return plain(answer)

    def post(self, path: str, status: int = 302, **typed: Any) -> Any:
        answer = self.client.post(f"/family/{path}", typed)
        assert answer.status_code == status, (answer.status_code, plain(answer)[-2000:])
        return answer

    def add(self, token: HostedToken, kind: str = "card", **typed: Any) -> Any:
        """What the page's script posts, followed to the page where it ends. The response of that page."""
        typed.setdefault("request_key", f"key{next(_serial)}")
        typed.setdefault("postal_code", "77777")
        fields = {"token": token.value, "holder": "Ada Ames", "last4": "1111"} | typed
        answer = self.post(f"methods/add/{self.customer.pk}/{kind}/", **fields)
        return self.client.get(answer["Location"], follow=True)

    def method(self) -> PaymentMethod:
        """The newest."""
        return PaymentMethod.objects.filter(customer=self.customer).latest("pk")

    def methods(self) -> list[tuple[str, str, int]]:
        """(state, why, place), oldest first."""
        rows = PaymentMethod.objects.filter(customer=self.customer).order_by("pk")
        return [(row.state, row.state_reason, row.place) for row in rows]

    def asked(self) -> list[str]:
        """What was asked of the processor, oldest first."""
        return list(
            PaymentAttempt.objects.filter(customer=self.customer).order_by("pk").values_list("operation", flat=True)
        )


def school(configuration: str = "precisepay") -> tuple[Organization, GatewayAccount]:
    org = builders.organization()
    with transaction.atomic():
        return org, open_gateway_account(organization=org, configuration=configuration, now=builders.NOW)


def family(
    org: Organization, account: GatewayAccount, name: str = "Ada Ames", user: User | None = None, **details: Any
) -> Family:  # fmt: skip
    details.setdefault("email", f"{name.split()[0].lower()}@example.org")
    customer = builders.customer(org, name, **details)
    user = user or builders.user(name=f"{name.split()[0].lower()}{next(_serial)}")
    customer.users.add(user)
    found = Family(org, customer, user, account)
    found.client.force_login(user)
    return found


@contextmanager
def at_precisepay() -> Iterator[precisepay.Desk]:
    """The sandbox is up, and the product speaks to it."""
    before = settings.GATEWAYS
    with precisepay.desk() as at:
        settings.GATEWAYS = {"precisepay": at.settings}
        try:
            yield at
        finally:
            settings.GATEWAYS = before


@contextmanager
def at_dwolla() -> Iterator[dwolla.Desk]:
    """Bank accounts at the sandbox of Dwolla."""
    before = settings.GATEWAYS
    with dwolla.desk() as at:
        settings.GATEWAYS = {"dwolla": at.settings}
        try:
            yield at
        finally:
            settings.GATEWAYS = before
