"""What is open, as plain rows that the allocation rules work on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from billing.models import Allocation, AllocationKind, CreditKind, Invoice
from billing.money import ZERO
from billing.office.models import PolicySetting
from billing.office.models.policy import Scope


@dataclass(frozen=True)
class OpenInvoice:
    """An open invoice as a strategy sees it. Amounts in the invoice's currency.

    returned_amount: what credit memos already settled of it; no discount is won on that.
    partial_allowed: what its agreement says of part payments (R4); None: the customer's policy decides.
    """

    id: int
    customer_id: int
    number: str
    issued_on: date
    due_on: date
    net_amount: Decimal
    invoiced_amount: Decimal
    open_amount: Decimal
    discounted_amount: Decimal
    discount_rate: Decimal
    discount_until: date | None
    is_disputed: bool
    department: str
    project: str
    agreement_id: int | None = None
    returned_amount: Decimal = ZERO
    partial_allowed: bool | None = None

    def days_overdue(self, on: date) -> int:
        return max(0, (on - self.due_on).days)


LATER = ("returned_amount", "partial_allowed")
FIELDS = tuple(name for name in OpenInvoice.__dataclass_fields__ if name not in LATER)


def open_invoices(customer_ids: Iterable[int], currency: str) -> dict[int, list[OpenInvoice]]:
    """Open invoices of each customer in one currency, oldest issue first.

    One query, one more if some carry a discount, and one if some are of agreements.
    """
    found: dict[int, list[OpenInvoice]] = {customer_id: [] for customer_id in customer_ids}
    rows = (
        Invoice.objects.filter(customer_id__in=list(found), currency=currency, open_amount__gt=0)
        .order_by("issued_on", "due_on", "id")
        .values_list(*FIELDS)
    )
    invoices = [OpenInvoice(*row) for row in rows]
    returned = _returned(invoice.id for invoice in invoices if invoice.discount_rate)
    said = _partial_by_agreement(invoice.agreement_id for invoice in invoices)
    for invoice in invoices:
        if invoice.id in returned:
            invoice = replace(invoice, returned_amount=returned[invoice.id])
        if invoice.agreement_id in said:
            invoice = replace(invoice, partial_allowed=said[invoice.agreement_id])
        found[invoice.customer_id].append(invoice)
    return found


def _partial_by_agreement(agreement_ids: Iterable[int | None]) -> dict[int | None, bool]:
    """Agreements with a setting of their own for part payments: the newest, unless it was taken back."""
    ids = {pk for pk in agreement_ids if pk}
    if not ids:
        return {}
    rows = (
        PolicySetting.objects.filter(scope=Scope.AGREEMENT, scope_key__in=ids, key="payments.partial_allowed")
        .order_by("scope_key", "-id")
        .distinct("scope_key")
    )
    return {row.scope_key: bool(row.value) for row in rows if row.value is not None}


def _returned(invoice_ids: Iterable[int]) -> dict[int, Decimal]:
    """What credit memos settled of invoices, net of undone allocations."""
    ids = list(invoice_ids)
    if not ids:
        return {}
    memos = Allocation.objects.filter(invoice_id__in=ids, credit_item__kind=CreditKind.CREDIT_MEMO)
    return dict(memos.values_list("invoice_id").annotate(total=Sum("amount")))


def written_off_in_year(customer_ids: Iterable[int], year: int) -> dict[int, Decimal]:
    """What was written off by itself for each customer in a calendar year and still stands. One query."""
    found: dict[int, Decimal] = {}
    rows = Allocation.objects.filter(
        customer_id__in=list(customer_ids), kind=AllocationKind.WRITE_OFF, allocated_on__year=year,
        reverses__isnull=True, reversed_by__isnull=True,
    ).values_list("customer_id", "amount")  # fmt: skip
    for customer_id, amount in rows:
        found[customer_id] = found.get(customer_id, ZERO) + amount
    return found
