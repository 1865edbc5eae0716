"""What is known of one payment beyond its own row: where the money went, and what falls due next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.models import Allocation, AllocationKind, Invoice
from billing.models.invoice import InvoiceKind
from billing.money import ZERO, split
from payments.models import Payment


@dataclass
class Share:
    """What one invoice got of a payment, and has left now. net, tax: of the whole invoice."""

    invoice_number: str
    kind: str
    net: Decimal
    tax: Decimal
    open_amount: Decimal
    credit: Decimal = ZERO
    discount: Decimal = ZERO
    write_off: Decimal = ZERO


@dataclass(frozen=True)
class Due:
    due_on: date
    open_amount: Decimal


def shares_of(payment: Payment) -> list[Share]:
    """Standing allocations of a payment, one share for each invoice, in the order they were made. One query."""
    if payment.credit_item_id is None:
        return []
    rows = (
        Allocation.objects.filter(credit_item=payment.credit_item_id, reverses__isnull=True, reversed_by__isnull=True)
        .select_related("invoice")
        .order_by("id")
    )
    found: dict[int, Share] = {}
    for row in rows:
        invoice = row.invoice
        share = found.setdefault(
            invoice.pk,
            Share(invoice.number, invoice.kind, invoice.net_amount, invoice.tax_amount, invoice.open_amount),
        )
        name = AllocationKind(row.kind).value
        setattr(share, name, getattr(share, name) + row.amount)
    return list(found.values())


def breakdown_of(payment: Payment, shares: Sequence[Share]) -> dict[str, Decimal]:
    """What the money paid: base, tax, late fees (R10). With what is unapplied it adds up to a standing payment.

    Tax is the invoice's share of it, so that parts of an invoice add up to the whole.
    """
    parts = {"base": ZERO, "tax": ZERO, "late_fee": ZERO}
    for share in shares:
        net, tax = split(share.credit, [share.net, share.tax], payment.currency)
        parts["late_fee" if share.kind == InvoiceKind.FEE else "base"] += net
        parts["tax"] += tax
    return parts


def next_due(customer_id: int, currency: str) -> Due | None:
    """The open invoice of a customer that is due first. One query."""
    row = (
        Invoice.objects.filter(customer_id=customer_id, currency=currency)
        .open()
        .order_by("due_on", "id")
        .values_list("due_on", "open_amount")
        .first()
    )
    return Due(*row) if row else None
