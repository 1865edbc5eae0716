"""Credit for lessons lapses after its last day, in the zone of the organization (requirements §4 row 12)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from billing.models import CreditItem, Invoice, LessonCredit
from billing.office.models import Organization
from billing.services.teaching.expiring import expire_credits
from billing.tasks import expire_lesson_credits
from tests.agreements import lessons
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.billing.teaching.desk import correct, period, seat, tell
from tests.builders import NOW, customer, invoice, organization, pay, policy
from tests.conftest import RunInThreads

pytestmark = pytest.mark.django_db
D = Decimal
# Money granted on 12 March 2026 for 30 days is good until 11 April.
LAST = datetime(2026, 4, 12, 3, 20, tzinfo=UTC)  # 11 April, 23:20 in New York
NEXT = datetime(2026, 4, 12, 4, 20, tzinfo=UTC)  # 12 April, 00:20


def given_back(**details: object) -> LessonCredit:
    org = organization(**details)  # type: ignore[arg-type]
    policy(org, "lessons.money_credit_days", 30)
    tell(seat(period(customer(org))), "teacher_cancelled")
    return LessonCredit.objects.get(organization=org)


def test_money_lapses_the_day_after_its_last_and_is_earned() -> None:
    credit = given_back()
    assert expire_lesson_credits(LAST) == 0
    assert expire_lesson_credits(NEXT) == 1
    assert expire_lesson_credits(NEXT) == 0
    reread(credit)
    assert credit.expired_on == date(2026, 4, 12)
    lapsed = Invoice.objects.get()
    assert (lapsed.kind, lapsed.invoiced_amount, lapsed.open_amount) == ("expired", D("40.00"), D("0.00"))
    assert CreditItem.objects.get().unapplied_amount == 0
    assert_posts(
        credit.organization,
        """
        2026-03-12  sales_returns Dr 40.00        customer_credits Cr 40.00
        2026-04-12  accounts_receivable Dr 40.00  expired_credits Cr 40.00
        2026-04-12  customer_credits Dr 40.00     accounts_receivable Cr 40.00""",
    )
    assert_books_whole()


def test_only_what_is_left_lapses_and_no_other_money_is_touched() -> None:
    credit = given_back()
    payer = credit.customer
    policy(credit.organization, "allocation.auto_apply_credit", True)
    invoice(payer, "15.00")
    pay(payer, "70.00")
    assert expire_lesson_credits(NEXT) == 1
    free = dict(CreditItem.objects.values_list("kind", "unapplied_amount"))
    lapsed = Invoice.objects.get(kind="expired")
    assert free["credit_memo"] == 0
    assert (lapsed.invoiced_amount + D("15.00") - lapsed.open_amount, free["payment"]) in (
        (D("40.00"), D("70.00")), (D("55.00"), D("55.00")),
    )  # fmt: skip
    assert_books_whole()


def test_make_up_lessons_lapse_and_are_used_no_more() -> None:
    org = organization()
    policy(org, "lessons.credit_kind", "make_up")
    policy(org, "lessons.credit_days", 10)
    of = period(customer(org))
    tell(seat(of), "teacher_cancelled")
    credit = LessonCredit.objects.get()
    assert credit.expires_on == date(2026, 3, 22)
    assert expire_lesson_credits(datetime(2026, 3, 23, 12, 20, tzinfo=UTC)) == 1
    reread(credit)
    assert (credit.expired_on, credit.used) == (date(2026, 3, 23), D(0))
    assert tell(seat(lessons(of.customer, student=of.student)), "attended").paid_by == "charge"
    assert_books_whole()


def test_what_was_withdrawn_does_not_lapse() -> None:
    org = organization()
    policy(org, "lessons.money_credit_days", 30)
    place = seat(period(customer(org)))
    tell(place, "teacher_cancelled")
    correct(place, "attended")
    assert expire_lesson_credits(NEXT) == 0
    assert CreditItem.objects.get().unapplied_amount == D("40.00")
    assert_books_whole()


@pytest.mark.parametrize(
    ("zone", "currency", "last", "following"),
    [
        ("Asia/Taipei", "TWD", "2026-04-11T15:20", "2026-04-11T16:20"),
        ("Asia/Kolkata", "INR", "2026-04-11T18:20", "2026-04-11T19:20"),
    ],
)
def test_the_day_is_that_of_the_organization(zone: str, currency: str, last: str, following: str) -> None:
    given_back(zone=zone, currency=currency)
    assert expire_lesson_credits(datetime.fromisoformat(last).replace(tzinfo=UTC)) == 0
    assert expire_lesson_credits(datetime.fromisoformat(following).replace(tzinfo=UTC)) == 1
    assert_books_whole()


def test_the_job_looks_once_an_hour() -> None:
    given_back()
    assert expire_lesson_credits(NEXT.replace(minute=21)) == 0
    assert expire_lesson_credits(NEXT) == 1


def test_two_jobs_at_once_let_it_lapse_once(run_in_threads: RunInThreads) -> None:
    given_back()
    outcomes = run_in_threads(lambda _index: expire_lesson_credits(NEXT), 2)
    assert (sorted(outcomes.results), outcomes.errors) == ([0, 1], [])
    assert Invoice.objects.count() == 1
    assert_books_whole()


def test_what_the_database_refuses_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    refused, other = given_back(), given_back()

    def lapse(*, organization: Organization, **details: Any) -> list[LessonCredit]:
        if organization == refused.organization:
            raise IntegrityError("invoice_positive")
        return expire_credits(organization=organization, **details)

    monkeypatch.setattr("billing.services.teaching.expiring.expire_credits", lapse)
    assert expire_lesson_credits(NEXT) == 1
    reread(refused, other)
    assert (refused.expired_on, other.expired_on) == (None, date(2026, 4, 12))


def test_no_end_by_default() -> None:
    tell(seat(period(customer(organization()))), "teacher_cancelled", now=NOW)
    assert LessonCredit.objects.get().expires_on is None
