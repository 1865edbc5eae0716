"""A family at a school, and another one beside it whose data is nobody else's business."""

import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zipfile import ZipFile

from django.db import transaction
from django.test import Client

from billing.models import Customer
from billing.office import clock
from billing.office.models import Organization, User
from billing.office.notices import Message, queue_notices
from receipts.models import DataExport
from receipts.tasks import make_data_copies
from tests import builders as b
from tests.agreements import student
from tests.console_desk import plain


@dataclass
class Family:
    """One customer, its login, signed in."""

    org: Organization
    customer: Customer
    user: User
    client: Client

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(f"/family/data/{path}")
        assert answer.status_code == status, (answer.status_code, plain(answer)[-1500:])
        return plain(answer)

    def post(self, path: str = "", status: int = 302, **typed: Any) -> str:
        answer = self.client.post(f"/family/data/{path}", typed)
        assert answer.status_code == status, (answer.status_code, plain(answer)[-1500:])
        return plain(answer)

    def copy(self) -> dict[str, list[dict[str, Any]]]:
        """What is in the newest copy, fetched through the page."""
        export = DataExport.objects.filter(user=self.user).latest("pk")
        answer = self.client.get(f"/family/data/{export.pk}/file/")
        assert answer.status_code == 200
        return unpacked(answer.getvalue())


def unpacked(data: bytes) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(ZipFile(io.BytesIO(data)).read("data.json"))["data"]
    return found


def family(org: Organization, who: str, **details: Any) -> Family:
    """Somebody who was billed 120.00 and paid it, with a child and a message. Every word of theirs has `who`."""
    details.setdefault("email", f"{who.lower()}@example.org")
    customer = b.customer(org, f"{who} Family", phone=f"555 {who}", address=f"1 {who} Street", **details)
    user = b.user(name=f"{who.lower()}-login")
    User.objects.filter(pk=user.pk).update(email=customer.email, first_name=who)
    user.refresh_from_db()
    customer.users.add(user)
    student(customer, f"{who} Junior", code=f"S-{customer.code}")
    b.invoice(customer, "120.00", issued_on=b.TODAY)
    b.pay(customer, "120.00")
    tell(customer, f"Dear {who}")
    client = Client()
    client.force_login(user)
    return Family(org, customer, user, client)


def tell(customer: Customer, text: str, now: datetime = b.NOW, to: str = "") -> None:
    message = Message("note", f"{customer.pk}:{text}", to or customer.email, text, text, party=customer.pk)
    with transaction.atomic():
        queue_notices(customer.organization, [message], now)


def work(now: datetime | None = None) -> int:
    """The job."""
    return make_data_copies(now or clock.now())
