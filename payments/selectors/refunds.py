"""Refunds as questions: what is left of a credit, where its money came from, which refunds are late, what waits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from billing.models import CreditItem, CreditKind, CreditTransfer, Customer
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from billing.office.policies import policies_for
from payments.models import Payment, Refund
from payments.models.refund import RESERVED, AttemptState, RefundState

# Customers were promised these; a failed one is still owed until it is sent again.
WAITING = (RefundState.REQUESTED, RefundState.APPROVED, RefundState.SUBMITTED, RefundState.FAILED)
QUEUES = ("requested", "approved", "submitted", "unknown", "failed", "late")
HARD_DAYS = 30  # business days after the request; no policy may promise later
BACK = "-back"  # ends the number of credit that a refund left behind which could not be paid out
FARTHEST = 20  # moves that money may have made since it came in


@dataclass(frozen=True)
class LateRefund:
    """days: business days since the request. level: "late" past the promise, "breach", "hard" past 30."""

    refund: Refund
    days: int
    level: str


def left_to_refund(item: CreditItem) -> Decimal:
    """What could still be given back of a credit item, applied or not."""
    if item.reversed_on is not None:
        return Decimal("0.00")
    left: Decimal = item.amount - item.refunded_amount - item.moved_amount
    return left


def origin_of(item: CreditItem) -> Payment | None:
    """The payment whose money a credit item holds, however often it was moved or kept; None for a credit memo."""
    for _step in range(FARTHEST):
        if item.kind == CreditKind.PAYMENT:
            return Payment.objects.get(credit_item=item)
        if item.kind == CreditKind.CREDIT_MEMO:
            return None
        item = _came_from(item)
    return None


def _came_from(item: CreditItem) -> CreditItem:
    """The credit item that moved money came out of: by a transfer, or by a refund that was kept as credit."""
    transfer = CreditTransfer.objects.filter(to_item=item).select_related("from_item").first()
    if transfer is not None:
        return transfer.from_item
    number = item.number.removesuffix(BACK)
    kept = Refund.objects.select_related("credit_item").get(organization=item.organization_id, number=number)
    return kept.credit_item


def refund_status(payment: Payment) -> str:
    """Of a payment as source 1 wants it (requirements §2 row 5), "" while nothing is being refunded. Two queries.

    pending: something is refunded and either a rest is left or not all has been paid out. processed: all of it has.
    """
    if payment.credit_item_id is None:
        return ""
    reserved = Refund.objects.filter(credit_item=payment.credit_item_id, state__in=RESERVED)
    states = set(reserved.values_list("state", flat=True))
    if not states:
        return ""
    item = CreditItem.objects.get(pk=payment.credit_item_id)
    whole = item.refunded_amount == item.amount and states == {RefundState.PROCESSED}
    return "processed" if whole else "pending"


def refunds_of(customer: Customer) -> QuerySet[Refund]:
    """The newest first."""
    rows = Refund.objects.filter(customer=customer).select_related("payment", "credit_item", "invoice", "requested_by")
    return rows.order_by("-id")


def queue(organization: Organization, name: str, today: date) -> QuerySet[Refund]:
    """The refunds of a queue, the longest promised first. name: of QUEUES.

    late: not paid out though the promised day has passed.
    """
    rows = Refund.objects.filter(organization=organization).order_by("expected_on", "id")
    asked = Q(attempts__state=AttemptState.UNKNOWN)
    if name == "late":
        return rows.filter(state__in=WAITING, expected_on__lt=today)
    if name == "unknown":
        return rows.filter(asked, state=RefundState.SUBMITTED)
    if name == "submitted":
        return rows.filter(state=RefundState.SUBMITTED).exclude(asked)
    return rows.filter(state=RefundState(name))


def queue_figures(organization: Organization, today: date) -> dict[str, list[tuple[str, int, Decimal]]]:
    """Each queue by currency: how many, and what is to be paid out. A query a queue."""
    return {name: list(_figures(queue(organization, name, today))) for name in QUEUES}


def _figures(rows: QuerySet[Refund]) -> Iterable[tuple[str, int, Decimal]]:
    sums = rows.order_by("currency").values_list("currency")
    return sums.annotate(count=Count("id"), total=Sum("paid_amount"))


def late_refunds(organization: Organization, today: date) -> list[LateRefund]:
    """Refunds that wait longer than was promised, the longest first, by how bad it is (requirements §2 row 8).

    Business days are counted from the day of the request, or the first business day after it. Two queries.
    """
    book, calendar = policies_for(organization), WorkCalendar(organization)
    promise, breach = book.number("refunds.promise_days"), book.number("refunds.breach_days")
    found = []
    rows = Refund.objects.filter(organization=organization, state__in=WAITING, requested_on__lt=today)
    for refund in rows.select_related("customer", "payment").order_by("requested_on", "id"):
        days = calendar.business_days_between(calendar.next_business_day(refund.requested_on), today)
        level = _level(days, promise, breach)
        if level:
            found.append(LateRefund(refund, days, level))
    return found


def _level(days: int, promise: int, breach: int) -> str:
    if days > HARD_DAYS:
        return "hard"
    if days > breach:
        return "breach"
    return "late" if days > promise else ""
