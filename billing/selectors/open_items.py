"""What is open, as plain rows that the allocation rules work on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.models import Allocation, AllocationKind, Invoice
from billing.money import ZERO


@dataclass(frozen=True)
class OpenInvoice:
    """An open invoice as a strategy sees it. Amounts in the invoice's currency."""

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

    def days_overdue(self, on: date) -> int:
        return max(0, (on - self.due_on).days)


FIELDS = tuple(OpenInvoice.__dataclass_fields__)


def open_invoices(customer_ids: Iterable[int], currency: str) -> dict[int, list[OpenInvoice]]:
    """Open invoices of each customer in one currency, oldest issue first. One query."""
    found: dict[int, list[OpenInvoice]] = {customer_id: [] for customer_id in customer_ids}
    rows = (
        Invoice.objects.filter(customer_id__in=list(found), currency=currency, open_amount__gt=0)
        .order_by("issued_on", "due_on", "id")
        .values_list(*FIELDS)
    )
    for row in rows:
        invoice = OpenInvoice(*row)
        found[invoice.customer_id].append(invoice)
    return found


def written_off_in_year(customer_ids: Iterable[int], year: int) -> dict[int, Decimal]:
    """What was written off by itself for each customer in a calendar year, net of undone ones. One query."""
    found: dict[int, Decimal] = {}
    rows = Allocation.objects.filter(
        customer_id__in=list(customer_ids), kind=AllocationKind.WRITE_OFF, allocated_on__year=year
    ).values_list("customer_id", "amount")
    for customer_id, amount in rows:
        found[customer_id] = found.get(customer_id, ZERO) + amount
    return found
