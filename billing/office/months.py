"""Closing and reopening a month of the books: an accountant asks, a finance manager carries it out (invariant 12)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import parse_day
from billing.ledger.models import JournalEntry, JournalLine, Period, PeriodState
from billing.ledger.periods import close_period, reopen_period
from billing.money import ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.transactions import transaction_required

CLOSE, REOPEN = "close_period", "reopen_period"


@transaction_required
def ask_for_month(
    *, organization: Organization, action: str, month: date, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask that a month be closed or reopened. action: CLOSE or REOPEN. month: its first day.

    Raises BadInput (no such month, not over yet, already so), NotPermitted.
    """
    period = Period.objects.filter(organization=organization, month=month).first()
    wanted = PeriodState.OPEN if action == CLOSE else PeriodState.CLOSED
    if period is None or period.state != wanted:
        raise BadInput(_("{month:%Y-%m} cannot be changed that way."), field="month", code="wrong_state", month=month)
    if action == CLOSE and month >= organization.today(now).replace(day=1):
        raise BadInput(_("{month:%Y-%m} is not over yet."), field="month", code="month_not_over", month=month)
    verb = "Close" if action == CLOSE else "Reopen"
    return approvals.ask(
        organization=organization, action=action, subject=f"period:{month:%Y-%m}", title=f"{verb} {month:%Y-%m}",
        shown=facts_of_month(organization, action, month), reason=reason, by=by, now=now,
    )  # fmt: skip


def facts_of_month(organization: Organization, action: str, month: date) -> dict[str, Any]:
    """What the checker reads: entries and their sum. Three queries."""
    entries = JournalEntry.objects.filter(
        organization=organization, entry_date__year=month.year, entry_date__month=month.month
    )
    total = JournalLine.objects.filter(entry__in=entries).aggregate(s=Sum("debit"))["s"] or ZERO
    earlier = Period.objects.filter(organization=organization, month__lt=month, state=PeriodState.OPEN)
    return {
        "deed": action,
        "month": f"{month:%Y-%m}",
        "entries": entries.count(),
        "debits": f"{total:.2f}",
        "currency": organization.currency,
        "earlier_open": [f"{period.month:%Y-%m}" for period in earlier.order_by("month")],
    }


def month_of(request: ApprovalRequest) -> date:
    return parse_day(f"{request.shown['month']}-01")


def facts_now(request: ApprovalRequest) -> Mapping[str, Any]:
    return facts_of_month(request.organization, request.action, month_of(request))


@transaction_required
def carry_out_month(*, request: ApprovalRequest, by: User, now: datetime) -> Period:
    """Close or reopen what was approved. Raises EarlierMonthOpen, IllegalTransition and what approvals.use raises."""
    month = month_of(request)
    approvals.use(
        request=request, action=request.action, subject=f"period:{month:%Y-%m}", shown=facts_now(request), now=now
    )
    change = close_period if request.action == CLOSE else reopen_period
    return change(
        organization_id=request.organization_id, month=month, now=now, by_id=by.pk, reason=request.reason[:200]
    )


def months_with_figures(organization: Organization) -> list[dict[str, Any]]:
    """Every month of the books, newest first, with its entries and debits. Two queries."""
    sums = {
        (row["entry__entry_date__year"], row["entry__entry_date__month"]): row
        for row in JournalLine.objects.filter(organization=organization)
        .values("entry__entry_date__year", "entry__entry_date__month")
        .annotate(entries=Count("entry", distinct=True), debits=Sum("debit"))
    }
    periods = Period.objects.filter(organization=organization).select_related("changed_by").order_by("-month")
    return [
        {"period": period, **sums.get((period.month.year, period.month.month), {"entries": 0, "debits": ZERO})}
        for period in periods
    ]
