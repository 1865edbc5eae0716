"""What is known of one payment beyond its own row: where the money went, and what falls due next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.models import Allocation, AllocationKind, InsurancePolicy, Invoice
from billing.models.invoice import InvoiceKind
from billing.money import ZERO, split
from payments.models import Payment


@dataclass
class Share:
    """What one invoice got of a payment, and has left now. net, tax: of the whole invoice. period: days it covers."""

    invoice_number: str
    kind: str
    net: Decimal
    tax: Decimal
    open_amount: Decimal
    credit: Decimal = ZERO
    discount: Decimal = ZERO
    write_off: Decimal = ZERO
    agreement_id: int | None = None
    period: tuple[date, date] | None = None


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
        start, end = invoice.period_start, invoice.period_end
        share = found.setdefault(
            invoice.pk,
            Share(
                invoice.number, invoice.kind, invoice.net_amount, invoice.tax_amount, invoice.open_amount,
                agreement_id=invoice.agreement_id, period=(start, end) if start and end else None,
            ),
        )  # fmt: skip
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


def premium_parts(payment: Payment, shares: Sequence[Share]) -> dict[str, Decimal]:
    """As breakdown_of, in the words of source 2; what repaid a loan is told only where there is any."""
    loan = [share for share in shares if share.kind in (InvoiceKind.LOAN, InvoiceKind.INTEREST)]
    parts = breakdown_of(payment, [share for share in shares if share not in loan])
    found = {"premium": parts["base"], "gst": parts["tax"], "late_fee": parts["late_fee"]}
    for name, kind in (("loan_principal", InvoiceKind.LOAN), ("loan_interest", InvoiceKind.INTEREST)):
        paid = sum((share.credit for share in loan if share.kind == kind), ZERO)
        found |= {name: paid} if paid else {}
    return found


def policy_of(payment: Payment, shares: Sequence[Share]) -> InsurancePolicy | None:
    """The policy a payment is for: of the invoices it pays, or else of those it means to. Two queries at most."""
    keys = [share.agreement_id for share in shares if share.agreement_id]
    if not keys and payment.strategy != "manual" and payment.plan:
        named = Invoice.objects.filter(organization=payment.organization_id, number__in=payment.plan)
        keys = list(named.exclude(agreement=None).values_list("agreement_id", flat=True))
    if not keys:
        return None
    rows = InsurancePolicy.objects.filter(agreement__in=keys).select_related(
        "agreement__insurance", "agreement__organization", "agreement__customer"
    )
    return min(rows, key=lambda policy: keys.index(policy.agreement_id), default=None)


def covered_by(shares: Sequence[Share]) -> tuple[date, date] | None:
    """From the first to the last day that what was paid is for; interest and fees cover none (R10)."""
    periods = [share.period for share in shares if share.period and share.kind == InvoiceKind.SALE]
    if not periods:
        return None
    return min(start for start, _end in periods), max(end for _start, end in periods)


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
