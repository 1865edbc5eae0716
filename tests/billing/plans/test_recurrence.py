"""When periods begin and end, and when they are due (R53, R54)."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.recurrence import add_months, bill_day, cycles, due_day, months_between, shifted, week_start

CALENDAR = ("monthly", "quarterly", "half_yearly", "annual")
STEP = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "annual": 12}
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def starts(frequency: str, anchor: date, first: date, last: date) -> list[str]:
    return [f"{one.start}" for one in cycles(frequency, anchor, first, last)]


class Office:
    """Works Monday to Friday but on the days it is closed."""

    def __init__(self, *closed: str) -> None:
        self.closed = {date.fromisoformat(day) for day in closed}

    def works(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.closed

    def next_business_day(self, day: date) -> date:
        return day if self.works(day) else self.next_business_day(day + timedelta(1))

    def previous_business_day(self, day: date) -> date:
        return day if self.works(day) else self.previous_business_day(day - timedelta(1))


@pytest.mark.parametrize(
    ("frequency", "anchor", "until", "expected"),
    [
        ("monthly", "2026-01-31", "2026-05-31", "2026-01-31 2026-02-28 2026-03-31 2026-04-30 2026-05-31"),
        ("monthly", "2028-01-30", "2028-03-30", "2028-01-30 2028-02-29 2028-03-30"),
        ("quarterly", "2025-11-30", "2026-08-30", "2025-11-30 2026-02-28 2026-05-30 2026-08-30"),
        ("half_yearly", "2025-08-31", "2026-08-31", "2025-08-31 2026-02-28 2026-08-31"),
        ("annual", "2024-02-29", "2028-02-29", "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
        ("weekly", "2026-03-11", "2026-03-29", "2026-03-08 2026-03-15 2026-03-22 2026-03-29"),
        ("weekly", "2026-03-08", "2026-03-15", "2026-03-08 2026-03-15"),  # a Sunday begins its own week
        ("weekly", "2026-03-07", "2026-03-08", "2026-03-01 2026-03-08"),  # a Saturday ends one
        ("fortnightly", "2026-03-11", "2026-04-05", "2026-03-08 2026-03-22 2026-04-05"),
        ("package", "2026-03-11", "2027-03-11", "2026-03-11"),
    ],
)
def test_R53_where_periods_begin(frequency, anchor, until, expected) -> None:
    first = date.fromisoformat(anchor)
    assert starts(frequency, first, first, date.fromisoformat(until)) == expected.split()


def test_R53_fortnights_are_counted_from_the_week_of_the_anchor() -> None:
    assert starts("fortnightly", date(2026, 3, 11), date(2026, 3, 15), date(2026, 3, 21)) == ["2026-03-08"]
    assert starts("fortnightly", date(2026, 3, 18), date(2026, 3, 15), date(2026, 3, 21)) == ["2026-03-15"]


@given(st.sampled_from(CALENDAR), days)
def test_the_day_of_the_anchor_is_kept_over_ten_years(frequency: str, anchor: date) -> None:
    found = list(cycles(frequency, anchor, anchor, add_months(anchor, 120)))
    assert len(found) == 120 // STEP[frequency] + 1
    for place, one in enumerate(found):
        assert (one.start.year * 12 + one.start.month) - (anchor.year * 12 + anchor.month) == place * STEP[frequency]
        last_of_month = (add_months(one.start.replace(day=1), 1) - timedelta(1)).day
        assert one.start.day == min(anchor.day, last_of_month)


@given(st.sampled_from((*CALENDAR, "weekly", "fortnightly")), days, days, st.integers(0, 800))
def test_periods_follow_each_other_without_a_gap_and_hold_every_day(frequency, anchor, first, length) -> None:
    last = first + timedelta(length)
    found = list(cycles(frequency, anchor, first, last))
    assert found[0].start <= first <= found[0].end and found[-1].start <= last <= found[-1].end
    for before, after in pairwise(found):
        assert before.end + timedelta(1) == after.start
    if frequency in ("weekly", "fortnightly"):
        assert all(one.start.weekday() == 6 and one.days in (7, 14) for one in found)


@given(days, st.integers(0, 150))
def test_months_between_counts_back_what_add_months_went(anchor: date, months: int) -> None:
    assert months_between(anchor, add_months(anchor, months)) == months
    assert months_between(anchor, add_months(anchor, months) - timedelta(1)) == months - 1


@given(days)
def test_a_week_starts_on_the_sunday_before(day: date) -> None:
    assert week_start(day).strftime("%a") == "Sun" and timedelta(0) <= day - week_start(day) < timedelta(7)


@pytest.mark.parametrize(
    ("day", "shift", "expected"),
    [
        ("2026-03-13", "following", "2026-03-13"),  # a Friday stays
        ("2026-03-14", "following", "2026-03-16"),  # Saturday → Monday
        ("2026-03-14", "preceding", "2026-03-13"),
        ("2026-03-14", "none", "2026-03-14"),
        ("2026-07-03", "following", "2026-07-06"),  # closed on Friday → Monday
        ("2026-07-03", "preceding", "2026-07-02"),
    ],
)
def test_R53_a_due_day_moves_off_weekends_and_holidays(day, shift, expected) -> None:
    assert shifted(date.fromisoformat(day), shift, Office("2026-07-03")) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("basis", "due_days", "due", "bill"),
    [
        ("schedule", 0, "2026-03-02", "2026-02-16"),  # 1 March is a Sunday
        ("schedule", 10, "2026-03-11", "2026-02-25"),
        ("attendance", 10, "2026-04-10", "2026-04-01"),  # not before the period is over: it ends on 31 March
        ("attendance", 40, "2026-05-11", "2026-04-27"),  # 10 May is a Sunday
    ],
)
def test_when_a_month_is_billed_and_due(basis, due_days, due, bill) -> None:
    """March 2026, billed 14 days before it is due."""
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    due_on = due_day(first, last, basis, due_days, "following", Office())
    assert (f"{due_on}", f"{bill_day(last, due_on, basis, 14)}") == (due, bill)
