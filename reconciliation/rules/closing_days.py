"""As of which days a bank account is to be reconciled (R145). Pure."""

from collections.abc import Callable
from datetime import date, timedelta

from reconciliation.models import Frequency

DAY = timedelta(days=1)
LAST_OF_WEEK = 6  # Sunday


def month_end(day: date) -> date:
    """The last day of its month."""
    return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def next_closing(frequency: str, after: date, next_business_day: Callable[[date], date]) -> date:
    """The first day after another one as of which the account is reconciled. Each end of a month is one.

    next_business_day: the day itself if it is one, else the next.
    """
    first = after + DAY
    end = month_end(first)
    if frequency == Frequency.MONTHLY:
        return end
    if frequency == Frequency.WEEKLY:
        return min(first + (LAST_OF_WEEK - first.weekday()) * DAY, end)
    return min(next_business_day(first), end)
