"""A small cast, built on demand. Builders take only what a test is about."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import CreditItem, Customer, Invoice
from billing.office.access import grant_role
from billing.office.models import Organization, User
from billing.office.organizations import create_organization
from billing.office.policies import set_policy
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.terms import parse_terms
from payments.models import Payment
from payments.services.orders import ChequeOrder, PaymentOrder
from receipts.services.counter import ReceiptWish, Taken, take_payment

NOW = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
TODAY = date(2026, 3, 12)
_serial = count(1)


def organization(
    code: str = "", *, currency: str = "USD", zone: str = "America/New_York", **details: Any
) -> Organization:
    """A music school in USD unless told otherwise; no limits unless a policy sets them."""
    with transaction.atomic():
        return create_organization(
            code=code or f"org{next(_serial)}", name=details.pop("name", "Allegro Music School"), currency=currency,
            country=details.pop("country", {"TWD": "TW", "INR": "IN"}.get(currency, "US")),
            time_zone=zone, now=NOW, **details,
        )  # fmt: skip


def policy(org: Organization, key: str, value: Any, **scope: Any) -> None:
    set_policy(organization=org, key=key, value=value, now=NOW, by=None, **scope)


def user(org: Organization | None = None, *roles: str, name: str = "") -> User:
    made = User.objects.create_user(name or f"user{next(_serial)}", password="a long enough password 1")
    with transaction.atomic():
        for role in roles:
            assert org is not None
            grant_role(user=made, organization=org, role=role, by=None)
    return made


def customer(org: Organization, name: str = "Ada Lovelace", **details: Any) -> Customer:
    code = details.pop("code", "") or f"C{next(_serial):05d}"
    return Customer.objects.create(organization=org, code=code, name=name, **details)


def invoice(
    payer: Customer, amount: str | int | Decimal = "120.00", *, issued_on: date = date(2026, 2, 12),
    due_on: date | None = None, terms: str = "", tax_rate: str = "0", **details: Any,
) -> Invoice:  # fmt: skip
    """One line of `amount` before tax, due in thirty days unless told otherwise."""
    details.setdefault("currency", payer.organization.currency)
    order = InvoiceOrder(
        customer_id=payer.pk, issued_on=issued_on, due_on=due_on, terms=parse_terms(terms or "net 30"),
        terms_text=terms, lines=[LineOrder("Lessons", Decimal(amount), tax_rate=Decimal(tax_rate))], **details,
    )  # fmt: skip
    with transaction.atomic():
        return issue_invoices(organization=payer.organization, orders=[order], now=NOW, by=None)[0]


def order(payer: Customer, amount: str | int | Decimal, **details: Any) -> PaymentOrder:
    by_hand: Iterable[tuple[Invoice, str]] | None = details.pop("by_hand", None)
    details.setdefault("currency", payer.organization.currency)
    details.setdefault("request_key", f"key-{next(_serial)}")
    details.setdefault("received_on", TODAY)
    details.setdefault("method", "cash")
    if by_hand is not None:
        details["by_hand"] = tuple((inv.pk, Decimal(part)) for inv, part in by_hand)
    return PaymentOrder(customer_id=payer.pk, amount=Decimal(amount), **details)


def cheque(number: str = "000123", **details: Any) -> ChequeOrder:
    details.setdefault("bank", "First Bank")
    details.setdefault("cheque_date", TODAY)
    return ChequeOrder(number=number, **details)


def pay(
    payer: Customer, amount: str | int | Decimal, *, by: User | None = None, now: datetime = NOW,
    wish: ReceiptWish | None = None, **details: Any,
) -> Taken:  # fmt: skip
    """Take a payment at the counter, through the real service."""
    with transaction.atomic():
        return take_payment(
            organization=payer.organization, order=order(payer, amount, **details), wish=wish or ReceiptWish(),
            now=now, by=by,
        )  # fmt: skip


def credit_of(payment: Payment) -> CreditItem:
    """The credit that a payment became when it was processed."""
    assert payment.credit_item is not None
    return payment.credit_item
