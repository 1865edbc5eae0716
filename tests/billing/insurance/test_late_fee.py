"""The late fee and what is due, with the arithmetic written out (R4, R10, R73, R74, requirements §2 row 14)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.rules.explaining import sentences
from billing.rules.fee_months import FeeTerms, next_fee
from billing.rules.late_fee import NO_FEE, late_fee, started_months
from billing.rules.premium import OwedItem, add_up, interest_on, owed_on, standing_of
from billing.rules.words_premiums import WORDS

JANUARY, APRIL = date(2026, 1, 15), date(2026, 4, 15)


def fee(on: date, base: str = "13500", due_on: date = JANUARY, **rule: Any) -> str:
    rule = {"kind": "percent_a_month", "rate": Decimal("0.01"), "flat": None, "minimum": None, "maximum": None,
            "grace_days": 30, "currency": "INR", **rule}  # fmt: skip
    return f"{late_fee(base=Decimal(base), due_on=due_on, on=on, **rule).amount}"


@pytest.mark.parametrize(
    ("since", "on", "months"),
    [
        (JANUARY, date(2026, 1, 15), 0),
        (JANUARY, date(2026, 1, 16), 1),
        (JANUARY, date(2026, 2, 15), 1),
        (JANUARY, date(2026, 2, 16), 2),
        (JANUARY, date(2027, 1, 15), 12),
        (JANUARY, date(2027, 1, 16), 13),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2026, 1, 31), date(2026, 3, 1), 2),
        (date(2026, 1, 31), date(2026, 3, 31), 2),
        (date(2026, 1, 31), date(2026, 4, 1), 3),
        (date(2026, 2, 28), date(2026, 3, 28), 1),
        (date(2026, 2, 28), date(2026, 3, 31), 2),
        (date(2028, 2, 29), date(2029, 2, 28), 12),
    ],
)
def test_R74_a_month_that_has_begun_counts(since: date, on: date, months: int) -> None:
    assert started_months(since, on) == months


@pytest.mark.parametrize(
    ("due_on", "on", "amount"),
    [
        (APRIL, date(2026, 5, 15), "0.00"),  # day 30, the last of grace
        (APRIL, date(2026, 5, 16), "270.00"),  # day 31: 13,500 × 1 % × 2 = 270, the second month has begun
        (JANUARY, date(2026, 2, 14), "0.00"),  # day 30
        (JANUARY, date(2026, 2, 15), "135.00"),  # day 31: 13,500 × 1 % × 1, one month exactly
        (JANUARY, date(2026, 2, 16), "270.00"),  # 13,500 × 1 % × 2
        (JANUARY, date(2026, 7, 15), "810.00"),  # 13,500 × 1 % × 6
        (JANUARY, date(2026, 7, 16), "945.00"),  # 13,500 × 1 % × 7
        (date(2026, 2, 15), date(2026, 3, 17), "0.00"),  # day 30 of a due day in February
        (date(2026, 2, 15), date(2026, 3, 18), "270.00"),  # day 31: 13,500 × 1 % × 2
    ],
)
def test_R74_premium_times_rate_times_months_only_after_grace(due_on: date, on: date, amount: str) -> None:
    assert fee(on, due_on=due_on) == amount


@pytest.mark.parametrize(
    ("base", "amount"),
    [
        ("2499.50", "50.00"),  # × 1 % × 2 = 49.99, at least 50
        ("2500.00", "50.00"),  # × 1 % × 2 = 50
        ("2500.50", "50.01"),  # × 1 % × 2 = 50.01
        ("249999.50", "4999.99"),  # × 1 % × 2
        ("250000.00", "5000.00"),  # × 1 % × 2
        ("250000.50", "5000.00"),  # × 1 % × 2 = 5,000.01, at most 5,000
    ],
)
def test_R74_a_late_fee_is_clamped_on_both_sides(base: str, amount: str) -> None:
    found = fee(date(2026, 2, 16), base, minimum=Decimal(50), maximum=Decimal(5000))
    assert Decimal(found) == Decimal(amount)


def test_where_the_bounds_cross_the_maximum_holds() -> None:
    assert fee(date(2026, 2, 16), minimum=Decimal("50.00"), maximum=Decimal("20.00")) == "20.00"


def test_a_flat_fee_that_was_charged_stays_though_it_has_risen() -> None:
    risen = FeeTerms("flat", Decimal(0), Decimal(150), None, None, 30)
    found = next_fee(
        risen, base=Decimal(13500), due_on=JANUARY, currency="INR", billed=Decimal(100), last_period=1, today=APRIL
    )
    assert found is None


def test_it_is_rounded_once_half_up_to_the_currency() -> None:
    assert fee(date(2026, 2, 16), "100.25", currency="INR") == "2.01"  # 100.25 × 1 % × 2 = 2.005
    assert fee(date(2026, 2, 16), "1025", currency="TWD") == "21.00"  # 1,025 × 1 % × 2 = 20.5


@pytest.mark.parametrize(
    ("rule", "amount"),
    [
        ({"kind": "none"}, "0.00"),
        ({"kind": "flat", "flat": Decimal("15.00")}, "15.00"),
        ({"kind": "flat", "flat": None}, "0.00"),
        ({"rate": Decimal(0)}, "0.00"),
        ({"grace_days": 0}, "270.00"),
    ],
)
def test_no_rule_no_fee_and_a_flat_one_has_no_months(rule: dict[str, Any], amount: str) -> None:
    assert fee(date(2026, 2, 16), **rule) == amount


def test_without_grace_the_day_after_the_due_day_is_late() -> None:
    assert fee(JANUARY, grace_days=0) == "0.00"
    assert fee(date(2026, 1, 16), grace_days=0) == "135.00"


def test_a_fee_says_in_plain_words_how_it_came_about() -> None:
    found = late_fee(
        kind="percent_a_month", base=Decimal("13500.00"), rate=Decimal("0.01"), flat=None, minimum=Decimal(50),
        maximum=Decimal(200), due_on=JANUARY, on=date(2026, 2, 16), grace_days=30, currency="INR",
    )  # fmt: skip
    assert found.period == 2
    assert sentences(found.steps, "INR") == [
        "It was due on 15 Jan 2026; the 30 days of grace ended on 14 Feb 2026.",
        "₹13,500.00 × 1 % × 2 = ₹270.00: a month's late fee for each month begun since the due day.",
        "A late fee is at most ₹200.00.",
    ]
    assert NO_FEE.steps == ()
    assert {step.code for step in found.steps} <= set(WORDS)


# What is due


def premium(due_on: date, **details: Any) -> OwedItem:
    details = {"net": Decimal("13500.00"), "tax": Decimal("1500.00"), "open_amount": Decimal("15000.00"), **details}
    return OwedItem("premium", due_on, number=f"INV-{due_on}", **details)


def other(kind: str, due_on: date, amount: str) -> OwedItem:
    return OwedItem(kind, due_on, Decimal(amount), Decimal("0.00"), Decimal(amount), number=f"{kind}-{due_on}")


def test_R10_total_is_base_and_tax_and_late_fee_and_outstanding_less_discount() -> None:
    late = premium(date(2025, 10, 15), open_amount=Decimal("1200.00"), period_start=date(2025, 10, 15),
                   period_end=date(2026, 1, 14))  # fmt: skip
    now = premium(JANUARY, discount=Decimal("500.00"), period_start=JANUARY, period_end=date(2026, 4, 14))
    items = owed_on([now, late, other("late_fee", date(2026, 1, 2), "270.00")], JANUARY)
    due = add_up(items, "INR", JANUARY)
    parts = (due.premium, due.tax, due.late_fee, due.outstanding, due.discount)
    assert [f"{part}" for part in parts] == ["14000.00", "1500.00", "270.00", "1200.00", "500.00"]
    assert f"{due.total}" == "16470.00"  # 14,000 + 1,500 + 270 + 1,200 − 500
    assert (due.period_start, due.period_end) == (date(2025, 10, 15), date(2026, 4, 14))
    assert due.due_on == date(2025, 10, 15)
    assert due.numbers == ("INV-2025-10-15", "late_fee-2026-01-02", "INV-2026-01-15")
    assert sentences(due.steps, "INR") == [
        "Premium ₹14,000.00", "+ tax ₹1,500.00", "+ late fee ₹270.00", "+ still open from before ₹1,200.00",
        "− discount ₹500.00", "= ₹16,470.00",
    ]  # fmt: skip


def test_of_a_premium_paid_in_part_the_rest_is_shared_between_premium_and_tax() -> None:
    due = add_up([premium(JANUARY, open_amount=Decimal("10000.01"), discount=Decimal("500.00"))], "INR", JANUARY)
    assert (f"{due.premium}", f"{due.tax}", f"{due.discount}") == ("9000.01", "1000.00", "0.00")
    assert f"{due.total}" == "10000.01"


def test_before_anything_is_due_the_next_premium_alone_is() -> None:
    items = [premium(APRIL), premium(JANUARY), other("loan", APRIL, "100.00")]
    assert [item.due_on for item in owed_on(items, date(2026, 1, 14))] == [JANUARY]
    assert [item.due_on for item in owed_on(items, JANUARY)] == [JANUARY]
    assert len(owed_on(items, APRIL)) == 3
    assert owed_on([other("loan", APRIL, "100.00")], JANUARY) == []
    nothing = add_up([], "INR", JANUARY)
    assert (nothing.total, nothing.due_on, nothing.steps) == (0, None, ())


@pytest.mark.parametrize(
    ("state", "on", "word"),
    [
        ("active", JANUARY, "Active"),  # due today
        ("active", date(2026, 1, 16), "In Grace"),
        ("active", date(2026, 2, 14), "In Grace"),  # day 30
        ("active", date(2026, 2, 15), "Active"),  # day 31: grace is over, not lapsed yet
        ("lapsed", date(2026, 2, 15), "Lapsed"),
        ("paused", date(2026, 1, 16), "Paused"),
        ("cancelled", date(2026, 2, 15), "Cancelled"),
    ],
)
def test_R73_day_30_is_still_in_grace(state: str, on: date, word: str) -> None:
    assert standing_of(state, JANUARY, 30, on).word == word
    assert standing_of(state, None, 30, on).word == (word if word != "In Grace" else "Active")


def test_interest_is_simple_and_to_the_day() -> None:
    amount, step = interest_on(Decimal("50000.00"), Decimal("0.09"), JANUARY, date(2026, 4, 15), "INR")
    assert f"{amount}" == "1109.59"  # 50,000 × 9 % × 90 ÷ 365 = 1,109.589…
    assert sentences([step], "INR") == [
        "₹50,000.00 × 9 percent a year × 90 ÷ 365 = ₹1,109.59: interest from 16 Jan 2026 to 15 Apr 2026."
    ]
    assert interest_on(Decimal("50000.00"), Decimal("0.09"), JANUARY, JANUARY, "INR")[0] == 0
    assert interest_on(Decimal("36500.00"), Decimal("0.10"), JANUARY, date(2026, 1, 16), "INR")[0] == 10
