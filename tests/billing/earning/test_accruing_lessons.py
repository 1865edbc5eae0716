"""Attendance that was told earns its teacher, once; corrections and payments put it right (R79-R85, R89)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.ledger.models import JournalEntry, Role
from billing.ledger.periods import close_period
from billing.models import Agreement, Earning, EarningMark, Invoice, LessonSeat, Provider
from billing.office.models import Organization
from billing.rules.explaining import sentences
from billing.selectors.earning_work import organizations_with_news
from billing.services.allocating import unallocate
from tests.agreements import installment, lessons, provider
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.billing.earning.cast import (
    LESSON_AT,
    accrue,
    amounts,
    earned,
    lesson,
    one_lesson,
    paid_out_to,
    rate,
    sit,
    tell,
)
from tests.billing.runs.cast import shared
from tests.billing.teaching.desk import bill, package, period
from tests.builders import NOW, customer, invoice, organization, pay, policy

pytestmark = pytest.mark.django_db
D = Decimal
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def tess(school: Organization) -> Provider:
    """30 a lesson; 50 % of it for a no-show, 25 % for a cancellation."""
    made = provider(school, "Tess Teacher")
    rate(made, "earnings.lesson_pay", "30")
    return made


class TestEarning:
    def test_R79_a_lesson_attended_earns_its_teacher_and_is_posted(self, school: Organization, tess: Provider) -> None:
        """Lesson on 10 March at 40: pay 30."""
        tell(one_lesson(tess), "attended")
        assert accrue(school).written == 1
        assert earned(tess) == [("lesson", D("30.00"))]
        row = Earning.objects.get()
        assert (row.source, row.earned_on, row.agreement) == (
            f"attendance:{row.attendance_id}", date(2026, 3, 10), row.attendance.seat.agreement,
        )  # fmt: skip
        assert_posts([row.entry], "2026-03-10  teacher_pay Dr 30.00    providers_payable Cr 30.00")
        assert balance(school, Role.PROVIDERS_PAYABLE, party=tess.pk) == D("-30.00")
        assert_books_whole()

    @pytest.mark.parametrize(
        ("status", "notice", "pay"),
        [
            ("attended", None, "30.00"),
            ("no_show", None, "15.00"),  # 30 × 50 %
            ("student_cancelled", "23.99", "15.00"),  # less than 24 hours: as a no-show
            ("student_cancelled", "24.00", "7.50"),  # in time: 30 × 25 %
            ("teacher_cancelled", None, "7.50"),  # 30 × 25 %
        ],
    )
    def test_R79_to_R82_every_row(
        self, school: Organization, tess: Provider, status: str, notice: str | None, pay: str
    ) -> None:
        tell(one_lesson(tess), status, notice)
        accrue(school)
        assert amounts(tess) == [pay]
        assert_books_whole()

    def test_R58_each_teacher_has_their_own_rate_over_the_schools(self, school: Organization, tess: Provider) -> None:
        """Tess 30 a lesson; others half of the list price: 40 × 50 % = 20."""
        other = provider(school, "Theo")
        for teacher in (tess, other):
            tell(one_lesson(teacher), "attended")
        accrue(school)
        assert (amounts(tess), amounts(other)) == (["30.00"], ["20.00"])

    def test_a_rate_changed_later_changes_no_lesson_told_before(self, school: Organization, tess: Provider) -> None:
        """Told yesterday, when Tess had no rate of her own: 40 × 50 % = 20."""
        seat = one_lesson(tess)
        tell(seat, "attended", now=NOW - timedelta(days=1))
        accrue(school)
        assert amounts(tess) == ["20.00"]
        tell(seat, "no_show")  # corrected today: 20 × 50 % = 10, not 15
        accrue(school)
        assert amounts(tess) == ["20.00", "-10.00"]

    def test_nothing_is_earned_for_nothing(self, school: Organization, tess: Provider) -> None:
        rate(tess, "earnings.teacher_cancel_percent", "0")
        tell(one_lesson(tess), "teacher_cancelled")
        assert accrue(school).written == 0
        assert not Earning.objects.exists()

    def test_it_can_be_explained(self, school: Organization, tess: Provider) -> None:
        tell(one_lesson(tess), "student_cancelled", "3")
        accrue(school)
        assert sentences(Earning.objects.get().derivation, "USD") == [
            "Piano on 10 Mar 2026.",
            "A lesson earns the teacher US$30.00.",
            "The student cancelled too late, which counts as not coming, so 50 percent of it is earned: US$15.00.",
        ]

    def test_a_lesson_that_is_still_to_come_is_earned_the_day_it_is_told(self, school, tess) -> None:
        tell(one_lesson(tess, starts_at=LESSON_AT + timedelta(days=30)), "student_cancelled", "200")
        accrue(school)
        assert Earning.objects.get().earned_on == date(2026, 3, 12)

    def test_a_closed_month_is_left_alone(self, school: Organization, tess: Provider) -> None:
        """A lesson of February, told when February is closed, is booked on 1 March."""
        with transaction.atomic():
            close_period(organization_id=school.pk, month=date(2026, 2, 1), now=NOW, by_id=None)
        tell(one_lesson(tess, starts_at=datetime(2026, 2, 20, 20, 0, tzinfo=NOW.tzinfo)), "attended")
        accrue(school)
        row = Earning.objects.select_related("entry").get()
        assert (row.earned_on, row.entry.entry_date) == (date(2026, 3, 1), date(2026, 3, 1))
        assert "on 20 Feb 2026" in sentences(row.derivation, "USD")[0]
        assert_books_whole()


class TestGroups:
    def test_R84_one_pay_is_shared_by_the_seats(self, school: Organization, tess: Provider) -> None:
        """30 by three is 10 each: two came, one did not: 10 + 10 + 10 × 50 % = 25."""
        seats = lesson(tess, *[lessons(customer(school)) for _nth in range(3)])
        for seat, status in zip(seats, ("attended", "attended", "no_show"), strict=True):
            tell(seat, status)
        accrue(school)
        assert amounts(tess) == ["10.00", "10.00", "5.00"]
        assert_books_whole()

    def test_seats_told_of_later_earn_their_own_part(self, school: Organization, tess: Provider) -> None:
        first, second = lesson(tess, lessons(customer(school)), lessons(customer(school)))
        tell(first, "attended")
        accrue(school)
        tell(second, "attended")
        accrue(school)
        assert amounts(tess) == ["15.00", "15.00"]

    def test_a_student_who_joins_later_makes_the_parts_smaller_not_the_pay_larger(
        self, school: Organization, tess: Provider
    ) -> None:
        """15 each of two; with a third 10 each: 15 − 5, 15 − 5, 10."""
        seats = lesson(tess, lessons(customer(school)), lessons(customer(school)))
        for one in seats:
            tell(one, "attended")
        accrue(school)
        tell(sit(seats[0].lesson, lessons(customer(school))), "attended")
        accrue(school)
        assert amounts(tess) == ["15.00", "15.00", "-5.00", "-5.00", "10.00"]
        assert sum(map(D, amounts(tess))) == D("30.00")


class TestCorrections:
    def test_R85_a_correction_adds_the_difference(self, school: Organization, tess: Provider) -> None:
        """Attended 30; it was a no-show: 15, so 15 less; it was the teacher: 7.50, so 7.50 less."""
        seat = one_lesson(tess)
        tell(seat, "attended")
        accrue(school)
        for status in ("no_show", "teacher_cancelled"):
            tell(seat, status, now=LATER)
            accrue(school, LATER)
        assert earned(tess) == [("lesson", D(30)), ("correction", D(-15)), ("correction", D("-7.50"))]
        assert sentences(Earning.objects.latest("pk").derivation, "USD")[-1] == (
            "US$15.00 was earned before; the difference is −US$7.50."
        )
        assert_books_whole()

    def test_corrected_before_anybody_looked_only_the_last_word_counts(self, school, tess) -> None:
        seat = one_lesson(tess)
        tell(seat, "attended")
        tell(seat, "no_show")
        accrue(school)
        assert earned(tess) == [("lesson", D(15))]

    def test_a_correction_after_the_payout_goes_into_the_next(self, school: Organization, tess: Provider) -> None:
        """30 paid out; it was a no-show: 15 too much, taken off the next lesson's 30."""
        seat = one_lesson(tess)
        tell(seat, "attended")
        accrue(school)
        assert paid_out_to(school).amount == D(30)
        tell(seat, "no_show", now=LATER)
        tell(one_lesson(tess), "attended", now=LATER)
        accrue(school, LATER)
        assert paid_out_to(school, now=LATER).amount == D(15)
        assert balance(school, Role.PROVIDERS_PAYABLE, party=tess.pk) == 0
        assert_books_whole()


