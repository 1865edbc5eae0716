"""One customer's position on a day: what is open, how late, what credit lies unused, which promises were kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from billing.models import Allocation, AllocationKind, CreditItem, CreditKind, Customer, Invoice, PromiseToPay
from billing.money import ZERO
from billing.office.policies import PolicyBook
from billing.selectors.open_items import FIELDS, OpenInvoice
from billing.selectors.strategies import discount_for, rules_from
from billing.selectors.taken_back import taken_after

# Days overdue up to which a bucket reaches; the last has no end.
BUCKETS = (
    ("current", 0, _("not due")), ("1-30", 30, _("1–30 days")), ("31-60", 60, _("31–60 days")),
    ("61-90", 90, _("61–90 days")), ("90+", None, _("over 90 days")),
)  # fmt: skip


@dataclass(frozen=True)
class OpenRow:
    """An invoice open on a day. discount: what may still be won by paying until its discount_until."""

    invoice: Invoice
    open_amount: Decimal
    days_overdue: int
    discount: Decimal = ZERO

    @property
    def bucket(self) -> str:
        return bucket_of(self.days_overdue)


@dataclass(frozen=True)
class CreditRow:
    """A credit item with what of it was free on a day."""

    item: CreditItem
    unapplied_amount: Decimal


@dataclass
class Position:
    """A customer's account in one currency on a day. buckets: open amount by lateness; they add up to open.

    covered_amount: what cheques in the vault will pay, where the page asked for it.
    """

    currency: str
    on: date
    rows: list[OpenRow] = field(default_factory=list)
    credits: list[CreditRow] = field(default_factory=list)
    covered_amount: Decimal = ZERO

    @property
    def open_amount(self) -> Decimal:
        return sum((row.open_amount for row in self.rows), ZERO)

    @property
    def overdue_amount(self) -> Decimal:
        return sum((row.open_amount for row in self.rows if row.days_overdue), ZERO)

    @property
    def overdue_days(self) -> int:
        """Of the oldest."""
        return max((row.days_overdue for row in self.rows), default=0)

    @property
    def disputed_amount(self) -> Decimal:
        return sum((row.open_amount for row in self.rows if row.invoice.is_disputed), ZERO)

    @property
    def unapplied_amount(self) -> Decimal:
        return sum((row.unapplied_amount for row in self.credits), ZERO)

    @property
    def owed(self) -> Decimal:
        return self.open_amount - self.unapplied_amount

    @property
    def buckets(self) -> list[tuple[str, object, Decimal, int]]:
        """(key, words, open amount, invoices) of every bucket, empty ones too."""
        found: list[tuple[str, object, Decimal, int]] = []
        for key, _last, words in BUCKETS:
            rows = [row for row in self.rows if row.bucket == key]
            found.append((key, words, sum((row.open_amount for row in rows), ZERO), len(rows)))
        return found


def bucket_of(days_overdue: int) -> str:
    for key, last, _words in BUCKETS:
        if last is None or days_overdue <= last:
            return key
    raise AssertionError("the last bucket has no end")


def positions(customer: Customer, book: PolicyBook, on: date, today: date) -> list[Position]:
    """The customer's account on a day, the organization's currency first; always at least that one. Two queries,
    three for an earlier day.

    For today the stored figures that every screen shows; for an earlier day what the facts up to then add up to.
    """
    own = customer.organization.currency
    found = {own: Position(own, on)}
    for invoice, open_amount in _open_invoices(customer, on, today):
        here = found.setdefault(invoice.currency, Position(invoice.currency, on))
        late = max(0, (on - invoice.due_on).days)
        discount = invoice_discount(invoice, book, on) if on == today else ZERO
        here.rows.append(OpenRow(invoice, open_amount, late, discount))
    for item, free in _free_credit(customer, on, today):
        found.setdefault(item.currency, Position(item.currency, on)).credits.append(CreditRow(item, free))
    return [found.pop(own), *(found[currency] for currency in sorted(found))]


def _open_invoices(customer: Customer, on: date, today: date) -> Iterable[tuple[Invoice, Decimal]]:
    rows: Any = Invoice.objects.filter(customer=customer).order_by("due_on", "issued_on", "id")
    if on == today:
        return [(invoice, invoice.open_amount) for invoice in rows.filter(open_amount__gt=0)]
    then = rows.filter(issued_on__lte=on).filter(Q(voided_on__isnull=True) | Q(voided_on__gt=on))
    then = then.annotate(settled=Sum("allocations__amount", filter=Q(allocations__allocated_on__lte=on), default=ZERO))
    return [
        (invoice, invoice.invoiced_amount - invoice.settled)
        for invoice in then
        if invoice.invoiced_amount > invoice.settled
    ]


def _free_credit(customer: Customer, on: date, today: date) -> Iterable[tuple[CreditItem, Decimal]]:
    rows: Any = CreditItem.objects.filter(customer=customer).order_by("available_on", "id")
    if on == today:
        return [(item, item.unapplied_amount) for item in rows.filter(unapplied_amount__gt=0)]
    then = rows.filter(available_on__lte=on).filter(Q(reversed_on__isnull=True) | Q(reversed_on__gt=on))
    used = Q(allocations__allocated_on__lte=on, allocations__kind=AllocationKind.CREDIT)
    then = then.annotate(used=Sum("allocations__amount", filter=used, default=ZERO))
    items = list(then)
    later = taken_after(customer.organization_id, [item.pk for item in items], on)
    free = [
        (item, item.amount - item.refunded_amount - item.moved_amount + later.get(item.pk, ZERO) - item.used)
        for item in items
    ]
    return [(item, left) for item, left in free if left > 0]


def invoice_discount(invoice: Invoice, book: PolicyBook, on: date) -> Decimal:
    """The early-payment discount still to be won on a day. No query."""
    plain = OpenInvoice(**{name: getattr(invoice, name) for name in FIELDS})
    return discount_for(plain, rules_from(book, invoice.currency), on)


@dataclass(frozen=True)
class PromiseRow:
    """A promise and what came of it. state: "kept", "broken" or "waiting"."""

    promise: PromiseToPay
    paid_amount: Decimal
    state: str


def promises_of(customer: Customer, today: date) -> list[PromiseRow]:
    """The customer's promises, the latest day first, judged by the payments that came in time. Two queries."""
    promises = list(customer.promises.order_by("promised_on", "id").select_related("taken_by"))
    if not promises:
        return []
    paid = CreditItem.objects.filter(customer=customer, kind=CreditKind.PAYMENT, reversed_on__isnull=True)
    came = paid.order_by("available_on", "id").values_list("currency", "available_on", "amount")
    zone = customer.organization.zone
    windows = [(p.currency, p.taken_at.astimezone(zone).date(), p.promised_on, p.amount) for p in promises]
    judged = [
        PromiseRow(promise, got, _promise_state(promise, got, today))
        for promise, got in zip(promises, fulfil(windows, list(came)), strict=True)
    ]
    return judged[::-1]


