"""Zoho's records as far as they matter here: amounts in major units as Decimals, days and aware times, texts cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]


class Odd(ValueError):
    """A record that lacks what every such record has."""


@dataclass(frozen=True)
class Payer:
    """A customer there. reference: our key, where we made it."""

    id: str
    name: str
    email: str
    reference: str


@dataclass(frozen=True)
class Page:
    """A page of Zoho's on which the payer types a card. status: "fresh", "success", "expired", "cancelled"."""

    id: str
    url: str
    status: str
    expires_at: datetime | None
    subscription_id: str = ""


@dataclass(frozen=True)
class Subscription:
    """status: Zoho's word. reference: our key. term_ends_on: the day the next term begins."""

    id: str
    status: str
    reference: str
    customer_id: str
    plan_code: str
    amount: Decimal
    currency: str
    collects: bool
    term_starts_on: date | None
    term_ends_on: date | None
    next_billing_on: date | None
    cancelled_on: date | None
    last4: str


@dataclass(frozen=True)
class BillLine:
    """net: of the line, before tax."""

    text: str
    quantity: Decimal
    net: Decimal


@dataclass(frozen=True)
class Bill:
    """An invoice there. debit_under_way: a bank debit was started and is not paid yet, expected on a day."""

    id: str
    number: str
    status: str
    customer_id: str
    subscription_ids: tuple[str, ...]
    currency: str
    issued_on: date
    due_on: date
    total: Decimal
    tax: Decimal
    balance: Decimal
    credited: Decimal
    written_off: Decimal
    debit_under_way: bool
    expected_on: date | None
    lines: tuple[BillLine, ...]
    payment_ids: tuple[str, ...]


@dataclass(frozen=True)
class GivenBack:
    """A refund. credit_note: number of the one it was paid from, "" for none."""

    id: str
    amount: Decimal
    on: date
    status: str
    credit_note: str
    text: str


@dataclass(frozen=True)
class Paid:
    """A payment there. shares: (invoice id, amount). gateway_ref: of the processor that Zoho charged through."""

    id: str
    number: str
    mode: str
    status: str
    customer_id: str
    currency: str
    amount: Decimal
    refunded: Decimal
    on: date
    reference: str
    shares: tuple[tuple[str, Decimal], ...]
    gateway_ref: str
    last4: str
    trouble: str
    refunds: tuple[GivenBack, ...]


# Reading


def payer(row: Row) -> Payer:
    return Payer(ident(row, "customer_id"), text(row, "display_name"), text(row, "email"), text(row, "reference_id"))


def contact(row: Row) -> Payer:
    """A customer as Books has it."""
    return Payer(ident(row, "contact_id"), text(row, "contact_name"), text(row, "email"), text(row, "reference_id"))


def page(row: Row) -> Page:
    made = (row.get("data") or {}).get("subscription") or {}
    return Page(
        ident(row, "hostedpage_id", 120), text(row, "url", 500), text(row, "status", 20), moment(row, "expiring_time"),
        text(made, "subscription_id", 40),
    )  # fmt: skip


def subscription(row: Row) -> Subscription:
    plan, means = row.get("plan") or {}, row.get("card") or row.get("bank_account") or {}
    customer = row.get("customer") or {}
    return Subscription(
        id=ident(row, "subscription_id"), status=text(row, "status", 30), reference=text(row, "reference_id", 40),
        customer_id=text(row, "customer_id", 40) or text(customer, "customer_id", 40),
        plan_code=text(plan, "plan_code", 60), amount=amount(row, "amount"), currency=text(row, "currency_code", 3),
        collects=bool(row.get("auto_collect")), term_starts_on=day(row, "current_term_starts_at"),
        term_ends_on=day(row, "current_term_ends_at"), next_billing_on=day(row, "next_billing_at"),
        cancelled_on=day(row, "cancelled_at"), last4=text(means, "last_four_digits", 4),
    )  # fmt: skip


