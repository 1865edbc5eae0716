"""Disputes as questions: which wait for whom, how much of a payment is contested, what the office has open (R107)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError, Sentence
from billing.models import CreditItem, Customer
from billing.money import ZERO, format_money
from billing.office.models import ApprovalRequest, Organization, User
from billing.selectors.timeline import FactKind, Rows, approval_facts, facts, subjects, timeline_source
from payments.models import Dispute, DisputeEvent, Payment
from payments.models.dispute import DisputeEventKind, DisputeKind, DisputeState

OPEN = (DisputeState.OPEN, DisputeState.ANSWERED)
SOON = timedelta(days=3)
QUEUES: Mapping[str, Sentence] = {
    "open": _("All open"), "mine": _("Mine"), "late": _("Past the deadline"), "soon": _("Due within 3 days"),
    "escalated": _("Escalated"), "follow_ups": _("Follow-ups"), "closed": _("Closed"),
}  # fmt: skip


class Contested(DomainError):
    code = "contested"
    sentence = _("Dispute {number} holds {amount} of {payment}; settle it first.")


@dataclass(frozen=True)
class Figures:
    """What the office has open. sums: contested by currency. follow_ups: due by today and not done."""

    open: int
    late: int
    soon: int
    mine: int
    escalated: int
    follow_ups: int
    sums: Mapping[str, Decimal]


def queue(organization: Organization, name: str, *, today: date, user: User | None = None) -> QuerySet[Dispute]:
    """The disputes of one of QUEUES, the nearest deadline first; closed ones the latest first."""
    rows = Dispute.objects.filter(organization=organization).select_related(
        "customer", "invoice", "payment", "assigned_to"
    )
    if name == "closed":
        return rows.exclude(state__in=OPEN).order_by("-closed_at", "-id")
    if name == "follow_ups":
        waiting = open_follow_ups(organization).values("dispute")
        return rows.filter(pk__in=waiting).order_by("deadline_on", "id")
    conditions = {
        "mine": Q(assigned_to=user), "late": _late(today), "soon": _soon(today),
        "escalated": Q(escalated_at__isnull=False),
    }  # fmt: skip
    return rows.filter(conditions.get(name, Q()), state__in=OPEN).order_by("deadline_on", "id")


def open_follow_ups(organization: Organization) -> QuerySet[DisputeEvent]:
    """What is still to be done about any dispute, the earliest day first."""
    rows = DisputeEvent.objects.filter(
        dispute__organization=organization, kind=DisputeEventKind.FOLLOW_UP, done_at__isnull=True
    )
    return rows.select_related("dispute", "dispute__customer", "dispute__assigned_to", "by").order_by("due_on", "id")


def figures(organization: Organization, today: date, user: User | None = None) -> Figures:
    """For the home page and above the queue. Three queries."""
    rows = Dispute.objects.filter(organization=organization, state__in=OPEN)
    counts = rows.aggregate(
        open=Count("id"), late=Count("id", filter=_late(today)), soon=Count("id", filter=_soon(today)),
        mine=Count("id", filter=Q(assigned_to=user)), escalated=Count("id", filter=Q(escalated_at__isnull=False)),
    )  # fmt: skip
    sums = dict(rows.order_by("currency").values_list("currency").annotate(total=Sum("amount")))
    due = open_follow_ups(organization).filter(due_on__lte=today).count()
    return Figures(follow_ups=due, sums=sums, **counts)


def _late(today: date) -> Q:
    """An answer that was sent is not late, however long the bank takes."""
    return Q(state=DisputeState.OPEN, deadline_on__lt=today)


def _soon(today: date) -> Q:
    return Q(state=DisputeState.OPEN, deadline_on__gte=today, deadline_on__lte=today + SOON)


def disputed_amount(payment: Payment) -> Decimal:
    """What open chargebacks hold of a payment: no refund may be promised of it (invariant 36). One query."""
    held: Decimal | None = chargebacks_of(payment).filter(state__in=OPEN).aggregate(total=Sum("amount"))["total"]
    return held or ZERO


def left_to_contest(payment: Payment) -> Decimal:
    """The amount less what was refunded, lost to the bank, or is contested already. Two queries."""
    item = payment.credit_item
    refunded = item.refunded_amount if item is not None else ZERO
    left: Decimal = payment.amount - refunded - disputed_amount(payment)
    return left


def chargebacks_of(payment: Payment) -> QuerySet[Dispute]:
    return Dispute.objects.filter(payment=payment, kind=DisputeKind.CHARGEBACK)


def keep_contested(credit_item: CreditItem) -> None:
    """Raises Contested while a chargeback of the payment that brought the credit is open. One query."""
    rows = Dispute.objects.filter(payment__credit_item=credit_item, kind=DisputeKind.CHARGEBACK, state__in=OPEN)
    held = rows.select_related("payment").first()
    if held is not None and held.payment is not None:
        amount = format_money(held.amount, held.currency)
        raise Contested(number=held.number, amount=amount, payment=held.payment.number)


def open_dispute_number(invoice_id: int) -> str:
    """The number of the open file about an invoice, "" if there is none. One query."""
    rows = Dispute.objects.filter(invoice=invoice_id, state__in=OPEN).values_list("number", flat=True)
    return rows.first() or ""


@timeline_source(
    {"dispute": FactKind(_("Dispute opened"), "dispute"), "dispute_closed": FactKind(_("Dispute settled"), "dispute")}
)
def _disputes(customer: Customer) -> list[Rows]:
    mine = Dispute.objects.filter(customer=customer)
    about: dict[str, Any] = {"number": F("number"), "currency": "currency"}
    asked = ApprovalRequest.objects.filter(organization=customer.organization, subject__in=subjects("dispute", mine))
    return [
        facts(mine, "dispute", at="opened_at", amount="amount", detail=F("description"), who="opened_by", **about),
        facts(mine.filter(closed_at__isnull=False), "dispute_closed", at="closed_at", amount="lost_amount",
              detail=F("outcome_reason"), who="closed_by", **about),
        *approval_facts(asked),
    ]  # fmt: skip