class TestOnceOnly:
    def test_looking_again_changes_nothing(self, school: Organization, tess: Provider) -> None:
        tell(one_lesson(tess), "attended")
        assert [accrue(school).written, accrue(school).written, accrue(school, LATER).written] == [1, 0, 0]

    def test_the_mark_moves_when_nothing_can_come_before_it_any_more(self, school, tess) -> None:
        told = tell(one_lesson(tess), "attended")
        accrue(school)
        assert EarningMark.objects.get().attendance_id == 0
        assert organizations_with_news() == [school]
        accrue(school, LATER)
        assert EarningMark.objects.get().attendance_id == told.pk
        assert organizations_with_news() == []

    def test_chunks_leave_nothing_out(self, school, tess, monkeypatch) -> None:
        monkeypatch.setattr("billing.services.earning.accruing.CHUNK", 2)
        for _nth in range(5):
            tell(one_lesson(tess), "attended")
        assert accrue(school).written == 5
        assert accrue(school, LATER).written == 0

    def test_two_workers_at_once(self, run_in_threads) -> None:
        school = organization()
        tess = provider(school)
        for _nth in range(4):
            tell(one_lesson(tess), "attended")
        outcomes = run_in_threads(lambda _n: accrue(school).written, 3)
        assert outcomes.errors == []
        assert sorted(outcomes.results) == [0, 0, 4]
        assert amounts(tess) == ["20.00"] * 4
        assert_books_whole()

    def test_it_costs_the_same_number_of_questions_for_many(self, school, tess, django_assert_max_num_queries) -> None:
        for _nth in range(12):
            tell(one_lesson(tess), "attended")
        with django_assert_max_num_queries(45):
            accrue(school)


