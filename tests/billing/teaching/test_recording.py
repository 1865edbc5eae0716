"""Recording attendance: what is written for each way a lesson is settled, and that it is written once (R78-R85)."""

import threading
import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, KeyReused, NotFound
from billing.models import Attendance, Charge, CreditMemo, LessonCredit, LessonCreditUse, PackageUse
from billing.services.teaching.recording import record_attendance, record_reports
from billing.services.teaching.reports import AlreadyTold, NotBegun, NotRunning, ToldMeanwhile
from billing.services.teaching.timetable import SeatOrder, put_seats
from tests.agreements import lessons
from tests.assertions import assert_books_whole, reread
from tests.billing.teaching.desk import YESTERDAY, at, bill, package, period, report, seat, tell
from tests.builders import NOW, customer, organization, policy
from tests.conftest import RunInThreads
from tests.taxes import rate, tax_code

pytestmark = pytest.mark.django_db
D = Decimal


def test_R79_an_attended_lesson_is_charged_and_waits_for_the_bill() -> None:
    org = organization()
    policy(org, "lessons.processing_fee", "1.50")
    of = lessons(customer(org))
    told = tell(seat(of), "attended")
    charge = Charge.objects.get()
    assert (told.paid_by, told.amount, told.charge_id) == ("charge", D("41.50"), charge.pk)  # 40.00 × 1 + 1.50
    assert (charge.source, charge.net_amount, charge.kind) == (f"attendance:{told.pk}", D("41.50"), "lesson")
    assert (charge.occurred_on, charge.bill_on, charge.state) == (date(2026, 3, 11), date(2026, 3, 11), "unbilled")
    assert charge.line["steps"] == told.price
    assert "11" in charge.description
    (invoice,) = bill(of)
    assert invoice.invoiced_amount == D("41.50")
    assert "It was attended" in invoice.lines.get().explanation
    assert_books_whole()


def test_R80_to_R82_by_the_settings_that_hold_for_the_customer() -> None:
    org = organization()
    payer = customer(org)
    policy(org, "lessons.no_show_percent", "50")
    policy(org, "lessons.late_cancel_percent", "75", scope="customer", scope_key=payer.pk)
    of = lessons(payer)
    missed, late, in_time = (tell(seat(of), *what) for what in (
        ("no_show",), ("student_cancelled", "23.99"), ("student_cancelled", "24"),
    ))  # fmt: skip
    assert [one.amount for one in (missed, late, in_time)] == [D("20.00"), D("30.00"), D("0.00")]
    assert (in_time.paid_by, in_time.charge, LessonCredit.objects.count()) == ("none", None, 0)
    assert_books_whole()


def test_R83_a_package_is_used_up_and_the_next_lesson_is_charged_by_itself() -> None:
    of = package(customer(organization()), "70.00", 2, expires_on=date(2026, 6, 30))
    first, kept, second, one_more = (seat(of, YESTERDAY - timedelta(days=5 - n)) for n in range(4))
    assert tell(first, "attended").paid_by == "package"
    assert tell(kept, "teacher_cancelled").paid_by == "none"
    assert tell(second, "student_cancelled", "2").paid_by == "package"
    told = tell(one_more, "attended")
    assert (told.paid_by, told.amount) == ("charge", D("35.00"))  # 70.00 / 2
    reread(of)
    assert (of.package_used, of.lessons_left) == (2, 0)
    assert list(PackageUse.objects.values_list("lessons", flat=True)) == [1, 1]
    assert_books_whole()


def test_R83_the_last_day_of_a_package_is_in_and_the_next_is_out() -> None:
    of = package(customer(organization()), expires_on=date(2026, 3, 10))
    assert tell(seat(of, YESTERDAY - timedelta(days=1)), "attended").paid_by == "package"
    assert tell(seat(of, YESTERDAY), "attended").paid_by == "charge"
    assert_books_whole()


def test_R83_lessons_told_together_use_the_package_in_the_order_of_their_days() -> None:
    of = package(customer(organization()), "35.00", 1)
    later, earlier = seat(of, YESTERDAY), seat(of, YESTERDAY - timedelta(days=7))
    reports = [report(later, "attended"), report(earlier, "attended")]
    done = record_reports(organization=of.organization, reports=reports, now=NOW, by=None)
    assert [one.attendance.paid_by for one in done if one.attendance] == ["charge", "package"]
    assert_books_whole()


def test_R81_money_comes_back_for_a_lesson_paid_with_the_period() -> None:
    org = organization()
    policy(org, "lessons.money_credit_days", 30)
    policy(org, "lessons.cancel_credit_percent", "80")
    of = period(customer(org))
    told = tell(seat(of), "student_cancelled", "30")
    credit = LessonCredit.objects.get()
    assert (told.paid_by, told.amount, told.charge) == ("schedule", D("0.00"), None)
    assert (credit.kind, credit.granted, credit.expires_on) == ("money", D("32.00"), date(2026, 4, 11))
    assert credit.credit_memo is not None
    assert credit.credit_memo.credit_item.unapplied_amount == D("32.00")  # 160.00 / 4 × 0.8
    assert_books_whole()


