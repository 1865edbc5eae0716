"""A family at its own pages: Mei with her account, Tom who pays a share, Eve of nobody's concern here."""

from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.models import Customer
from billing.office import clock
from billing.office.models import Organization, User
from payments.models import Payment
from tests import builders
from tests.console_desk import plain
from tests.payments.refund_cast import owner


@dataclass
class Family:
    """One school, Mei's account there with her login, and what her browser sees."""

    org: Organization
    payer: Customer
    user: User

    def client(self, user: User | None = None) -> Client:
        client = Client()
        client.force_login(user or self.user)
        return client

    def see(self, path: str, status: int = 200) -> str:
        answer = self.client().get(path)
        assert answer.status_code == status, (answer.status_code, plain(answer)[-2000:])
        return plain(answer)

    def post(self, path: str, status: int = 302, **fields: Any) -> Any:
        answer = self.client().post(path, fields)
        assert answer.status_code == status, (answer.status_code, plain(answer)[-2000:])
        return answer

    def paid(self, amount: str = "120.00", **details: Any) -> Payment:
        """A payment of today by card, nothing of it billed unless there is something to bill."""
        details.setdefault("received_on", self.org.today(clock.now()))
        details.setdefault("method", "card")
        return builders.pay(self.payer, amount, now=clock.now(), **details).payment

    def other(self, name: str = "Eve", org: Organization | None = None) -> tuple[Customer, User]:
        """Another family, of the same school unless told otherwise."""
        payer = builders.customer(org or self.org, name)
        return payer, owner(payer)


def family() -> Family:
    org = builders.organization(zone="UTC")
    payer = builders.customer(org, "Mei", email="mei@example.org")
    return Family(org, payer, owner(payer, "mei"))


def a_file(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)