def billed(seat: LessonSeat) -> Invoice:
    """The lesson told as attended and billed."""
    tell(seat, "attended")
    (made,) = bill(seat.agreement)
    return made


class TestEarnedWhenPaid:
    @pytest.fixture
    def theo(self, school: Organization) -> Provider:
        """20 a lesson of 40, once the family has paid."""
        policy(school, "earnings.accrue", "payment")
        return provider(school, "Theo")

    def test_a_lesson_waits_for_its_money(self, school: Organization, theo: Provider) -> None:
        seat = one_lesson(theo)
        made = billed(seat)
        assert accrue(school).written == 0
        pay(seat.agreement.customer, "39.99", by_hand=[(made, "39.99")])
        assert accrue(school).written == 0
        pay(seat.agreement.customer, "0.01", by_hand=[(made, "0.01")])
        assert accrue(school).written == 1
        assert earned(theo) == [("lesson", D(20))]
        assert "has paid for the lesson" in sentences(Earning.objects.get().derivation, "USD")[-1]
        assert_books_whole()

    def test_it_is_taken_back_with_the_money_and_earned_again_with_it(self, school, theo) -> None:
        seat = one_lesson(theo)
        made = billed(seat)
        taken = pay(seat.agreement.customer, "40.00", by_hand=[(made, "40.00")])
        accrue(school)
        with transaction.atomic():
            unallocate(allocations=made.allocations.all(), now=LATER, by=None, reason="came back")
        accrue(school, LATER)
        assert earned(theo) == [("lesson", D(20)), ("clawback", D(-20))]
        pay(seat.agreement.customer, "40.00", by_hand=[(made, "40.00")], now=LATER, lookalike_reason="again")
        accrue(school, LATER)
        accrue(school, LATER + timedelta(hours=3))
        assert earned(theo) == [("lesson", D(20)), ("clawback", D(-20)), ("lesson", D(20))]
        assert taken.payment.state == "processed"
        assert JournalEntry.objects.filter(event="earned").count() == 3
        assert_books_whole()

    def test_a_lesson_that_costs_nothing_waits_for_nothing(self, school: Organization, theo: Provider) -> None:
        tell(one_lesson(theo), "teacher_cancelled")  # 20 × 25 %
        accrue(school)
        assert amounts(theo) == ["5.00"]

    def test_R61_all_who_pay_for_it_must_have_paid(self, school: Organization, theo: Provider) -> None:
        """40 shared by two parents, 24 and 16."""
        seat = one_lesson(theo)
        mother, father = seat.agreement.customer, customer(school)
        shared(seat.agreement, (mother, "60"), (father, "40"))
        tell(seat, "attended")
        first, second = sorted(bill(seat.agreement), key=lambda made: made.invoiced_amount, reverse=True)
        pay(mother, "24.00", by_hand=[(first, "24.00")])
        assert accrue(school).written == 0
        pay(father, "16.00", by_hand=[(second, "16.00")])
        accrue(school)
        assert amounts(theo) == ["20.00"]
        assert_books_whole()

    def test_a_package_is_paid_with_its_invoice(self, school: Organization, theo: Provider) -> None:
        """10 lessons for 350: one is 35, and 35 × 50 % = 17.50."""
        family = customer(school)
        bought = package(family)
        made = invoice(family, "350.00", agreement_id=bought.pk)
        tell(lesson(theo, bought)[0], "attended")
        assert accrue(school).written == 0
        pay(family, "350.00", by_hand=[(made, "350.00")])
        accrue(school)
        assert amounts(theo) == ["17.50"]

    @pytest.mark.parametrize("kind", [package, period])
    def test_what_was_given_away_waits_for_no_bill(self, school, theo, kind: Callable[..., Agreement]) -> None:
        """A package or month that comes to 0 is never billed; Theo's 30 a lesson are earned all the same."""
        rate(theo, "earnings.lesson_pay", "30")
        given = kind(customer(school))
        given.installments.update(state="cancelled")
        installment(given, "0.00", due_on=date(2026, 3, 2))
        tell(lesson(theo, given)[0], "attended")
        accrue(school)
        assert amounts(theo) == ["30.00"]
        assert_books_whole()

    def test_a_fixed_price_pays_the_lessons_of_its_period(self, school: Organization, theo: Provider) -> None:
        """4 lessons a month for 160: one is 40, and 40 × 50 % = 20. The lesson is on 10 March."""
        family = customer(school)
        agreed = period(family)
        tell(lesson(theo, agreed)[0], "attended")
        for first, last, amount in (
            (date(2026, 2, 1), date(2026, 3, 9), "90.00"), (date(2026, 3, 10), date(2026, 4, 9), "80.00"),
        ):  # fmt: skip
            made = invoice(family, amount, agreement_id=agreed.pk, period_start=first, period_end=last)
            pay(family, amount, by_hand=[(made, amount)])
            accrue(school)
            assert amounts(theo) == ([] if amount == "90.00" else ["20.00"])
