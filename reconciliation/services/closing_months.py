"""What a month's close is asked before, and what is kept of it after; closing itself is billing.office.months'."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.ledger.models import Period, PeriodState
from billing.office.models import ApprovalRequest, Organization, User
from billing.transactions import transaction_required
from reconciliation.models import MonthClose, MonthStart
from reconciliation.rules.checklist import Line, blockers, frozen, signed_digest, warnings
from reconciliation.selectors.closed_days import figures_between
from reconciliation.selectors.closed_months import minutes_since_start
from reconciliation.selectors.closing_checks_month import ask_month, last_of
from reconciliation.selectors.proofs import last_proof
from reconciliation.services.closing_days import in_the_way, lock_closes


class MonthBlocked(DomainError):
    code = "month_blocked"
    sentence = _("{month} cannot be closed yet: {what}.")


@transaction_required
def begin_month(*, organization: Organization, month: date, now: datetime, by: User) -> MonthStart:
    """Somebody begins to close a month: its minutes are counted from here. Said again, nothing changes.

    Raises BadInput: no such month, or not open.
    """
    period = Period.objects.filter(organization=organization, month=month).first()
    if period is None or period.state != PeriodState.OPEN:
        raise BadInput(_("{month:%Y-%m} cannot be changed that way."), field="month", code="wrong_state", month=month)
    start, _made = MonthStart.objects.get_or_create(
        organization=organization, month=month, defaults={"begun_at": now, "begun_by": by}
    )
    return start


def check_month(organization: Organization, month: date, now: datetime) -> Mapping[str, Any]:
    """Before a close is asked for and before it is carried out: what the second person reads of the checklist.

    Raises MonthBlocked with everything that is in the way. What only warns is named; the reason speaks about it.
    """
    lines = ask_month(organization, month, now)
    if blockers(lines):
        raise MonthBlocked(month=f"{month:%Y-%m}", what=in_the_way(lines))
    return {"to_look_at": [line.check.code for line in warnings(lines)]}


@transaction_required
def keep_month(period: Period, request: ApprovalRequest, by: User, now: datetime) -> None:
    """After a month was closed: the checklist and the figures as they were, and the minutes it took."""
    organization, month = request.organization, period.month
    lock_closes(organization)
    lines: list[Line] = ask_month(organization, month, now)
    checks, figures = frozen(lines), figures_between(organization, month, last_of(month))
    rounds = MonthClose.objects.filter(organization=organization, month=month).count()
    MonthClose.objects.create(
        organization=organization, month=month, round=rounds + 1, closed_at=now, closed_by=by,
        remarks=request.reason[:400], checks=checks, figures=figures, digest=signed_digest(checks, figures),
        minutes=minutes_since_start(organization, month, request.requested_at, now), approval=request,
        proof=last_proof(organization),
    )  # fmt: skip
