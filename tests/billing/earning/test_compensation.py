"""What a lesson earns its teacher and a premium its agent: the rules alone, arithmetic written out."""

from datetime import date
from decimal import Decimal

import pytest

from billing.rules.compensation import (
    PayRates,
    Premium,
    SeatTold,
    agent_kind,
    commission,
    lesson_pays,
    listed_price,
)
from billing.rules.explaining import sentences
from billing.rules.lesson_price import Held, LessonPolicy, MatrixRow, Tariff, price_lesson
from billing.rules.priced import ONE

D = Decimal
HALF = PayRates(lesson_share=D("0.5"), no_show=D("0.4"), teacher_cancel=D("0.25"), student_cancel=D("0.2"))
FIXED = PayRates(lesson_pay=D("30.00"), no_show=D("0.5"), teacher_cancel=D("0.25"), student_cancel=D("0.3"))
ATTENDED, NO_SHOW, LATE = MatrixRow.ATTENDED, MatrixRow.NO_SHOW, MatrixRow.LATE_CANCEL
IN_TIME, TEACHER = MatrixRow.STUDENT_CANCEL, MatrixRow.TEACHER_CANCEL


def pay(rates: PayRates, *seats: MatrixRow | None, price: str = "40.00", currency: str = "USD") -> list[str]:
    found = lesson_pays([SeatTold(row, D(price) if row else D(0)) for row in seats], rates, currency)
    return [f"{one.amount:.2f}" for one in found]


class TestMatrix:
    @pytest.mark.parametrize(
        ("row", "share_of_40", "fixed_30"),
        [
            (ATTENDED, "20.00", "30.00"),  # 40 × 50 % = 20; all of 30
            (NO_SHOW, "8.00", "15.00"),  # 20 × 40 % = 8; 30 × 50 % = 15
            (LATE, "8.00", "15.00"),  # as a no-show
            (TEACHER, "5.00", "7.50"),  # 20 × 25 % = 5; 30 × 25 % = 7.50
            (IN_TIME, "4.00", "9.00"),  # 20 × 20 % = 4; 30 × 30 % = 9
        ],
    )
    def test_R79_R80_R81_R82_every_row(self, row: MatrixRow, share_of_40: str, fixed_30: str) -> None:
        assert pay(HALF, row) == [share_of_40]
        assert pay(FIXED, row) == [fixed_30]

    def test_every_row_has_its_rate(self) -> None:
        assert {row: HALF.earned(row) for row in MatrixRow}.keys() == set(MatrixRow)

    @pytest.mark.parametrize(
        ("price", "row", "earned"),
        [
            ("33.33", ATTENDED, "16.67"),  # 33.33 × 50 % = 16.665, half up
            ("33.33", NO_SHOW, "6.67"),  # 16.67 × 40 % = 6.668
            ("0.01", ATTENDED, "0.01"),  # 0.005, half up
            ("0.01", TEACHER, "0.00"),  # 0.01 × 25 % = 0.0025
            ("0.00", ATTENDED, "0.00"),  # the period covers every lesson: it has no price of its own
        ],
    )
    def test_it_is_rounded_to_the_cent(self, price: str, row: MatrixRow, earned: str) -> None:
        assert pay(HALF, row, price=price) == [earned]

    def test_a_currency_without_cents_has_none(self) -> None:
        assert pay(HALF, NO_SHOW, price="901", currency="TWD") == ["180.00"]  # 450.5 → 451; × 40 % = 180.4 → 180

    def test_no_percentage_counts_for_more_than_all(self) -> None:
        generous = PayRates(lesson_pay=D("30.00"), no_show=D("1.5"))
        assert pay(generous, NO_SHOW) == ["30.00"]


class TestGroups:
    @pytest.mark.parametrize(
        ("seats", "parts"),
        [
            # 30 for three seats: 10 each, whoever came earns the teacher that part
            ((ATTENDED, ATTENDED, ATTENDED), ["10.00", "10.00", "10.00"]),
            ((ATTENDED, ATTENDED, NO_SHOW), ["10.00", "10.00", "5.00"]),  # 10 × 50 %
            ((ATTENDED, LATE, IN_TIME), ["10.00", "5.00", "3.00"]),  # 10 × 50 %, 10 × 30 %
            ((TEACHER, TEACHER, TEACHER), ["2.50", "2.50", "2.50"]),  # 10 × 25 %
            ((ATTENDED, None, None), ["10.00", "0.00", "0.00"]),  # nobody has told of two
            ((NO_SHOW,), ["15.00"]),  # alone in it: the whole lesson's 30 × 50 %
        ],
    )
    def test_R84_a_fixed_pay_is_shared_by_the_seats(self, seats: tuple[MatrixRow, ...], parts: list[str]) -> None:
        assert pay(FIXED, *seats) == parts

    def test_R84_parts_add_up_to_one_full_pay(self) -> None:
        """100.00 by seven: 14.28 each leaves 4 cents, which go to the first four."""
        parts = pay(PayRates(lesson_pay=D("100.00")), *[ATTENDED] * 7)
        assert parts == ["14.29"] * 4 + ["14.28"] * 3
        assert sum(map(D, parts)) == D("100.00")

    @pytest.mark.parametrize("seats", range(1, 12))
    @pytest.mark.parametrize("row", [ATTENDED, NO_SHOW, TEACHER])
    def test_R84_never_more_than_one_full_pay(self, seats: int, row: MatrixRow) -> None:
        generous = PayRates(lesson_pay=D("50.01"), no_show=D("0.999"), teacher_cancel=D(3))
        assert sum(map(D, pay(generous, *[row] * seats))) <= D("50.01")

    def test_R84_a_share_of_the_price_is_of_each_seats_price(self) -> None:
        """40 × 50 % = 20 and, not come, 20 × 40 % = 8."""
        assert pay(HALF, ATTENDED, NO_SHOW) == ["20.00", "8.00"]


