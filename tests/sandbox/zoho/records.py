"""What Zoho remembers. Amounts are integer minor units of the record's currency; ids are digits as text."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass
class Customer:
    """A customer of Billing, the same as the contact of that id in Books."""

    id: str
    display_name: str
    currency: str
    made_at: datetime
    given: dict[str, Any] = field(default_factory=dict)  # names, email, addresses, custom fields as they were sent
    is_active: bool = True


@dataclass
class Method:
    """A stored card or bank account: last four digits only.

    decline: the reason for which the bank says no to it, "" for none. expiry_month, expiry_year: cards only.
    """

    id: str
    customer_id: str
    kind: str  # card, bank
    last_four: str
    brand: str
    fingerprint: str
    made_at: datetime
    expiry_month: int = 0
    expiry_year: int = 0
    decline: str = ""
    is_deleted: bool = False


@dataclass
class Plan:
    code: str
    name: str
    price: int
    interval: int = 1
    unit: str = "months"
    cycles: int = -1  # how many terms, -1 for ever


@dataclass
class Item:
    name: str
    code: str
    price: int
    quantity: int = 1

    @property
    def total(self) -> int:
        return self.price * self.quantity


@dataclass
class Subscription:
    """anchor: the first day, which fixes the day of the month. terms: how many have begun since.

    retry_on, retries_done: where its failed payment stands; retry_on is None when nothing is to be tried again.
    """

    id: str
    number: str
    customer_id: str
    plan_code: str
    plan_name: str
    items: list[Item]
    currency: str
    interval: int
    unit: str
    cycles: int
    anchor: date
    made_at: datetime
    status: str = "live"
    auto_collect: bool = False
    method_id: str = ""
    reference_id: str = ""
    terms: int = 0
    terms_before: int = 0  # those before the anchor was moved
    term_start: date | None = None
    next_billing: date | None = None
    last_billing: date | None = None
    activated_on: date | None = None
    cancelled_on: date | None = None
    invoice_id: str = ""
    retries_done: int = 0
    retry_on: date | None = None
    custom_fields: list[Any] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return sum(item.total for item in self.items)


@dataclass
class Invoice:
    id: str
    number: str
    customer_id: str
    currency: str
    items: list[Item]
    on: date
    due_date: date
    made_at: datetime
    status: str = "sent"
    subscription_id: str = ""
    reference: str = ""
    paid: int = 0
    credited: int = 0
    written_off: int = 0
    ach_payment_id: str = ""  # a bank debit on its way
    expected_on: date | None = None

    @property
    def total(self) -> int:
        return sum(item.total for item in self.items)

    @property
    def open_amount(self) -> int:
        return 0 if self.status == "void" else self.total - self.paid - self.credited - self.written_off

    def settle_status(self, today: date) -> None:
        """What the amounts say, where the document is in force at all."""
        if self.status in ("void", "draft"):
            return
        if self.open_amount == 0:
            self.status = "paid"
        elif self.paid or self.credited:
            self.status = "overdue" if today > self.due_date else "partially_paid"
        else:
            self.status = "overdue" if today > self.due_date else "sent"


@dataclass
class Payment:
    """applied: invoice id → minor units. method_id: set where Zoho took the money itself, through the gateway.

    status: success, failure, pending (a bank debit on its way), returned.
    """

    id: str
    number: str
    customer_id: str
    currency: str
    amount: int
    mode: str
    on: date
    made_at: datetime
    applied: dict[str, int]
    status: str = "success"
    reference: str = ""
    description: str = ""
    bank_charges: int = 0
    account_id: str = ""
    refunded: int = 0
    refunded_loose: int = 0  # of that, what had been set against no invoice
    method_id: str = ""
    autotransaction_id: str = ""
    gateway_ref: str = ""
    gateway_error: str = ""
    expected_on: date | None = None

    @property
    def unused(self) -> int:
        return self.amount - self.refunded_loose - sum(self.applied.values())


@dataclass
class CreditNote:
    id: str
    number: str
    customer_id: str
    currency: str
    items: list[Item]
    on: date
    made_at: datetime
    status: str = "open"
    reference: str = ""
    applied: dict[str, int] = field(default_factory=dict)
    refunded: int = 0

    @property
    def total(self) -> int:
        return sum(item.total for item in self.items)

    @property
    def balance(self) -> int:
        return 0 if self.status == "void" else self.total - self.refunded - sum(self.applied.values())


@dataclass
class Refund:
    id: str
    amount: int
    currency: str
    on: date
    made_at: datetime
    mode: str
    description: str = ""
    reference: str = ""
    payment_id: str = ""
    creditnote_id: str = ""
    creditnote_number: str = ""
    gateway_ref: str = ""


@dataclass
class Page:
    """A hosted page. asked: the body by which it was made. found: what came of it, by id."""

    id: str
    action: str
    asked: dict[str, Any]
    made_at: datetime
    expires_at: datetime
    status: str = "fresh"
    found: dict[str, str] = field(default_factory=dict)


@dataclass
class Event:
    id: str
    type: str
    at: datetime
    payload: str


@dataclass
class Journal:
    id: str
    number: str
    on: date
    lines: list[dict[str, Any]]
    total: int
    made_at: datetime
    reference: str = ""
    notes: str = ""
    status: str = "draft"


@dataclass
class Watch:
    """A notification channel of CRM. events: "Contacts.edit"."""

    channel_id: str
    events: list[str]
    notify_url: str
    token: str
    expires_at: datetime
    with_values: bool = False
