"""The work queue of refunds: what waits for whom, and what is late (R98, R101, requirements §2 row 8)."""

from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from billing.office.models import ApprovalRequest, Organization
from billing.office.models.approval import ApprovalState
from payments.models import Refund, RefundAttempt
from payments.models.refund import AttemptState, RefundState
from payments.selectors.refunds import LateRefund, late_refunds

LATE = ("late", "breach", "hard")
# Each tab by what its rows have in common; late and breach are counted in business days instead.
TABS: dict[str, Q] = {
    "to_put_forward": Q(state=RefundState.REQUESTED, waits=False),
    "waiting": Q(state=RefundState.REQUESTED, waits=True),
    "to_pay_out": Q(state=RefundState.APPROVED),
    "on_its_way": Q(state=RefundState.SUBMITTED, is_unknown=False),
    "unknown": Q(state=RefundState.SUBMITTED, is_unknown=True),
    "failed": Q(state=RefundState.FAILED),
    "done": Q(state=RefundState.PROCESSED),
}


def with_waiting(rows: QuerySet[Refund], now: datetime) -> QuerySet[Any]:
    """Refunds with `waits`, whether another person is asked to decide, and `is_unknown`, whether nobody knows yet
    if the money went out."""
    asked = ApprovalRequest.objects.filter(
        organization=OuterRef("organization"), state=ApprovalState.REQUESTED, expires_at__gt=now
    )
    asked = asked.filter(subject=Concat(Value("refund:"), Cast(OuterRef("pk"), CharField())))
    unknown = RefundAttempt.objects.filter(refund=OuterRef("pk"), state=AttemptState.UNKNOWN)
    return rows.annotate(waits=Exists(asked), is_unknown=Exists(unknown))


def queue_counts(organization: Organization, late: list[LateRefund], now: datetime) -> dict[str, int]:
    """How many stand in each tab. One query."""
    rows = with_waiting(Refund.objects.filter(organization=organization), now)
    counts = rows.aggregate(**{name: Count("pk", filter=which) for name, which in TABS.items()})
    broken = sum(row.level in LATE[1:] for row in late)
    return {**counts, "late": len(late), "breach": broken}


def queue_rows(organization: Organization, tab: str, late: list[LateRefund], now: datetime) -> QuerySet[Any]:
    """The refunds of a tab: what is promised soonest first, the done ones newest first."""
    rows = with_waiting(Refund.objects.filter(organization=organization), now)
    rows = rows.select_related("customer", "payment", "requested_by", "batch")
    if tab in ("late", "breach"):
        keys = [row.refund.pk for row in late if tab == "late" or row.level in LATE[1:]]
        return rows.filter(pk__in=keys).order_by("expected_on", "pk")
    rows = rows.filter(TABS[tab])
    return rows.order_by("-processed_at", "-pk") if tab == "done" else rows.order_by("expected_on", "pk")


def lateness(organization: Organization, now: datetime) -> list[LateRefund]:
    """All refunds past their promise that are not done."""
    return late_refunds(organization, organization.today(now))