class TestPrice:
    def test_the_teachers_share_is_of_the_list_price_not_of_what_is_left_after_discounts(self) -> None:
        held = Held(ATTENDED, date(2026, 3, 10), 30, is_group=True)
        price = price_lesson(held, Tariff(D("40.00"), loyalty=D("0.9")), LessonPolicy(group_discount=D("0.2")), "USD")
        assert price.amount == D("28.8")  # 40 × 80 % × 90 %
        assert listed_price([one.to_json() for one in price.steps]) == D("40.00")

    def test_R83_of_a_package_it_is_a_lessons_part(self) -> None:
        held = Held(ATTENDED, date(2026, 3, 10), 30)
        price = price_lesson(held, Tariff(D("350.00"), 10, "package"), LessonPolicy(), "USD")
        assert listed_price([one.to_json() for one in price.steps]) == D("35.00")


class TestWords:
    def test_every_step_says_itself_to_the_cent(self) -> None:
        one = lesson_pays([SeatTold(ATTENDED, D(0)), SeatTold(NO_SHOW, D(0))], FIXED, "USD")[1]
        assert sentences(one.steps, "USD") == [
            "A lesson earns the teacher US$30.00.",
            "2 students share the lesson; the part of this one is US$15.00.",
            "The student did not come, so 50 percent of it is earned: US$7.50.",
        ]

    def test_a_share_is_told_with_the_price(self) -> None:
        one = lesson_pays([SeatTold(TEACHER, D("40.00"))], HALF, "USD")[0]
        assert sentences(one.steps, "USD") == [
            "The teacher earns 50 percent of the lesson's price of US$40.00: US$20.00.",
            "The teacher cancelled, so 25 percent of it is earned: US$5.00.",
        ]

    @pytest.mark.parametrize("row", MatrixRow)
    def test_every_row_has_a_sentence(self, row: MatrixRow) -> None:
        assert all(sentences(lesson_pays([SeatTold(row, D(40))], HALF, "USD")[0].steps, "USD"))


def paid(
    amount: str, *, net: str = "100.00", total: str = "118.00", period: date = date(2026, 1, 1),
    start: date = date(2026, 1, 1),
) -> Premium:  # fmt: skip
    return Premium(D(amount), D(net), D(total), "USD", period, start)


class TestCommission:
    @pytest.mark.parametrize(
        ("amount", "without_tax", "earned"),
        [
            ("118.00", "100.00", "15.00"),  # all of it: 100 × 15 %
            ("59.00", "50.00", "7.50"),  # half of it
            ("39.33", "33.33", "5.00"),  # 39.33 × 100 / 118 = 33.3305; × 15 % = 4.9995
            ("0.03", "0.03", "0.00"),  # 0.0254; × 15 % is less than half a cent
        ],
    )
    def test_R90_it_is_of_the_premium_paid_without_tax(self, amount: str, without_tax: str, earned: str) -> None:
        premium = paid(amount)
        assert premium.without_tax == D(without_tax)
        assert commission("first_year", premium, D("0.15")).amount == D(earned)

    @pytest.mark.parametrize(
        ("start", "period", "kind"),
        [
            (date(2026, 1, 1), date(2026, 1, 1), "first_year"),
            (date(2026, 1, 1), date(2026, 12, 31), "first_year"),  # the day before the anniversary
            (date(2026, 1, 1), date(2027, 1, 1), "renewal"),  # the anniversary itself
            (date(2026, 1, 1), date(2027, 1, 2), "renewal"),
            (date(2024, 2, 29), date(2025, 2, 27), "first_year"),  # a leap day's anniversary is 28 Feb
            (date(2024, 2, 29), date(2025, 2, 28), "renewal"),
        ],
    )
    def test_R90_first_year_or_renewal(self, start: date, period: date, kind: str) -> None:
        assert agent_kind(paid("118.00", start=start, period=period)) == kind

    def test_it_says_why(self) -> None:
        made = commission("renewal", paid("118.00", period=date(2027, 1, 1)), D("0.05"))
        assert sentences(made.steps, "USD") == [
            "The period from 1 Jan 2027 begins after the policy's first year, which ends before 1 Jan 2027: renewal,"
            " 5 percent of US$100.00 is US$5.00."
        ]

    def test_the_agent_above_reads_from_whom(self) -> None:
        made = commission("override", paid("118.00"), ONE / 50, "Ann Agent")
        assert sentences(made.steps, "USD") == ["For the agent above Ann Agent: 2 percent of US$100.00 is US$2.00."]
