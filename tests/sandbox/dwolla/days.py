"""Banking days, and until when a transfer can be cancelled."""

from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

CENTRAL = ZoneInfo("America/Chicago")
CLOSES = time(16)  # 4 pm Central: the day's file goes to the bank


@cache
def _closed(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", years=year))


def is_banking_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _closed(day.year)


def later(day: date, banking_days: int) -> date:
    while banking_days:
        day += timedelta(days=1)
        banking_days -= is_banking_day(day)
    return day


def banking_days_between(start: datetime, end: datetime) -> int:
    """How many banking days began after `start` and up to `end`, by Central time."""
    day, last, count = start.astimezone(CENTRAL).date(), end.astimezone(CENTRAL).date(), 0
    while day < last:
        day += timedelta(days=1)
        count += is_banking_day(day)
    return count


def cancellable_until(made: datetime) -> datetime:
    """4 pm Central of the banking day on which it was made; of the next, where it was made later or on no such day."""
    local = made.astimezone(CENTRAL)
    day = local.date()
    if not is_banking_day(day) or local.time() >= CLOSES:
        day = later(day, 1)
    return datetime.combine(day, CLOSES, CENTRAL)
