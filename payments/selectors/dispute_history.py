"""The transaction history behind a dispute, put together for the answer to the bank or to the customer (R107)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from billing.models import Allocation, Invoice, InvoiceLine
from billing.office.models import KeptDocument, Notice
from payments.models import Dispute, DisputeEvent, DisputeStep, Payment, Refund
from payments.models.dispute import DisputeEventKind

MOST_MESSAGES = 50
# Messages about a bill may be older than the bill's payment, not by much.
BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class BilledInvoice:
    invoice: Invoice
    lines: Sequence[InvoiceLine]


@dataclass(frozen=True)
class Entry:
    """A line of the file with the papers that belong to it."""

    event: DisputeEvent
    documents: Sequence[KeptDocument]


@dataclass(frozen=True)
class History:
    """What payments and billing know about what is contested, oldest first.

    payments: the contested one, or those set against the contested invoice. allocations: also those taken back.
    """

    dispute: Dispute
    payments: Sequence[Payment]
    allocations: Sequence[Allocation]
    invoices: Sequence[BilledInvoice]
    refunds: Sequence[Refund]
    other_disputes: Sequence[Dispute]
    messages: Sequence[Notice]
    entries: Sequence[Entry]
    steps: Sequence[DisputeStep]

    @property
    def contacts(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.event.kind == DisputeEventKind.CONTACT]

    @property
    def evidence(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.event.kind == DisputeEventKind.EVIDENCE]


def compile_history(dispute: Dispute) -> History:
    """Everything of a dispute in one place, as structured rows. Ten queries."""
    about = Q(invoice=dispute.invoice_id) if dispute.invoice_id else Q(credit_item__payment=dispute.payment_id)
    allocations = list(
        Allocation.objects.filter(about, customer=dispute.customer_id)
        .select_related("invoice", "credit_item", "made_by").order_by("id")
    )  # fmt: skip
    payments = list(
        Payment.objects.filter(
            Q(pk=dispute.payment_id) | Q(credit_item__in={row.credit_item_id for row in allocations}),
            organization=dispute.organization_id,
        ).select_related("recorded_by", "bank_account").order_by("received_on", "id")
    )  # fmt: skip
    keys = {row.invoice_id for row in allocations} | ({dispute.invoice_id} if dispute.invoice_id else set())
    refunds = Refund.objects.filter(payment__in=payments).exclude(state__in=("rejected", "withdrawn"))
    others = Dispute.objects.filter(customer=dispute.customer_id).exclude(pk=dispute.pk)
    return History(
        dispute=dispute, payments=payments, allocations=allocations, invoices=_billed(keys),
        refunds=list(refunds.order_by("id")), other_disputes=list(others.order_by("id")), messages=_messages(dispute),
        entries=entries_of(dispute), steps=list(dispute.steps.select_related("done_by")),
    )  # fmt: skip


def entries_of(dispute: Dispute) -> list[Entry]:
    """The lines of the file, oldest first, with their papers. Two queries."""
    events = list(dispute.events.select_related("by", "done_by").order_by("id"))
    subjects = {f"dispute_event:{event.pk}": event.pk for event in events}
    papers: dict[int, list[KeptDocument]] = {}
    rows = KeptDocument.objects.filter(organization=dispute.organization_id, subject__in=subjects)
    for paper in rows.select_related("kept_by").order_by("id"):
        papers.setdefault(subjects[paper.subject], []).append(paper)
    return [Entry(event, papers.get(event.pk, [])) for event in events]


def _billed(keys: set[int]) -> list[BilledInvoice]:
    lines: dict[int, list[InvoiceLine]] = {}
    for line in InvoiceLine.objects.filter(invoice__in=keys).order_by("invoice_id", "ordinal"):
        lines.setdefault(line.invoice_id, []).append(line)
    invoices = Invoice.objects.filter(pk__in=keys).order_by("issued_on", "id")
    return [BilledInvoice(invoice, lines.get(invoice.pk, [])) for invoice in invoices]


def _messages(dispute: Dispute) -> list[Notice]:
    """What the customer was sent about that time: proof that bills and receipts arrived."""
    first = dispute.payment.received_on if dispute.payment else dispute.opened_on
    if dispute.invoice:
        first = dispute.invoice.issued_on
    rows = Notice.objects.filter(
        organization=dispute.organization_id, party=dispute.customer_id, queued_at__date__gte=first - BEFORE
    )
    return list(rows.order_by("queued_at", "id")[:MOST_MESSAGES])
