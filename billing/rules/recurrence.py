"""When the periods of an agreement begin and end, and when they are billed and due (R53, R54). Pure: no queries."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from billing.models.plan import Basis, Frequency

DAY = timedelta(days=1)
MONTHS = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.HALF_YEARLY: 6, Frequency.ANNUAL: 12}
WEEKS = {Frequency.WEEKLY: 1, Frequency.FORTNIGHTLY: 2}
# To compare prices of different frequencies: what is dearer, by the year.
PER_YEAR = {
    Frequency.WEEKLY: 52, Frequency.FORTNIGHTLY: 26, Frequency.MONTHLY: 12, Frequency.QUARTERLY: 4,
    Frequency.HALF_YEARLY: 2, Frequency.ANNUAL: 1, Frequency.PACKAGE: 1,
}  # fmt: skip


class WorkDays(Protocol):
    """As billing.office.calendar.WorkCalendar."""

    def next_business_day(self, day: date) -> date: ...

    def previous_business_day(self, day: date) -> date: ...


@dataclass(frozen=True)
class Cycle:
    """A whole period, first and last day."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


def add_months(anchor: date, months: int) -> date:
    """The anchor's day of the month so many months on; the last of the month where there is no such day."""
    place = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def months_between(first: date, last: date) -> int:
    """Whole months from `first` to `last`, the anchor's day kept: 31 Jan to 28 Feb is one."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return months if add_months(first, months) <= last else months - 1


def week_start(day: date) -> date:
    """The Sunday on or before the day (R53)."""
    return day - DAY * ((day.weekday() + 1) % 7)


def cycles(frequency: str, anchor: date, first: date, last: date) -> Iterator[Cycle]:
    """Whole periods that touch the days first to last, in order.

    Months keep the anchor's day: 31 Jan, 28 Feb, 31 Mar. Weeks begin on Sunday, fortnights counted from the anchor's
    week. A package is one period, the day of its purchase.
    """
    if last < first:
        return
    if frequency == Frequency.PACKAGE:
        if first <= anchor <= last:
            yield Cycle(anchor, anchor)
        return
    place = _place_of(frequency, anchor, first)
    start = _start(frequency, anchor, place)
    while start <= last:
        place += 1
        following = _start(frequency, anchor, place)
        yield Cycle(start, following - DAY)
        start = following


def _start(frequency: str, anchor: date, place: int) -> date:
    if frequency in WEEKS:
        return week_start(anchor) + timedelta(weeks=place * WEEKS[Frequency(frequency)])
    return add_months(anchor, place * MONTHS[Frequency(frequency)])


def _place_of(frequency: str, anchor: date, day: date) -> int:
    """Which period holds the day, counted from the anchor's, which is 0."""
    if frequency in WEEKS:
        return (day - week_start(anchor)).days // (7 * WEEKS[Frequency(frequency)])
    return months_between(anchor, day) // MONTHS[Frequency(frequency)]


def shifted(day: date, shift: str, work: WorkDays) -> date:
    """A due day moved off weekends and public holidays, as agreements.shift says (R53)."""
    if shift == "following":
        return work.next_business_day(day)
    return work.previous_business_day(day) if shift == "preceding" else day


def due_day(start: date, end: date, basis: str, due_days: int, shift: str, work: WorkDays) -> date:
    """Counted from the start of what is charged; from its end where attendance decides."""
    return shifted((end if basis == Basis.ATTENDANCE else start) + timedelta(days=due_days), shift, work)


def bill_day(end: date, due_on: date, basis: str, lead_days: int) -> date:
    """lead_days before it is due; where attendance decides, not before the period is over."""
    ahead = due_on - timedelta(days=lead_days)
    return max(ahead, end + DAY) if basis == Basis.ATTENDANCE else ahead
