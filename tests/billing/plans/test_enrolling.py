"""Enrolling: looked at before it is made, made once (R54, R56, R59; requirements §4 rows 21, 22)."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import DomainError, KeyReused
from billing.models import Agreement, AgreementChange, Charge, Installment, Student
from billing.rules.explaining import sentences
from billing.selectors.schedules import schedule_of
from billing.services.plans.ending import end_agreement
from billing.services.plans.enrolling import NewStudent, enrol, preview_enrolment
from tests.agreements import plan, provider
from tests.assertions import assert_books_whole
from tests.billing.plans.desk import amounts, discount, done, enrolled, order, rows
from tests.builders import NOW, TODAY, customer, organization, policy
from tests.conftest import RunInThreads

pytestmark = pytest.mark.django_db


def refused(payer, of, **details) -> str:
    with pytest.raises(DomainError) as refusal:
        enrolled(payer, of, **details)
    return refusal.value.code


def test_R54_a_plan_of_ten_months_ends_by_itself(ada, anna, org) -> None:
    one = enrolled(ada, plan(org, duration_months=10), anna, starts_on=date(2026, 9, 1))
    assert (one.ends_on, len(rows(one)), one.number) == (date(2027, 6, 30), 10, "AGR-2026-00000001")
    assert schedule_of(one, TODAY).next_due_on == date(2026, 9, 1)
    assert_books_whole()


def test_R54_a_package_has_one_period_and_no_end(ada, anna, org) -> None:
    one = enrolled(ada, plan(org, "400.00", kind="package", package_size=10, validity_days=90), anna,
                   frequency="package")  # fmt: skip
    assert (one.ends_on, one.expires_on, one.package_size) == (None, date(2026, 6, 30), 10)
    assert rows(one) == ["1 2026-04-01..2026-04-01 due 2026-04-01 400.00 planned"]


def test_R53_a_weekly_start_in_the_middle_of_a_week(ada, org) -> None:
    """From Wednesday 8 to Saturday 11 April: 35.00 × 4 / 7 = 20.00."""
    one = enrolled(ada, plan(org, "35.00", frequency="weekly"), frequency="weekly", starts_on=date(2026, 4, 8),
                   ends_on=date(2026, 4, 20))  # fmt: skip
    # 12 April is a Sunday: due on the Monday after. The last two days: 35.00 × 2 / 7 = 10.00.
    assert rows(one) == [
        "1 2026-04-08..2026-04-11 due 2026-04-08 20.00 planned",
        "2 2026-04-12..2026-04-18 due 2026-04-13 35.00 planned",
        "3 2026-04-19..2026-04-20 due 2026-04-20 10.00 planned",
    ]


def test_once_items_come_once_and_prorated_ones_by_the_day(ada, org) -> None:
    of = plan(org, "90.00", items=(("Registration", "25.00"), ("Piano hire", "30.00"), ("Sheets", "5.00")))
    of.items.filter(line_text="Registration").update(is_once=True)
    of.items.filter(line_text="Piano hire").update(is_prorated=True)
    one = enrolled(ada, of, starts_on=date(2026, 4, 16), anchor_on=date(2026, 4, 1), ends_on=date(2026, 5, 31))
    # 90 × 15/30 + 30 × 15/30 + 5 + 25 = 90; then 90 + 30 + 5
    assert amounts(one) == ["90.00", "125.00"]
    texts = [[line["text"] for line in i.lines] for i in one.installments.order_by("ordinal")]
    assert texts == [["Tuition", "Piano hire", "Sheets", "Registration"], ["Tuition", "Piano hire", "Sheets"]]


def test_the_first_three_invoices_are_shown_for_each_payer_with_every_line_explained(ada, anna, org, piano) -> None:
    ben = customer(org, "Ben")
    discount(org, "10", "staff")
    Student.objects.filter(pk=anna.pk).update(is_staff_child=True)
    asked = order(
        ada, piano, anna, starts_on=date(2026, 4, 16), anchor_on=date(2026, 4, 1),
        payers=[(ada.pk, Decimal(60)), (ben.pk, Decimal(40))],
    )  # fmt: skip
    with transaction.atomic():
        shown = preview_enrolment(asked, now=NOW)
    # 90 × 15 / 30 = 45, less 10 % = 40.50, of which 60 % = 24.30
    assert [(bill.customer.name, f"{bill.total}") for bill in shown.bills] == [
        ("Ada", "24.30"), ("Ben", "16.20"), ("Ada", "48.60"), ("Ben", "32.40"), ("Ada", "48.60"), ("Ben", "32.40"),
    ]  # fmt: skip
    assert sentences(shown.bills[0].lines[0].steps, "USD") == [
        "A month costs US$90.00.",
        "From 16 Apr 2026 to 30 Apr 2026 it is 15 of 30 days, and only these are charged.",
        "staff discount: 10 percent off, US$4.50 less.",
        "Your share of it is 60 %.",
    ]
    assert (Agreement.objects.count(), Installment.objects.count(), AgreementChange.objects.count()) == (0, 0, 0)
    one = done(enrol, order=asked)
    assert amounts(one)[:3] == ["40.50", "81.00", "81.00"]


def test_a_second_child_gets_the_sibling_discount_and_a_dearer_one_moves_it(ada, anna, bert, org, piano) -> None:
    discount(org, "20", "sibling")
    first = enrolled(ada, piano, anna)
    second = enrolled(ada, piano, bert)  # as dear, but later: the second child
    assert (amounts(first)[0], amounts(second)[0]) == ("90.00", "72.00")
    cleo = Student.objects.create(organization=org, customer=ada, code="S9", name="Cleo")
    dear = order(ada, plan(org, "120.00"), cleo, starts_on=date(2026, 6, 1))
    with transaction.atomic():
        shown = preview_enrolment(dear, now=NOW)
    assert [(c.agreement_id, c.difference[0]["is"], len(c.difference)) for c in shown.others] == [
        (first.pk, "72.00", 11)
    ]
    done(enrol, order=dear)
    assert amounts(first)[:3] == ["90.00", "90.00", "72.00"]
    assert_books_whole()


def test_an_agreement_cancelled_before_it_began_makes_nobody_a_second_child(ada, anna, bert, org, piano) -> None:
    discount(org, "20", "sibling")
    dear, other = enrolled(ada, plan(org, "120.00"), anna), enrolled(ada, piano, bert)
    assert amounts(other)[:2] == ["72.00", "72.00"]
    done(end_agreement, agreement=dear, last_on=date(2026, 3, 31), reason="changed their mind")
    assert amounts(other)[:2] == ["90.00", "90.00"]


def test_agreements_of_the_family_are_left_alone_where_no_discount_asks_for_their_order(
    ada, anna, bert, piano, org
) -> None:
    first = enrolled(ada, piano, anna)
    policy(org, "agreements.due_days", 5)
    enrolled(ada, piano, bert)
    assert first.changes.count() == 1
    discount(org, "20", "sibling")
    enrolled(ada, piano, bert, starts_on=date(2026, 5, 1))
    assert [change.kind for change in first.changes.all()] == ["regenerated", "started"]


def test_a_new_student_is_made_with_the_agreement(ada, org, piano) -> None:
    one = enrolled(ada, piano, new_student=NewStudent("Dora", is_staff_child=True))
    assert (one.student.name, one.student.customer, one.student.code) == ("Dora", ada, "S00001")


def test_the_same_key_gives_the_same_agreement_and_another_wish_is_refused(ada, anna, piano) -> None:
    asked = order(ada, piano, anna, request_key="once")
    assert done(enrol, order=asked) == done(enrol, order=asked)
    assert (Agreement.objects.count(), AgreementChange.objects.count()) == (1, 1)
    with pytest.raises(KeyReused):
        enrolled(ada, piano, anna, request_key="once", starts_on=date(2026, 5, 1))


def test_what_is_not_offered_is_refused(ada, anna, org, piano) -> None:
    other = organization()
    policy(org, "agreements.frequencies", ["monthly", "annual"])
    assert refused(ada, piano, frequency="weekly") == "frequency_not_allowed"
    assert refused(ada, piano, frequency="annual") == "plan_not_offered"
    assert refused(ada, piano, starts_on=date(2019, 12, 31)) == "plan_not_offered"
    assert refused(ada, plan(org, state="draft")) == "plan_not_offered"
    assert refused(ada, plan(other)) == "not_found"
    assert refused(ada, piano, provider_id=provider(other).pk) == "not_found"
    assert refused(customer(other), piano) == "not_found"
    assert refused(ada, plan(org, kind="lessons")) == "required"
    assert refused(ada, piano, anchor_on=date(2026, 4, 2)) == "anchor_after_start"
    assert refused(ada, piano, payers=[(ada.pk, Decimal(0))]) == "bad_share"
    assert refused(ada, piano, payers=[(ada.pk, Decimal(1)), (ada.pk, Decimal(1))]) == "payer_twice"
    granted = discount(org, "5", "granted")
    assert refused(ada, piano, discounts=[granted.pk]) == "reason_required"
    assert not Agreement.objects.exists()


def test_lessons_by_attendance_are_planned_as_an_estimate(ada, anna, org) -> None:
    of = plan(org, "40.00", kind="lessons", basis="attendance", lessons_per_period=4)
    one = enrolled(ada, of, anna, ends_on=date(2026, 5, 31))
    first = one.installments.earliest("period_start")
    assert (first.amount, first.is_estimate, first.lines[0]["quantity"]) == (Decimal("160.00"), True, "4")
    # April is over before it is billed.
    assert (first.bill_on, first.due_on) == (date(2026, 5, 1), date(2026, 5, 1))
    assert not Charge.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_enrolment_sent_twice_at_once_is_made_once(ada, anna, piano, run_in_threads: RunInThreads) -> None:
    asked = order(ada, piano, anna, request_key="at once")
    found = run_in_threads(lambda _n: done(enrol, order=asked).pk, 4)
    assert (found.errors, len(set(found.results)), Agreement.objects.count()) == ([], 1, 1)
    assert_books_whole()