def test_row_28_nothing_comes_back_where_the_period_is_not_billed() -> None:
    of = period(customer(organization()))
    of.installments.update(state="skipped", skipped_because="vacation")
    told = tell(seat(of), "teacher_cancelled")
    assert (told.paid_by, LessonCredit.objects.count()) == ("schedule", 0)
    assert told.price[-1]["code"] == "lesson_period_not_billed"
    assert_books_whole()


def test_R81_money_goes_back_to_whoever_paid() -> None:
    org = organization()
    ada, ben = customer(org, "Ada"), customer(org, "Ben")
    of = period(ada, "100.00", 3)
    for payer, share in ((ada, "60"), (ben, "40")):
        of.payers.create(organization=org, customer=payer, share=D(share), from_on=of.starts_on)
    tell(seat(of), "teacher_cancelled")
    back = dict(CreditMemo.objects.values_list("credit_item__customer__name", "net_amount"))
    assert back == {"Ada": D("20.00"), "Ben": D("13.33")}  # 100.00 / 3 = 33.33 shared 60 : 40
    assert LessonCredit.objects.count() == 2
    assert_books_whole()


def test_a_make_up_lesson_is_given_and_pays_for_the_next_lesson() -> None:
    org = organization()
    policy(org, "lessons.credit_kind", "make_up")
    payer = customer(org)
    of = period(payer)
    singly = lessons(payer, student=of.student)
    tell(seat(of), "teacher_cancelled")
    credit = LessonCredit.objects.get()
    assert (credit.kind, credit.granted, credit.expires_on) == ("make_up", D(1), date(2026, 3, 12) + timedelta(180))
    assert tell(seat(singly), "attended").paid_by == "credit"
    assert tell(seat(singly), "attended").paid_by == "charge"
    reread(credit)
    assert (credit.used, credit.left) == (D(1), D(0))
    assert_books_whole()


def test_make_up_minutes_pay_for_part_of_a_lesson_and_the_rest_is_charged_by_the_minute() -> None:
    org = organization()
    policy(org, "lessons.credit_kind", "timed")
    policy(org, "lessons.cancel_credit_percent", "80")
    of = period(customer(org))
    singly = lessons(of.customer, student=of.student)
    tell(seat(of), "student_cancelled", "24")
    told = tell(seat(singly), "attended")
    assert (told.paid_by, told.amount) == ("charge", D("8.00"))  # 40.00 − 40.00 × 24 / 30
    assert list(LessonCreditUse.objects.values_list("quantity", flat=True)) == [D(24)]
    assert_books_whole()


def test_a_credit_is_nobody_elses() -> None:
    org = organization()
    policy(org, "lessons.credit_kind", "make_up")
    of = period(customer(org))
    tell(seat(of), "teacher_cancelled")
    assert tell(seat(lessons(of.customer)), "attended").paid_by == "charge"  # a brother's
    assert tell(seat(lessons(customer(org))), "attended").paid_by == "charge"
    assert_books_whole()


def test_R85_the_same_told_again_changes_nothing() -> None:
    of = lessons(customer(organization()))
    place = seat(of)
    first = tell(place, "attended", request_key="a1")
    assert tell(place, "attended", request_key="a1").pk == first.pk
    assert tell(place, "attended", request_key="a2").pk == first.pk
    assert tell(place, "attended", reason="once more").pk == first.pk
    assert (Attendance.objects.count(), Charge.objects.count()) == (1, 1)
    with pytest.raises(KeyReused):
        tell(place, "no_show", request_key="a1")


def test_R85_something_else_needs_a_reason_and_eyes_on_what_stands() -> None:
    place = seat(lessons(customer(organization())))
    first = tell(place, "attended", seen=0)
    with pytest.raises(AlreadyTold):
        tell(place, "no_show")
    with pytest.raises(ToldMeanwhile):
        tell(place, "no_show", reason="a mistake", seen=0)
    assert tell(place, "no_show", reason="a mistake", seen=first.pk).ordinal == 2


def test_R85_one_bad_report_keeps_no_other_from_being_taken() -> None:
    of = lessons(customer(organization()))
    good, bad, again = seat(of), seat(of), seat(of)
    reports = [report(bad, "present"), report(good, "attended"), report(again, "attended"), report(again, "no_show")]
    done = record_reports(organization=of.organization, reports=reports, now=NOW, by=None)
    assert [one.refusal.code if one.refusal else "" for one in done] == ["unknown_status", "", "", "seat_twice"]
    assert Charge.objects.count() == 2


