"""What a part of a period costs, to the day (R54), with the arithmetic written out."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import round_money, split
from billing.rules.proration import Rest, length, parts, rest_days, share_of, without
from billing.rules.recurrence import Cycle

MARCH = Cycle(date(2026, 3, 1), date(2026, 3, 31))
FEBRUARY = Cycle(date(2026, 2, 1), date(2026, 2, 28))
YEAR = Cycle(date(2026, 1, 1), date(2026, 12, 31))
WEEK = Cycle(date(2026, 3, 8), date(2026, 3, 14))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("cycle", "price", "first", "last", "policy", "expected"),
    [
        (MARCH, "90.00", "2026-03-01", "2026-03-31", "day", "90.00"),  # whole: not divided at all
        (MARCH, "90.00", "2026-03-02", "2026-03-31", "day", "87.10"),  # 90 × 30 / 31 = 87.0968
        (MARCH, "90.00", "2026-03-01", "2026-03-30", "day", "87.10"),
        (MARCH, "90.00", "2026-03-15", "2026-03-31", "day", "49.35"),  # 90 × 17 / 31 = 49.3548
        (MARCH, "90.00", "2026-03-31", "2026-03-31", "day", "2.90"),  # 90 × 1 / 31 = 2.9032
        (MARCH, "90.00", "2026-03-31", "2026-03-31", "full", "90.00"),
        (MARCH, "90.00", "2026-03-02", "2026-03-31", "none", "0.00"),
        (MARCH, "90.00", "2026-03-01", "2026-03-31", "none", "90.00"),
        (FEBRUARY, "99.99", "2026-02-15", "2026-02-28", "day", "50.00"),  # 99.99 × 14 / 28 = 49.995, half up
        (YEAR, "1200.00", "2026-07-01", "2026-12-31", "day", "604.93"),  # 1200 × 184 / 365 = 604.9315
        (WEEK, "35.00", "2026-03-11", "2026-03-14", "day", "20.00"),  # 35 × 4 / 7
    ],
)
def test_R54_a_part_of_a_period(cycle, price, first, last, policy, expected) -> None:
    share = share_of(cycle, (day(first), day(last)), policy)
    assert f"{round_money(share.of(Decimal(price)), 'USD')}" == expected


def test_R54_in_a_currency_without_decimals() -> None:
    """1000 × 17 / 31 = 548.387: NT$548."""
    share = share_of(MARCH, (day("2026-03-15"), day("2026-03-31")), "day")
    assert round_money(share.of(Decimal(1000)), "TWD") == 548


@given(st.decimals("0.01", "99999.99", places=2), st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_consecutive_parts_add_up_to_the_whole(price: Decimal, days: list[int]) -> None:
    found = parts(price, days, "USD")
    assert sum(found) == price == sum(split(price, [Decimal(n) for n in days]))
    assert found[0] == round_money(price * days[0] / sum(days), "USD")
    for part, n in zip(found, days, strict=True):
        assert abs(part - price * n / sum(days)) <= Decimal("0.01")


@given(st.decimals("1", "99999", places=0), st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_consecutive_parts_add_up_in_a_currency_without_decimals(price: Decimal, days: list[int]) -> None:
    found = parts(price, days, "TWD")
    assert sum(found) == price and all(part == part.to_integral_value() for part in found)


@pytest.mark.parametrize(
    ("kind", "first", "last", "free", "expected"),
    [
        ("vacation", "2026-03-10", "2026-03-12", True, 3),
        ("vacation", "2026-03-10", "2026-03-12", False, 0),
        ("hold", "2026-03-10", "2026-03-12", False, 3),
        ("hold", "2026-02-20", "2026-03-01", True, 1),
        ("hold", "2026-03-31", None, True, 1),
        ("hold", "2026-04-01", None, True, 0),
        ("hold", "2026-02-01", "2026-02-28", True, 0),
    ],
)
def test_days_at_rest(kind, first, last, free, expected) -> None:
    rest = Rest(kind, day(first), day(last) if last else None)
    assert rest_days((MARCH.start, MARCH.end), [rest], free) == expected


def test_a_day_in_two_pauses_rests_once() -> None:
    rests = [Rest("hold", day("2026-03-01"), day("2026-03-10")), Rest("vacation", day("2026-03-08"), day("2026-03-12"))]
    assert rest_days((MARCH.start, MARCH.end), rests, True) == 12


spans = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(
    lambda pair: (date(2026, 3, 1) + timedelta(pair[0]), date(2026, 3, 1) + timedelta(pair[0] + pair[1]))
)


@given(spans, st.lists(spans, max_size=5))
def test_what_is_left_of_a_span_is_every_day_that_is_not_taken(span, taken) -> None:
    def days(of) -> set[date]:
        return {of[0] + timedelta(n) for n in range(length(of))}

    left = without(span, taken)
    assert set().union(*map(days, left)) == days(span) - set().union(*map(days, taken))
    assert all(before[1] < after[0] for before, after in pairwise(left))
