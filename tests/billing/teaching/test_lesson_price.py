"""The attendance matrix, group and package rules with the arithmetic written out (R78-R84; requirements §2)."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.errors import BadInput
from billing.rules.explaining import sentences
from billing.rules.lesson_price import (
    Held,
    LessonPolicy,
    MatrixRow,
    Tariff,
    charge_for,
    matrix_row,
    notice_given,
    price_lesson,
    told_by,
)
from billing.rules.lesson_settling import Funding, MakeUp, Package, PaidBy, Purse, Settlement, settle
from billing.rules.priced import NO_TAX, Tax, step

D = Decimal
DAY = date(2026, 3, 12)
SUMMER = (date(2026, 6, 15), date(2026, 8, 31), D("0.9"))
SINGLY = Purse(Funding.SINGLY)
LOYAL = {"loyalty": D("0.95"), "loyalty_steps": (step("lesson_group", percent="5"),)}


@dataclass(frozen=True)
class Row:
    """What happened, by which settings, and what it comes to. sum: the arithmetic, which must be the amount."""

    name: str
    status: str
    sum: str
    paid_by: str = "charge"
    notice: str | None = None
    price: str = "40.00"
    lessons: int = 1
    of: str = "lesson"
    minutes: int = 30
    group: bool = False
    day: date = DAY
    loyalty: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    purse: Purse = SINGLY
    currency: str = "USD"
    back: str = ""
    row: str = ""

    def settle(self) -> Settlement:
        policy = LessonPolicy(**self.policy)
        notice = None if self.notice is None else D(self.notice)
        held = Held(matrix_row(self.status, notice, policy.notice_hours), self.day, self.minutes, self.group, notice)
        tariff = Tariff(D(self.price), self.lessons, self.of, **self.loyalty)
        return settle(held, tariff, self.purse, policy, text="Lesson", currency=self.currency, tax=NO_TAX)


PERIOD = Purse(Funding.PERIOD)


def package(used: int = 3, last_day: date | None = date(2026, 6, 30)) -> Purse:
    return Purse(Funding.PACKAGE, Package(10, used, last_day))


def credit(left: str, kind: str = "timed", *, key: int = 1, minutes: int = 30, last: date | None = None) -> MakeUp:
    return MakeUp(key, kind, D(left), minutes, last)


def singly(*credits: MakeUp) -> Purse:
    return Purse(Funding.SINGLY, None, credits)


ROWS = [
    # R79 attended
    Row("attended", "attended", "40.00 * 1 = 40.00", row="attended"),
    Row("attended with a fee", "attended", "40.00 * 1 + 1.50 = 41.50", policy={"fee": D("1.50")}),
    Row("attended in summer", "attended", "40.00 * 0.9 = 36.00", day=date(2026, 6, 15), policy={"seasons": (SUMMER,)}),
    Row("last day of summer", "attended", "40.00 * 0.9 = 36.00", day=date(2026, 8, 31), policy={"seasons": (SUMMER,)}),
    Row("day after summer", "attended", "40.00 * 1 = 40.00", day=date(2026, 9, 1), policy={"seasons": (SUMMER,)}),
    Row("day before summer", "attended", "40.00 * 1 = 40.00", day=date(2026, 6, 14), policy={"seasons": (SUMMER,)}),
    Row("loyal", "attended", "40.00 * 0.95 = 38.00", loyalty=LOYAL),
    Row(
        "every factor", "no_show", "40.00 * 0.5 * 0.9 * 0.95 + 1.50 = 18.60", loyalty=LOYAL, day=date(2026, 7, 1),
        policy={"no_show": D("0.5"), "seasons": (SUMMER,), "fee": D("1.50")},
    ),
    Row(
        "half a cent goes up", "no_show", "33.33 * 0.5 = 16.665 -> 16.67", price="33.33", policy={"no_show": D("0.5")}
    ),
    Row("Taiwan dollars", "no_show", "555 * 0.5 = 277.5 -> 278.00", price="555", currency="TWD",
        policy={"no_show": D("0.5")}),
    # R80 no-show
    Row("no-show by default in full", "no_show", "40.00 * 1 = 40.00", row="no_show"),
    Row("no-show at half", "no_show", "40.00 * 0.5 = 20.00", policy={"no_show": D("0.5")}),
    Row(
        "no-show at half in summer with a fee", "no_show", "40.00 * 0.5 * 0.9 + 1.50 = 19.50", day=date(2026, 7, 1),
        policy={"no_show": D("0.5"), "seasons": (SUMMER,), "fee": D("1.50")},
    ),
    Row("no-show that costs nothing has no fee either", "no_show", "40.00 * 0 = 0.00", paid_by="none",
        policy={"no_show": D(0), "fee": D("1.50")}),
    Row("no-show told too late", "no_show", "40.00 * 0.5 = 20.00", notice="2", policy={"no_show": D("0.5")}),
    # row 29: late cancellation
    Row("late as a no-show", "student_cancelled", "40.00 * 0.5 = 20.00", notice="23.99", row="late_cancel",
        policy={"no_show": D("0.5")}),
    Row("late by its own rate", "student_cancelled", "40.00 * 0.25 = 10.00", notice="0",
        policy={"no_show": D("0.5"), "late_cancel": D("0.25")}),
    Row("late free of charge", "student_cancelled", "40.00 * 0 = 0.00", notice="1", paid_by="none",
        policy={"late_cancel": D(0)}),
    # R82 cancelled in time: 24.00 hours are in time
    Row("exactly in time", "student_cancelled", "40.00 * 0 = 0.00", notice="24.00", paid_by="none",
        row="student_cancel"),
    Row("in time by a longer notice", "student_cancelled", "40.00 * 0 = 0.00", notice="48", paid_by="none",
        policy={"notice_hours": 48}),
    Row("late by a longer notice", "student_cancelled", "40.00 * 1 = 40.00", notice="47.99",
        policy={"notice_hours": 48}),
    Row("not billed, so nothing back", "student_cancelled", "40.00 * 0 = 0.00", notice="30", paid_by="none",
        policy={"cancel_credit": D("0.8")}),
    # R81 teacher cancels, row 28: credit only where it was paid for
    Row("teacher cancels", "teacher_cancelled", "40.00 * 0 = 0.00", paid_by="none", row="teacher_cancel"),
    # paid by the period: 160.00 for 4 lessons
    Row("attended in a period", "attended", "160.00 / 4 = 40.00", price="160.00", lessons=4, of="period",
        purse=PERIOD, paid_by="schedule"),
    Row("in time in a period", "student_cancelled", "0 = 0.00", notice="24", price="160.00", lessons=4, of="period",
        purse=PERIOD, paid_by="schedule", policy={"cancel_credit": D("0.8")}, back="money 160.00 / 4 * 0.8 = 32.00"),
    Row("teacher cancels in a period", "teacher_cancelled", "0 = 0.00", price="160.00", lessons=4, of="period",
        purse=PERIOD, paid_by="schedule", back="money 160.00 / 4 * 1 = 40.00"),
    Row("late in a period: nothing back", "student_cancelled", "160.00 / 4 * 1 = 40.00", notice="3", price="160.00",
        lessons=4, of="period", purse=PERIOD, paid_by="schedule"),
    Row("a third of a period", "teacher_cancelled", "0 = 0.00", price="100.00", lessons=3, of="period", purse=PERIOD,
        paid_by="schedule", back="money 100.00 / 3 * 1 = 33.33"),
    Row("loyal family gets back what it paid", "teacher_cancelled", "0 = 0.00", price="160.00", lessons=4, of="period",
        purse=PERIOD, paid_by="schedule", loyalty=LOYAL, back="money 160.00 / 4 * 0.95 = 38.00"),
    Row("a make-up lesson back", "teacher_cancelled", "0 = 0.00", price="160.00", lessons=4, of="period", purse=PERIOD,
        paid_by="schedule", policy={"credit_kind": "make_up"}, back="make_up 1 = 1"),
    Row("part of a lesson comes back by the minute", "student_cancelled", "0 = 0.00", notice="30", price="160.00",
        lessons=4, of="period", purse=PERIOD, paid_by="schedule",
        policy={"credit_kind": "make_up", "cancel_credit": D("0.8")}, back="timed 30 * 0.8 = 24"),
    Row("minutes back, half a minute goes up", "student_cancelled", "0 = 0.00", notice="30", price="160.00", lessons=4,
        minutes=45, of="period", purse=PERIOD, paid_by="schedule",
        policy={"credit_kind": "timed", "cancel_credit": D("0.9")}, back="timed 45 * 0.9 = 40.5 -> 41"),
    Row("nothing back by policy", "student_cancelled", "0 = 0.00", notice="30", price="160.00", lessons=4, of="period",
        purse=PERIOD, paid_by="schedule", policy={"cancel_credit": D(0)}),
    Row("a flat period has no price of one lesson", "teacher_cancelled", "0 = 0.00", price="160.00", lessons=0,
        of="period", purse=PERIOD, paid_by="schedule"),
    Row("missed in a period: nothing back", "no_show", "160.00 / 4 = 40.00", price="160.00", lessons=4, of="period",
        purse=PERIOD, paid_by="schedule", policy={"no_show": D("0.5")}),
    # R83 packages: 350.00 for 10 lessons
    Row("from the package", "attended", "350.00 / 10 = 35.00", price="350.00", lessons=10, of="package",
        purse=package(), paid_by="package"),
    Row("no-show takes a whole lesson", "no_show", "350.00 / 10 = 35.00", price="350.00", lessons=10, of="package",
        purse=package(), paid_by="package", policy={"no_show": D("0.5")}),
    Row("late takes a lesson", "student_cancelled", "350.00 / 10 = 35.00", notice="2", price="350.00", lessons=10,
        of="package", purse=package(), paid_by="package"),
    Row("in time stays in the package", "student_cancelled", "0 = 0.00", notice="24", price="350.00", lessons=10,
        of="package", purse=package(), paid_by="none"),
    Row("teacher cancels: stays in the package", "teacher_cancelled", "0 = 0.00", price="350.00", lessons=10,
        of="package", purse=package(), paid_by="none"),
    Row("missed lessons cost nothing: stays", "no_show", "0 = 0.00", price="350.00", lessons=10, of="package",
        purse=package(), paid_by="none", policy={"no_show": D(0)}),
    Row("last lesson of the package", "attended", "350.00 / 10 = 35.00", price="350.00", lessons=10, of="package",
        purse=package(used=9), paid_by="package"),
    Row("one more is charged by itself", "attended", "350.00 / 10 * 1 = 35.00", price="350.00", lessons=10,
        of="package", purse=package(used=10)),
    Row("one more, missed, at half", "no_show", "350.00 / 10 * 0.5 = 17.50", price="350.00", lessons=10, of="package",
        purse=package(used=10), policy={"no_show": D("0.5")}),
    Row("last good day", "attended", "350.00 / 10 = 35.00", price="350.00", lessons=10, of="package",
        purse=package(last_day=DAY), paid_by="package"),
    Row("the day after", "attended", "350.00 / 10 * 1 = 35.00", price="350.00", lessons=10, of="package",
        purse=package(last_day=DAY - timedelta(days=1))),
    Row("no end", "attended", "350.00 / 10 = 35.00", price="350.00", lessons=10, of="package",
        purse=package(last_day=None), paid_by="package"),
    Row("a package of three", "attended", "100.00 / 3 * 1 = 33.33", price="100.00", lessons=3, of="package",
        purse=Purse(Funding.PACKAGE, Package(3, 3, None))),
    # R84 group lessons
    Row("group", "attended", "40.00 * 0.75 = 30.00", group=True, policy={"group_discount": D("0.25")}),
    Row("group by own attendance", "no_show", "40.00 * 0.5 * 0.75 = 15.00", group=True,
        policy={"group_discount": D("0.25"), "no_show": D("0.5")}),
    Row("group cancelled in time", "student_cancelled", "40.00 * 0 * 0.75 = 0.00", group=True, notice="25",
        paid_by="none", policy={"group_discount": D("0.25")}),
    Row("alone: no group discount", "attended", "40.00 * 1 = 40.00", policy={"group_discount": D("0.25")}),
    Row("group, season, loyalty and fee", "attended", "40.00 * 0.75 * 0.9 * 0.95 + 2 = 27.65", group=True,
        day=date(2026, 7, 1), loyalty=LOYAL,
        policy={"group_discount": D("0.25"), "seasons": (SUMMER,), "fee": D("2.00")}),
    # make-up credit
    Row("a make-up lesson", "attended", "40.00 - 40.00 = 0.00", purse=singly(credit("1", "make_up")), paid_by="credit",
        policy={"fee": D("1.50")}),
    Row("not for a longer lesson", "attended", "40.00 = 40.00", minutes=45, purse=singly(credit("1", "make_up"))),
    Row("all minutes", "attended", "40.00 - 40.00 = 0.00", purse=singly(credit("30")), paid_by="credit"),
    Row("part of the minutes", "attended", "40.00 - 40.00 * 24 / 30 = 8.00", purse=singly(credit("24"))),
    Row("part of the minutes, with a fee", "attended", "40.00 + 1.50 - 40.00 * 24 / 30 = 9.50",
        purse=singly(credit("24")), policy={"fee": D("1.50")}),
    Row("minutes of two credits", "attended", "40.00 - 40.00 * (10 + 12) / 30 = 10.6666 -> 10.67",
        purse=singly(credit("10"), credit("12", key=2))),
    Row("last day of a credit", "attended", "40.00 - 40.00 = 0.00", purse=singly(credit("30", last=DAY)),
        paid_by="credit"),
    Row("the day after it", "attended", "40.00 = 40.00",
        purse=singly(credit("30", last=DAY - timedelta(days=1)))),
    Row("a missed lesson at half uses none", "no_show", "40.00 * 0.5 = 20.00", purse=singly(credit("30")),
        policy={"no_show": D("0.5")}),
    Row("cancelled in time uses none", "student_cancelled", "40.00 * 0 = 0.00", notice="24", paid_by="none",
        purse=singly(credit("30"))),
]  # fmt: skip


def _came_to(sum_: str) -> tuple[Decimal, Decimal]:
    """(left side reckoned, what it is said to come to): "a * b = c" or "a * b = c -> rounded"."""
    left, _equals, right = sum_.partition(" = ")
    numbers = left.replace("(", " ( ").replace(")", " ) ").split()
    spelled = " ".join(f"D('{word}')" if word[0].isdigit() else word for word in numbers)
    return eval(spelled, {"D": D}), D(right.split("-> ")[-1])


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_R78_the_matrix(row: Row) -> None:
    made = row.settle()
    reckoned, said = _came_to(row.sum)
    assert abs(reckoned - said) <= (D("0.5") if row.currency == "TWD" else D("0.005")), "the test's own arithmetic"
    assert (made.paid_by, made.amount) == (row.paid_by, said)
    assert (made.line is not None) == (row.paid_by == "charge")
    assert made.lessons == (row.paid_by == "package")
    if row.row:
        assert made.price.row == row.row
    if not row.back:
        assert made.back is None
    else:
        kind, _space, arithmetic = row.back.partition(" ")
        given, said = _came_to(arithmetic)
        assert made.back is not None
        assert (made.back.kind, made.back.quantity) == (kind, said)
        assert abs(given - said) <= D("0.5")
    assert all(sentences(made.steps, row.currency))


def test_row_29_what_is_unknown_is_refused_and_never_charged_in_full() -> None:
    for status in ("", "present", "ATTENDED ", "NoShow", "cancelled"):
        with pytest.raises(BadInput) as refusal:
            matrix_row(status, None, 24)
        assert refusal.value.code == "unknown_status"
    with pytest.raises(BadInput) as refusal:
        matrix_row("student_cancelled", None, 24)
    assert refusal.value.code == "required"
    with pytest.raises(BadInput) as refusal:
        matrix_row("no_show", D(24), 24)
    assert refusal.value.code == "told_in_time"
    assert matrix_row("no_show", D("23.99"), 24) is MatrixRow.NO_SHOW


@pytest.mark.parametrize(
    ("zone", "starts", "cancelled", "hours"),
    [
        ("America/New_York", "2026-03-12T16:00", "2026-03-11T16:00", "24.00"),
        ("America/New_York", "2026-03-12T16:00:00", "2026-03-11T16:00:01", "23.99"),
        # clocks go forward in the night of 8 March: the same hour of the day before is 23 hours away
        ("America/New_York", "2026-03-08T16:00", "2026-03-07T16:00", "23.00"),
        ("America/New_York", "2026-03-08T16:00", "2026-03-07T15:00", "24.00"),
        # clocks go back on 1 November: it is 25 hours away
        ("America/New_York", "2026-11-01T16:00", "2026-10-31T16:00", "25.00"),
        ("America/New_York", "2026-11-01T16:00", "2026-10-31T17:00", "24.00"),
        ("Asia/Taipei", "2026-03-08T16:00", "2026-03-07T16:00", "24.00"),
        ("Asia/Kolkata", "2026-03-08T16:30", "2026-03-07T16:30", "24.00"),
        ("Asia/Kolkata", "2026-03-08T16:30", "2026-03-08T17:00", "0.00"),
    ],
)
def test_R82_notice_is_counted_between_instants(zone: str, starts: str, cancelled: str, hours: str) -> None:
    begins = datetime.fromisoformat(starts).replace(tzinfo=ZoneInfo(zone))
    told = datetime.fromisoformat(cancelled).replace(tzinfo=ZoneInfo(zone))
    assert notice_given(begins.astimezone(UTC), told.astimezone(UTC)) == D(hours)


def test_R78_the_words_are_a_parents_words() -> None:
    cancelled = Row("", "student_cancelled", "", notice="26.00").settle()
    assert sentences(cancelled.steps, "USD") == [
        "A 30-minute lesson costs US$40.00.",
        "30-minute lesson, cancelled 26 hours before; the notice is 24 hours, so it is not charged.",
    ]
    late = Row("", "student_cancelled", "", notice="23.50", policy={"late_cancel": D("0.5"), "fee": D("1.50")}).settle()
    assert sentences(late.steps, "USD") == [
        "A 30-minute lesson costs US$40.00.",
        "Cancelled 23.5 hours before; the notice is 24 hours, so 50 percent is charged.",
        "Fee on every billed lesson: US$1.50.",
    ]
    back = Row("", "teacher_cancelled", "", price="160.00", lessons=4, of="period", purse=PERIOD).settle()
    assert sentences(back.steps, "USD") == [
        "4 lessons a period cost US$160.00, so one lesson is worth US$40.00.",
        "The teacher cancelled, so it is not charged.",
        "It was paid for, so 100 percent comes back as credit: US$40.00.",
    ]
    missed = Row(
        "", "no_show", "", price="350.00", lessons=10, of="package", purse=package(), policy={"no_show": D("0.5")}
    ).settle()
    assert sentences(missed.steps, "USD") == [
        "10 lessons cost US$350.00, so one lesson is worth US$35.00.",
        "The student did not come; the lesson counts.",
        "It is taken from the package: 6 of 10 lessons are left.",
    ]
    empty = Row("", "attended", "", price="350.00", lessons=10, of="package", purse=package(used=10)).settle()
    assert sentences(empty.steps, "USD") == [
        "10 lessons cost US$350.00, so one lesson is worth US$35.00.",
        "It was attended, so it is charged in full.",
        "All 10 lessons of the package are taken, so this one is charged by itself.",
    ]


def test_R85_the_row_that_applied_can_be_read_back_for_the_teacher() -> None:
    made = Row("", "no_show", "", policy={"no_show": D("0.5"), "seasons": ((DAY, DAY, D("0.9")),)}).settle()
    told = told_by([one.to_json() for one in made.steps])
    assert (told.row, told.attended) == (MatrixRow.NO_SHOW, D("36.00"))  # 40.00 * 0.9, as if attended


def test_R86_tax_is_on_top_or_inside() -> None:
    held = Held(MatrixRow.NO_SHOW, DAY, 30)
    policy = LessonPolicy(no_show=D("0.5"))
    on_top = settle(held, Tariff(D("40.00")), singly(), policy, text="L", currency="USD", tax=Tax(D("0.08875")))
    assert on_top.line is not None
    assert (on_top.amount, on_top.line.tax) == (D("20.00"), D("1.78"))  # 20.00 * 0.08875 = 1.775
    tax = Tax(D("0.18"), inclusive=True)
    inside = settle(held, Tariff(D("118.00")), singly(), policy, text="L", currency="INR", tax=tax)
    assert inside.line is not None
    assert (inside.amount, inside.line.tax) == (D("50.00"), D("9.00"))  # 118.00 * 0.5 = 59.00 = 50.00 * 1.18


def test_R80_the_first_season_named_holds_where_two_meet() -> None:
    policy = LessonPolicy(seasons=((DAY, DAY, D("0.8")), (DAY, DAY, D("0.5"))))
    assert policy.season(DAY) == D("0.8")


def test_row_30_credit_beyond_the_price_stays_in_the_wallet() -> None:
    made = Row("", "attended", "", purse=singly(credit("90"))).settle()
    assert made.uses == ((1, D(30)),)
    price = price_lesson(Held(MatrixRow.ATTENDED, DAY, 30), Tariff(D("40.00")), LessonPolicy(), "USD")
    assert charge_for(price, Held(MatrixRow.ATTENDED, DAY, 30), LessonPolicy(), 30, "USD").amount == 0


def test_credit_that_expires_first_is_used_first() -> None:
    soon, late, never = (
        credit("20", key=3, last=DAY), credit("20", key=2, last=DAY + timedelta(days=1)), credit("20", key=1),
    )  # fmt: skip
    made = Row("", "attended", "", purse=singly(never, late, soon)).settle()
    assert made.uses == ((3, D(20)), (2, D(10)))
    assert made.paid_by is PaidBy.CREDIT
