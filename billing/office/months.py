"""Closing and reopening a month of the books: an accountant asks, a finance manager carries it out (invariant 12)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import parse_day
from billing.ledger.models import JournalEntry, JournalLine, Period, PeriodState
from billing.ledger.periods import close_period, lock_period, reopen_period
from billing.money import ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.transactions import transaction_required

CLOSE, REOPEN = "close_period", "reopen_period"
LOCK = "lock_period"  # a deed of those who close: what was closed is closed for good
WORDS = {CLOSE: "Close", REOPEN: "Reopen", LOCK: "Lock"}
RIGHTS = {LOCK: CLOSE}
FROM = {CLOSE: PeriodState.OPEN, REOPEN: PeriodState.CLOSED, LOCK: PeriodState.CLOSED}
# Filled by the app that proves the books. Before a month closes: (organization, month, now) → what the second person
# reads besides; refuses by raising. After: (period, request, by, now).
BEFORE_CLOSE: list[Callable[[Organization, date, datetime], Mapping[str, Any]]] = []
# Papers of a month that other apps bring to its pack: file name → rows of (organization, first day, last day), the
# heads first; the same rows whenever they are asked for.
PAPERS: dict[str, Callable[[Organization, date, date], Iterable[Sequence[object]]]] = {}
AFTER_CLOSE: list[Callable[[Period, ApprovalRequest, User, datetime], None]] = []


@transaction_required
def ask_for_month(
    *, organization: Organization, action: str, month: date, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask that a month be closed, reopened or locked. action: CLOSE, REOPEN or LOCK. month: its first day.

    Raises BadInput (no such month, not over yet, already so), NotPermitted, what BEFORE_CLOSE refuses.
    """
    period = Period.objects.filter(organization=organization, month=month).first()
    if period is None or period.state != FROM[action]:
        raise BadInput(_("{month:%Y-%m} cannot be changed that way."), field="month", code="wrong_state", month=month)
    if action == CLOSE and month >= organization.today(now).replace(day=1):
        raise BadInput(_("{month:%Y-%m} is not over yet."), field="month", code="month_not_over", month=month)
    shown = facts_of_month(organization, action, month) | _asked_before(organization, action, month, now)
    return approvals.ask(
        organization=organization, action=RIGHTS.get(action, action), subject=f"period:{month:%Y-%m}",
        title=f"{WORDS[action]} {month:%Y-%m}", shown=shown, reason=reason, by=by, now=now,
    )  # fmt: skip


def _asked_before(organization: Organization, action: str, month: date, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for ask in BEFORE_CLOSE if action == CLOSE else ():
        found |= ask(organization, month, now)
    return found


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


FACTS = ("deed", "month", "entries", "debits", "currency", "earlier_open")


def month_of(request: ApprovalRequest) -> date:
    return parse_day(f"{request.shown['month']}-01")


def facts_now(request: ApprovalRequest) -> Mapping[str, Any]:
    """What can be told again at any time; of the rest, what was told when it was asked for."""
    told = {key: value for key, value in request.shown.items() if key not in FACTS}
    return told | facts_of_month(request.organization, str(request.shown["deed"]), month_of(request))


@transaction_required
def carry_out_month(*, request: ApprovalRequest, by: User, now: datetime) -> Period:
    """Close or reopen what was approved, the month held meanwhile so that nothing joins it.

    Raises EarlierMonthOpen, IllegalTransition, what BEFORE_CLOSE refuses and what approvals.use raises.
    """
    month, action = month_of(request), request.action
    lock_period(request.organization_id, month)
    shown = dict(facts_now(request)) | _asked_before(request.organization, action, month, now)
    approvals.use(request=request, action=action, subject=f"period:{month:%Y-%m}", shown=shown, now=now)
    change = close_period if action == CLOSE else reopen_period
    period = change(
        organization_id=request.organization_id, month=month, now=now, by_id=by.pk, reason=request.reason[:200]
    )
    for follow in AFTER_CLOSE if action == CLOSE else ():
        follow(period, request, by, now)
    return period


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