def bill(row: Row) -> Bill:
    issued = needed_day(row, "invoice_date", "date")
    total = amount(row, "total")
    return Bill(
        id=ident(row, "invoice_id"), number=text(row, "invoice_number", 30) or ident(row, "number"),
        status=text(row, "status", 20), customer_id=text(row, "customer_id", 40),
        subscription_ids=tuple(ident(one, "subscription_id") for one in row.get("subscriptions") or ()),
        currency=text(row, "currency_code", 3), issued_on=issued, due_on=day(row, "due_date") or issued, total=total,
        tax=_tax(row), balance=amount(row, "balance"), credited=amount(row, "credits_applied"),
        written_off=amount(row, "write_off_amount"), debit_under_way=bool(row.get("ach_payment_initiated")),
        expected_on=day(row, "payment_expected_date"), lines=tuple(map(_line, row.get("invoice_items") or ())),
        payment_ids=tuple(ident(one, "payment_id") for one in row.get("payments") or ()),
    )  # fmt: skip


def _tax(row: Row) -> Decimal:
    if "tax_total" in row:
        return amount(row, "tax_total")
    return sum((amount(one, "tax_amount") for one in row.get("taxes") or ()), Decimal(0))


def _line(row: Row) -> BillLine:
    name = "item_total" if "item_total" in row else "total"
    return BillLine(text(row, "name", 200) or text(row, "description", 200), amount(row, "quantity"), amount(row, name))


def paid(row: Row) -> Paid:
    auto = row.get("autotransaction") or {}
    return Paid(
        id=ident(row, "payment_id"), number=text(row, "payment_number", 40), mode=text(row, "payment_mode", 30).lower(),
        status=text(row, "status", 20).lower(), customer_id=text(row, "customer_id", 40),
        currency=text(row, "currency_code", 3), amount=amount(row, "amount"), refunded=amount(row, "amount_refunded"),
        on=needed_day(row, "date"), reference=text(row, "reference_number", 80),
        shares=tuple((ident(one, "invoice_id"), amount(one, "amount_applied")) for one in row.get("invoices") or ()),
        gateway_ref=text(auto, "gateway_transaction_id", 80), last4=text(auto, "last_four_digits", 4),
        trouble=text(auto, "gateway_error_message", 200),
        refunds=tuple(given_back(one) for one in row.get("payment_refunds") or ()),
    )  # fmt: skip


def given_back(row: Row) -> GivenBack:
    return GivenBack(
        ident(row, "refund_id"), amount(row, "amount"), needed_day(row, "date"), text(row, "status", 20).lower(),
        text(row.get("creditnote") or {}, "creditnote_number", 40), text(row, "description", 200),
    )  # fmt: skip


# Values


def ident(row: Row, name: str, longest: int = 60) -> str:
    found = text(row, name, longest)
    if not found:
        raise Odd(f"no {name}")
    return found


def text(row: Row, name: str, longest: int = 160) -> str:
    value = row.get(name)
    return "" if value is None else str(value).replace("\0", "")[:longest]


def amount(row: Row, name: str) -> Decimal:
    """0 where it is not said. Raises Odd for what is no finite number."""
    value = row.get(name)
    try:
        found = Decimal(str(value)) if value not in (None, "") else Decimal(0)
    except InvalidOperation:
        raise Odd(f"{name} is no amount") from None
    if not found.is_finite():
        raise Odd(f"{name} is no amount")
    return found


def day(row: Row, name: str) -> date | None:
    value = text(row, name, 40)
    try:
        return date.fromisoformat(value[:10]) if value else None
    except ValueError:
        raise Odd(f"{name} is no day") from None


def needed_day(row: Row, *names: str) -> date:
    for name in names:
        if (found := day(row, name)) is not None:
            return found
    raise Odd(f"no {names[0]}")


def moment(row: Row, name: str) -> datetime | None:
    """Times come with a numeric zone; one without is of no use."""
    value = text(row, name, 40)
    try:
        found = datetime.fromisoformat(value) if value else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