def fulfil(
    promised: Sequence[tuple[str, date, date, Decimal]], came: Sequence[tuple[str, date, Decimal]]
) -> list[Decimal]:
    """How much of each promise (currency, from, until, amount) was paid in its time.

    Money counts once: the promise that ends first takes it first. promised is in the order of their ends.
    """
    left = [amount for _currency, _day, amount in came]
    got = []
    for currency, start, end, amount in promised:
        mine = ZERO
        for place, (paid_in, day, _amount) in enumerate(came):
            if paid_in == currency and start <= day <= end and mine < amount:
                part = min(left[place], amount - mine)
                left[place] -= part
                mine += part
        got.append(mine)
    return got


def _promise_state(promise: PromiseToPay, got: Decimal, today: date) -> str:
    if got >= promise.amount:
        return "kept"
    return "broken" if today > promise.promised_on else "waiting"


def allocations_of(**where: object) -> list[Allocation]:
    """Allocations with what their rows name, undone ones included, in the order they were made. One query."""
    rows = Allocation.objects.filter(**where).select_related(
        "invoice", "credit_item", "made_by", "reversed_by", "reversed_by__made_by", "entry"
    )
    return list(rows.order_by("id"))


def invoices_if_taken_back(item: CreditItem) -> list[tuple[Invoice, Decimal, Decimal]]:
    """(invoice, what this credit pays of it now, what would be open without this credit). Two queries.

    Every invoice of the customer in the credit's currency that is open, or would be.
    """
    standing = Allocation.objects.filter(credit_item=item, reverses__isnull=True, reversed_by__isnull=True)
    paid: dict[int, Decimal] = {}
    settled: dict[int, Decimal] = {}
    for invoice_id, kind, amount in standing.values_list("invoice_id", "kind", "amount"):
        settled[invoice_id] = settled.get(invoice_id, ZERO) + amount
        if kind == AllocationKind.CREDIT:
            paid[invoice_id] = paid.get(invoice_id, ZERO) + amount
    rows = Invoice.objects.filter(customer_id=item.customer_id, currency=item.currency, voided_on__isnull=True)
    rows = rows.filter(Q(open_amount__gt=0) | Q(pk__in=settled)).order_by("issued_on", "due_on", "id")
    return [(i, paid.get(i.pk, ZERO), i.open_amount + settled.get(i.pk, ZERO)) for i in rows]
