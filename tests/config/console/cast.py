"""Two organizations with a row in every table, and one person of each role in the first."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.test import Client

from billing.ledger.chart import open_bank_ledger_account
from billing.models import Household
from billing.office import api_clients, clock, staffing
from billing.office.models import Organization, User
from billing.office.models.user import STAFF_ROLES
from billing.office.notices import Message, queue_notices
from billing.services.invoicing import issue_credit_memo
from payments.models import BankAccount
from tests import builders as b

STAFF = sorted(STAFF_ROLES)


def signed_in(user: User, org: Organization | None = None) -> Client:
    client = Client()
    client.force_login(user)
    if org is not None:
        session = client.session
        session["organization"] = org.pk
        session.save()
    return client


def person(org: Organization, role: str) -> Client:
    return signed_in(b.user(org, role), org)


def furnish(org: Organization, who: str) -> dict[str, Any]:
    """Rows of every kind for one organization; `who` is a word that occurs in no other."""
    now = clock.now()
    today = org.today(now)
    boss = b.user(org, "school_admin", name=f"{who}-boss")
    customer = b.customer(org, f"{who} Family", code=f"{who}-1")
    Household.objects.create(organization=org, name=f"{who} household")
    invoice = b.invoice(customer, "120.00", issued_on=today, due_on=today)
    taken = b.pay(customer, "50.00", now=now, received_on=today, method="cheque",
                  cheque=b.cheque(f"{who}-77", cheque_date=today), by=boss)  # fmt: skip
    with transaction.atomic():
        issue_credit_memo(
            organization=org, customer_id=customer.pk, net=Decimal("9.00"), tax=Decimal(0), currency=org.currency,
            issued_on=today, reason=f"{who} reason", now=now, by=boss,
        )  # fmt: skip
        ledger = open_bank_ledger_account(org.pk, f"{who} bank")
        BankAccount.objects.create(
            organization=org, code=f"{who}-B", name=f"{who} bank", currency=org.currency, number="123456789",
            number_tail="6789", ledger_account=ledger,
        )  # fmt: skip
        queue_notices(org, [Message(kind="test", fact=who, recipient=f"{who}@example.org", subject=who, body=who)], now)
        api_clients.open_client(organization=org, name=f"{who} shop", role="clerk", expires_at=None, by=boss, now=now)
        reader = b.user(org, "accountant", name=f"{who}-acc")
        staffing.give_role(user=reader, organization=org, role="manager", reason=who, by=boss, now=now)
    return {"customer": customer, "invoice": invoice, "taken": taken}
