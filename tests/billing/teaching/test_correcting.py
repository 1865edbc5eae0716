"""Corrections price anew and set right what was billed, by a new row and never by editing (R85)."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from billing.ledger.models import Role
from billing.models import (
    Attendance,
    Charge,
    CreditItem,
    CreditMemo,
    Invoice,
    LessonCredit,
    LessonCreditUse,
    PackageUse,
)
from billing.rules.explaining import sentences
from billing.services.allocating import allocate_credit
from billing.services.teaching.expiring import expire_credits
from billing.services.teaching.recording import record_attendance
from billing.services.teaching.reports import AlreadyTold, CreditUsed
from tests.agreements import lessons
from tests.assertions import assert_books_whole, balance, reread
from tests.billing.teaching.desk import LATER, bill, correct, package, period, report, seat, tell
from tests.builders import NOW, customer, invoice, organization, policy
from tests.conftest import RunInThreads
from tests.taxes import rate, tax_code

pytestmark = pytest.mark.django_db
D = Decimal


def charges() -> list[tuple[str, str, Decimal]]:
    rows = Charge.objects.order_by("id").values_list("kind", "state", "net_amount")
    return [(kind, state, net) for kind, state, net in rows]


def test_R85_before_the_bill_the_charge_is_replaced() -> None:
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    place = seat(lessons(customer(org)))
    first = tell(place, "attended")
    second = correct(place, "no_show")
    assert (second.replaces_id, second.ordinal, second.amount) == (first.pk, 2, D("20.00"))
    assert charges() == [("lesson", "cancelled", D("40.00")), ("lesson", "unbilled", D("20.00"))]
    reread(first)
    assert (first.status, first.amount) == ("attended", D("40.00"))
    assert_books_whole()


def test_R85_after_the_bill_the_difference_is_given_back() -> None:
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    of = lessons(customer(org))
    place = seat(of)
    tell(place, "attended")
    (invoice,) = bill(of)
    told = correct(place, "no_show")
    assert charges()[1] == ("adjustment", "unbilled", D("-20.00"))  # 40.00 × 0.5 − 40.00
    assert told.charge is not None
    assert sentences(told.charge.line["steps"], "USD")[-1] == "Corrected: US$40.00 was billed, US$20.00 is right."
    assert told.charge.bill_on == date(2026, 4, 2)
    assert bill(of) == []
    assert CreditMemo.objects.get().net_amount == D("20.00")
    assert Invoice.objects.get() == invoice
    assert_books_whole()


def test_R85_after_the_bill_the_difference_is_charged() -> None:
    of = lessons(customer(organization()))
    place = seat(of)
    tell(place, "teacher_cancelled")
    correct(place, "attended")
    assert charges() == [("lesson", "unbilled", D("40.00"))]
    bill(of)
    correct(place, "teacher_cancelled")
    bill(of)
    correct(place, "attended")
    assert [net for _kind, _state, net in charges()] == [D("40.00"), D("-40.00"), D("40.00")]
    assert_books_whole()


def test_R85_an_adjustment_not_billed_yet_is_replaced_by_the_next() -> None:
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    of = lessons(customer(org))
    place = seat(of)
    tell(place, "attended")
    bill(of)
    correct(place, "no_show")
    correct(place, "student_cancelled", "24")
    assert charges() == [
        ("lesson", "billed", D("40.00")), ("adjustment", "cancelled", D("-20.00")),
        ("adjustment", "unbilled", D("-40.00")),
    ]  # fmt: skip
    correct(place, "attended")
    assert charges()[-1] == ("adjustment", "cancelled", D("-40.00"))  # right as it was billed: nothing to add
    assert Attendance.objects.count() == 4
    assert_books_whole()


def test_R85_the_tax_is_set_right_too() -> None:
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    of = lessons(customer(org))
    of.plan.tax_code = rate(tax_code(org), "0.05").tax_code
    of.plan.save(update_fields=["tax_code"])
    place = seat(of)
    tell(place, "attended")
    bill(of)
    told = correct(place, "no_show")
    assert told.charge is not None
    assert (told.charge.net_amount, told.charge.tax_amount) == (D("-20.00"), D("-1.00"))  # 21.00 − 42.00
    bill(of)
    assert CreditMemo.objects.get().tax_amount == D("1.00")
    assert_books_whole()


def test_R83_a_lesson_goes_back_into_the_package() -> None:
    of = package(customer(organization()))
    place = seat(of)
    tell(place, "attended")
    correct(place, "teacher_cancelled")
    reread(of)
    assert (of.package_used, list(PackageUse.objects.values_list("lessons", flat=True))) == (0, [1, -1])
    correct(place, "no_show")
    reread(of)
    assert of.package_used == 1
    correct(place, "attended")  # still one lesson of the package
    assert PackageUse.objects.count() == 3
    assert_books_whole()


def test_R83_the_last_lesson_corrected_stays_in_the_package() -> None:
    of = package(customer(organization()), "35.00", 1)
    place = seat(of)
    tell(place, "no_show")
    assert correct(place, "attended").paid_by == "package"
    assert Charge.objects.count() == 0


def test_make_up_credit_goes_back_and_is_free_for_another_lesson() -> None:
    org = organization()
    policy(org, "lessons.credit_kind", "make_up")
    of = period(customer(org))
    singly = lessons(of.customer, student=of.student)
    tell(seat(of), "teacher_cancelled")
    place = seat(singly)
    tell(place, "attended")
    correct(place, "student_cancelled", "24")
    credit = LessonCredit.objects.get()
    assert (credit.used, list(LessonCreditUse.objects.values_list("quantity", flat=True))) == (D(0), [D(1), D(-1)])
    assert tell(seat(singly), "attended").paid_by == "credit"
    assert_books_whole()


def test_credit_given_by_mistake_is_withdrawn_unless_it_was_used() -> None:
    org = organization()
    policy(org, "lessons.credit_kind", "make_up")
    of = period(customer(org))
    singly = lessons(of.customer, student=of.student)
    place, used_for = seat(of), seat(singly)
    tell(place, "teacher_cancelled")
    tell(used_for, "attended")
    with pytest.raises(CreditUsed):
        correct(place, "attended")
    correct(used_for, "student_cancelled", "24")
    correct(place, "attended")
    assert LessonCredit.objects.get().withdrawn_on == date(2026, 4, 2)
    assert tell(seat(singly), "attended").paid_by == "charge"
    assert_books_whole()


def test_money_given_back_by_mistake_is_charged_again() -> None:
    """The family may have spent it: it keeps the credit and is billed as much."""
    of = period(customer(organization()))
    place = seat(of)
    tell(place, "teacher_cancelled")
    told = correct(place, "attended")
    assert LessonCredit.objects.get().withdrawn_on == date(2026, 4, 2)
    assert charges() == [("adjustment", "unbilled", D("40.00"))]  # 160.00 / 4
    assert told.charge is not None
    words = sentences(told.charge.line["steps"], "USD")
    assert words[-1] == "The credit of US$40.00 given for it is taken back."
    bill(of)
    again = correct(place, "teacher_cancelled")
    assert (again.charge, LessonCredit.objects.filter(withdrawn_on__isnull=True).count()) == (None, 1)
    assert sum(CreditItem.objects.values_list("amount", flat=True)) == D("80.00")
    assert_books_whole()


def test_money_that_lapsed_before_it_was_taken_back_is_not_paid_twice() -> None:
    """40.00 given back, 15.00 of it spent, 25.00 lapsed. It was attended after all: 40.00 charged, 25.00 back."""
    org = organization()
    policy(org, "lessons.money_credit_days", 10)
    of = period(customer(org))
    place = seat(of)
    tell(place, "teacher_cancelled")
    item = CreditItem.objects.get()
    spent_on = invoice(of.customer, "15.00")
    with transaction.atomic():
        allocate_credit(credit_item=item, strategy="manual", by_hand=[(spent_on.pk, D("15.00"))], now=NOW, by=None)
        expire_credits(organization=org, customer_ids=[of.customer_id], now=LATER, by=None)
    reread(item)
    assert item.unapplied_amount == 0
    correct(place, "attended")
    reread(item)
    lapsed = Invoice.objects.get(kind="expired")
    assert (item.unapplied_amount, lapsed.voided_on) == (D("25.00"), date(2026, 4, 2))
    assert charges() == [("adjustment", "unbilled", D("40.00"))]
    assert balance(org, Role.EXPIRED_CREDITS) == 0
    assert_books_whole()


def test_a_lesson_made_up_stays_made_up_though_its_credit_lapsed_since() -> None:
    """Used in time, corrected after the last day: a missed lesson takes the same credit, another finds none."""
    org = organization()
    policy(org, "lessons.credit_kind", "make_up")
    policy(org, "lessons.credit_days", 10)
    of = period(customer(org))
    singly = lessons(of.customer, student=of.student)
    places = [seat(singly), seat(singly)]
    tell(seat(of), "teacher_cancelled")
    assert tell(places[0], "attended").paid_by == "credit"
    with transaction.atomic():
        expire_credits(organization=org, customer_ids=[of.customer_id], now=LATER, by=None)
    assert correct(places[0], "no_show").paid_by == "credit"
    assert correct(places[0], "teacher_cancelled").paid_by == "none"
    assert tell(places[1], "attended", now=LATER).paid_by == "charge"
    assert LessonCredit.objects.get().used == 0
    assert_books_whole()


def test_R85_two_at_once_on_one_seat(run_in_threads: RunInThreads) -> None:
    """One wins, the other is told; neither charges twice."""
    of = lessons(customer(organization()))
    place = seat(of)
    words = ("attended", "no_show")
    outcomes = run_in_threads(lambda index: tell(place, words[index], seen=0), 2)
    assert (len(outcomes.results), len(outcomes.errors)) == (1, 1)
    assert outcomes.errors[0].code == "told_meanwhile"  # type: ignore[attr-defined]
    assert (Attendance.objects.count(), Charge.objects.count()) == (1, 1)
    assert_books_whole()


def test_R85_two_files_at_once_tell_the_same_once(run_in_threads: RunInThreads) -> None:
    of = lessons(customer(organization()))
    places = [seat(of) for _ in range(3)]

    def load(index: int) -> int:
        ordered = places if index else places[::-1]
        with transaction.atomic():
            reports = [report(place, "attended", request_key=f"row-{place.pk}") for place in ordered]
            return len(record_attendance(organization=of.organization, reports=reports, now=NOW, by=None))

    outcomes = run_in_threads(load, 2)
    assert (outcomes.results, outcomes.errors) == ([3, 3], [])
    assert (Attendance.objects.count(), Charge.objects.count()) == (3, 3)
    assert_books_whole()


def test_R83_two_at_once_do_not_share_the_last_lesson(run_in_threads: RunInThreads) -> None:
    of = package(customer(organization()), "35.00", 1)
    places = [seat(of), seat(of)]
    outcomes = run_in_threads(lambda index: tell(places[index], "attended").paid_by, 2)
    assert sorted(outcomes.results) == ["charge", "package"]
    reread(of)
    assert of.package_used == 1
    assert_books_whole()


def test_R85_a_correction_without_a_reason_is_refused() -> None:
    place = seat(lessons(customer(organization())))
    tell(place, "attended")
    with pytest.raises(AlreadyTold):
        tell(place, "no_show", reason="  ")
