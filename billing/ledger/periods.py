"""Closing, reopening and locking months (invariant 12)."""

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.ledger.models import PERIOD_MOVES, Period, PeriodState
from billing.states import move
from billing.transactions import transaction_required


class EarlierMonthOpen(DomainError):
    code = "earlier_month_open"
    sentence = _("{month} is still open; months close in order.")


@transaction_required
def close_period(*, organization_id: int, month: date, now: datetime, by_id: int | None, reason: str = "") -> Period:
    """Close a month, after every earlier one. Waits for posts in flight: they hold the row's share lock."""
    period = lock_period(organization_id, month)
    earlier = Period.objects.filter(organization_id=organization_id, month__lt=month, state=PeriodState.OPEN)
    first = earlier.order_by("month").first()
    if first is not None:
        raise EarlierMonthOpen(month=str(first))
    move(period, PeriodState.CLOSED, PERIOD_MOVES, changed_at=now, changed_by_id=by_id, reason=reason)
    return period


@transaction_required
def reopen_period(*, organization_id: int, month: date, now: datetime, by_id: int | None, reason: str) -> Period:
    """Open a closed month again; a locked one stays. Raises IllegalTransition."""
    period = lock_period(organization_id, month)
    move(period, PeriodState.OPEN, PERIOD_MOVES, changed_at=now, changed_by_id=by_id, reason=reason)
    return period


@transaction_required
def lock_period(organization_id: int, month: date) -> Period:
    """The month's row, opened if it never was. Waits for posts in flight; later ones wait for the caller."""
    Period.objects.bulk_create([Period(organization_id=organization_id, month=month)], ignore_conflicts=True)
    return Period.objects.select_for_update(no_key=True).get(organization_id=organization_id, month=month)


@transaction_required
def seal_period(*, organization_id: int, month: date, now: datetime, by_id: int | None, reason: str) -> Period:
    """Lock a closed month for good. Raises IllegalTransition: an open one, or one that is locked already."""
    period = lock_period(organization_id, month)
    move(period, PeriodState.LOCKED, PERIOD_MOVES, changed_at=now, changed_by_id=by_id, reason=reason)
    return period
