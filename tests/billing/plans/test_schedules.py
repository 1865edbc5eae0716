"""What a schedule tells of itself on a day (R57, R59)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Agreement, Invoice
from billing.selectors.schedules import schedule_of, schedules_of
from billing.services.plans.changing import change_payers
from billing.services.plans.resting import pause_agreement
from tests.agreements import plan
from tests.assertions import assert_books_whole
from tests.billing.plans.desk import bill_one, done, enrolled
from tests.builders import TODAY, customer, pay, policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(org, ada, piano) -> Agreement:
    """90.00 a month, due on 1 April, 1 May, 1 June 2026; April and May are billed today."""
    policy(org, "billing.lead_days", 60)
    made = enrolled(ada, piano, ends_on=date(2026, 6, 30))
    bill_one(made, TODAY)
    return made


@pytest.mark.parametrize(
    ("on", "state", "to_due", "overdue"),
    [
        ("2026-03-12", "billed", 20, 0),
        ("2026-04-01", "billed", 0, 0),  # the day itself is not late
        ("2026-04-02", "in_grace", -1, 1),
        ("2026-04-11", "in_grace", -10, 10),  # the tenth day of grace is in it
        ("2026-04-12", "overdue", -11, 11),
    ],
)
def test_R57_the_state_of_what_is_billed_follows_from_the_day(org, one, on, state, to_due, overdue) -> None:
    policy(org, "dunning.grace_days", 10)
    first = schedule_of(one, date.fromisoformat(on)).rows[0]
    assert (first.state, first.days_to_due, first.days_overdue) == (state, to_due, overdue)
    assert first.grace_until == date(2026, 4, 11)


def test_R57_counts_and_what_is_next(ada, one) -> None:
    pay(ada, "120.00")
    found = schedule_of(one, date(2026, 4, 10))
    assert [row.state for row in found.rows] == ["paid", "part_paid", "planned"]
    assert (found.total, found.paid, found.pending, found.overdue) == (3, 1, 2, 0)
    assert (found.total_amount, found.paid_amount) == (Decimal("270.00"), Decimal("120.00"))
    assert (found.next_due_on, found.next_amount) == (date(2026, 5, 1), Decimal("60.00"))
    assert (found.rows[0].paid_on, found.rows[1].paid_on) == (TODAY, None)
    assert found.rows[0].invoice_numbers == (Invoice.objects.earliest("id").number,)
    assert found.rows[2].look == "installment.planned"
    assert_books_whole()


def test_R57_all_is_paid(ada, one) -> None:
    bill_one(one, date(2026, 6, 1))
    pay(ada, "270.00")
    found = schedule_of(one, date(2026, 7, 1))
    assert (found.paid, found.pending, found.next, found.next_due_on, found.next_amount) == (3, 0, None, None, None)


def test_R57_two_payers_are_two_invoices_of_one_period(org, ada, piano) -> None:
    ben = customer(org, "Ben")
    one = enrolled(ada, piano, ends_on=date(2026, 4, 30))
    done(change_payers, agreement=one, shares=[(ada.pk, Decimal(1)), (ben.pk, Decimal(1))], from_on=date(2026, 4, 1),
         reason="separated")  # fmt: skip
    bill_one(one, date(2026, 4, 1))
    pay(ada, "45.00")
    (row,) = schedule_of(one, TODAY).rows
    assert (row.state, row.amount, row.open_amount, len(row.invoices)) == ("part_paid", 90, 45, 2)
    assert_books_whole()


def test_what_is_skipped_is_not_counted(ada, piano) -> None:
    one = enrolled(ada, piano, ends_on=date(2026, 5, 31))
    done(pause_agreement, agreement=one, kind="hold", from_on=date(2026, 4, 1), until_on=date(2026, 4, 30), reason="x")
    found = schedule_of(one, TODAY)
    assert [row.state for row in found.rows] == ["skipped", "planned"]
    assert (found.total, str(found.rows[0].why)) == (1, "on hold")


def test_many_schedules_take_as_many_queries_as_one(org, one, django_assert_num_queries) -> None:
    others = [enrolled(customer(org), plan(org)) for _n in range(4)]
    with django_assert_num_queries(4):
        assert len(schedules_of([one, *others], TODAY)) == 5