def test_it_refuses_what_cannot_be() -> None:
    org, other = organization(), organization()
    of = lessons(customer(org), starts_on=date(2026, 3, 11), ends_on=date(2026, 3, 11))
    assert tell(seat(of), "attended").amount == D("40.00")
    for moment in (YESTERDAY - timedelta(days=1), YESTERDAY + timedelta(days=1)):
        with pytest.raises(NotRunning):
            tell(seat(of, moment), "teacher_cancelled")
    tomorrow = seat(lessons(customer(org)), NOW + timedelta(days=1))
    for status in ("attended", "no_show"):
        with pytest.raises(NotBegun):
            tell(tomorrow, status)
    assert tell(tomorrow, "student_cancelled", "24").paid_by == "none"
    with pytest.raises(BadInput):
        tell(seat(lessons(customer(org))), "attended", "3")
    with pytest.raises(BadInput):
        tell(seat(lessons(customer(org))), "student_cancelled", "3.001")
    foreign = seat(lessons(customer(other)))
    with pytest.raises(NotFound):
        record_attendance(organization=org, reports=[report(foreign, "attended")], now=NOW, by=None)


@pytest.mark.parametrize(
    ("zone", "currency", "local", "day"),
    [
        ("America/New_York", "USD", "2026-02-28T23:30", date(2026, 2, 28)),
        ("America/New_York", "USD", "2026-03-01T00:15", date(2026, 3, 1)),
        ("America/New_York", "USD", "2026-03-08T03:30", date(2026, 3, 8)),
        ("America/New_York", "USD", "2025-11-02T01:30", date(2025, 11, 2)),
        ("Asia/Taipei", "TWD", "2026-02-28T23:59", date(2026, 2, 28)),
        ("Asia/Taipei", "TWD", "2026-03-01T00:00", date(2026, 3, 1)),
        ("Asia/Kolkata", "INR", "2026-02-28T23:59", date(2026, 2, 28)),
        ("Asia/Kolkata", "INR", "2026-03-01T05:29", date(2026, 3, 1)),
    ],
)
def test_R78_a_lesson_belongs_to_the_day_of_its_place(zone: str, currency: str, local: str, day: date) -> None:
    """Month ends and the nights when clocks change: the day decides price, package and bill."""
    org = organization(currency=currency, zone=zone)
    of = lessons(customer(org), "40", starts_on=date(2025, 9, 1))
    tell(seat(of, at(org, local)), "attended")
    assert Charge.objects.get().occurred_on == day
    assert_books_whole()


def test_R58_a_discount_rule_takes_its_part_of_each_lesson() -> None:
    org = organization()
    payer = customer(org)
    org.discount_rules.create(
        code="loyal", name="Loyal families", cause="loyalty", percent=D(10), after_months=2, starts_on=date(2025, 1, 1)
    )
    policy(org, "lessons.no_show_percent", "50")
    policy(org, "lessons.processing_fee", "1.50")
    policy(org, "lessons.seasons", "2026-03-11..2026-03-11=90")
    told = tell(seat(lessons(payer)), "no_show")
    assert told.amount == D("17.70")  # 40.00 × 0.5 × 0.9 × 0.9 + 1.50
    fresh = tell(seat(lessons(payer, starts_on=date(2026, 3, 1))), "no_show")
    assert fresh.amount == D("19.50")  # 40.00 × 0.5 × 0.9 + 1.50
    assert_books_whole()


def test_R86_lessons_are_taxed_by_their_plan() -> None:
    org = organization()
    of = lessons(customer(org))
    of.plan.tax_code = rate(tax_code(org), "0.0825").tax_code
    of.plan.save(update_fields=["tax_code"])
    tell(seat(of), "attended")
    charge = Charge.objects.get()
    assert (charge.net_amount, charge.tax_amount) == (D("40.00"), D("3.30"))  # 40.00 × 0.0825
    assert_books_whole()


def test_R85_a_lesson_is_not_moved_to_another_day_while_it_is_told(run_in_threads: RunInThreads) -> None:
    """Moved from 11 to 10 March by a file that is not done; who tells meanwhile waits and charges for the 10th."""
    of = lessons(customer(organization()))
    place, moved = seat(of), threading.Event()
    order = SeatOrder(place.lesson.reference, YESTERDAY - timedelta(days=1), 30, "", of.number, place.student.code)

    def work(index: int) -> None:
        if index:
            assert moved.wait(30)
            tell(place, "attended")
            return
        with transaction.atomic():
            put_seats(organization=of.organization, orders=[order], now=NOW, by=None)
            moved.set()
            time.sleep(0.5)

    assert run_in_threads(work, 2).errors == []
    reread(place.lesson)
    assert (place.lesson.starts_at, Charge.objects.get().occurred_on) == (order.starts_at, date(2026, 3, 10))
    assert_books_whole()


def test_reading_and_writing_many_takes_no_query_more_for_each(django_assert_max_num_queries) -> None:
    org = organization()
    places = [seat(lessons(customer(org))) for _ in range(12)]
    reports = [report(place, "attended") for place in places]
    with django_assert_max_num_queries(70):
        record_reports(organization=org, reports=reports, now=NOW, by=None)
    assert Charge.objects.count() == 12
