"""Schedules as they are written, rewritten and told (R55, R57)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import IllegalTransition
from billing.models import Agreement, AgreementPause, AgreementTerms, Installment
from billing.selectors.schedules import schedule_of
from billing.services.plans.moving import move_agreement
from tests.agreements import agreement, plan
from tests.assertions import assert_books_whole
from tests.billing.plans.desk import rebuild, rows
from tests.builders import NOW, TODAY, customer, organization, policy

pytestmark = pytest.mark.django_db


def test_R54_a_start_in_the_middle_of_a_month_is_billed_to_the_day(org) -> None:
    """From 10 to 31 January: 90.00 × 22 / 31 = 63.87."""
    one = agreement(customer(org), plan(org, "90.00"), starts_on=date(2026, 1, 10), anchor_on=date(2026, 1, 1),
                    ends_on=date(2026, 3, 31))  # fmt: skip
    rebuild(one)
    assert rows(one) == [
        "1 2026-01-10..2026-01-31 due 2026-01-12 63.87 planned",
        "2 2026-02-01..2026-02-28 due 2026-02-02 90.00 planned",
        "3 2026-03-01..2026-03-31 due 2026-03-02 90.00 planned",
    ]
    assert_books_whole()


def test_R55_nothing_is_written_where_nothing_changed(org) -> None:
    one = agreement(customer(org), plan(org))
    first = rebuild(one)
    assert len(first[0].difference) == len(rows(one)) == 15  # January 2026 to 12 March 2027
    before = list(Installment.objects.values().order_by("pk"))
    assert rebuild(one) == []
    assert list(Installment.objects.values().order_by("pk")) == before


def test_R55_the_difference_says_what_was_and_what_is(org) -> None:
    one = agreement(customer(org), plan(org), ends_on=date(2026, 5, 31))
    rebuild(one)
    AgreementTerms.objects.create(organization=org, agreement=one, effective_on=date(2026, 4, 16), plan=one.plan,
                                  frequency="monthly", currency="USD", price=Decimal("120"), made_at=NOW)  # fmt: skip
    (change,) = rebuild(one, kind="terms", on=date(2026, 4, 16))
    # April: 90 × 15 / 30 + 120 × 15 / 30
    assert change.difference == [
        {"period_start": "2026-04-01", "due_on": "2026-04-01", "was": "90.00", "is": "105.00"},
        {"period_start": "2026-05-01", "due_on": "2026-05-01", "was": "90.00", "is": "120.00"},
    ]
    assert rows(one)[0] == "1 2026-01-01..2026-01-31 due 2026-01-02 90.00 planned"


def test_what_is_billed_stays_and_the_rest_is_planned_around_it(org) -> None:
    one = agreement(customer(org), plan(org), ends_on=date(2026, 5, 31))
    rebuild(one)
    Installment.objects.filter(agreement=one, ordinal=4).update(state="billed")
    Agreement.objects.filter(pk=one.pk).update(ends_on=date(2026, 4, 14))
    (change,) = rebuild(one, kind="ended", on=date(2026, 4, 14))
    assert change.difference == [{"period_start": "2026-05-01", "due_on": "2026-05-01", "was": "90.00", "is": None}]
    assert rows(one)[-1] == "4 2026-04-01..2026-04-30 due 2026-04-01 90.00 billed"


def test_a_pause_that_takes_a_period_whole_skips_it_until_the_pause_goes(org) -> None:
    one = agreement(customer(org), plan(org), ends_on=date(2026, 5, 31))
    rebuild(one)
    pause = AgreementPause.objects.create(organization=org, agreement=one, kind="vacation", from_on=date(2026, 4, 1),
                                          until_on=date(2026, 5, 10), reason="away", made_at=NOW)  # fmt: skip
    (change,) = rebuild(one, kind="paused", on=date(2026, 4, 1))
    # May: 90 × 21 / 31 = 60.97
    assert [one["is"] for one in change.difference] == [None, "60.97"]
    assert [row.split()[-2:] for row in rows(one)[-2:]] == [["0.00", "skipped"], ["60.97", "planned"]]
    assert schedule_of(one, TODAY).rows[3].why == "vacation"
    AgreementPause.objects.filter(pk=pause.pk).update(until_on=date(2026, 4, 1))
    rebuild(one, kind="resumed", on=date(2026, 4, 2))
    # April: 90 × 29 / 30
    assert [row.split()[-2:] for row in rows(one)[-2:]] == [["87.00", "planned"], ["90.00", "planned"]]


def test_a_lapsed_policy_plans_no_more_periods_until_it_is_revived(org) -> None:
    one = agreement(customer(org), plan(org, kind="policy"), ends_on=date(2026, 6, 30))
    rebuild(one)
    with transaction.atomic():
        change = move_agreement(agreement=one, to="lapsed", on=date(2026, 4, 10), reason="unpaid", now=NOW, by=None)
    assert (change.kind, [row["is"] for row in change.difference]) == ("lapsed", [None, None])
    assert len(rows(one)) == 4
    with transaction.atomic():
        assert move_agreement(agreement=one, to="lapsed", on=TODAY, reason="again", now=NOW, by=None) is None
        back = move_agreement(agreement=one, to="active", on=date(2026, 4, 20), reason="paid", now=NOW, by=None)
    assert (back.kind, [row["is"] for row in back.difference]) == ("revived", ["90.00", "90.00"])
    assert [row[0] for row in rows(one)] == list("123456")
    Agreement.objects.filter(pk=one.pk).update(state="cancelled")
    one.refresh_from_db()
    with transaction.atomic(), pytest.raises(IllegalTransition):
        move_agreement(agreement=one, to="active", on=TODAY, reason="", now=NOW, by=None)


def test_a_suspended_agreement_goes_on_being_billed(org) -> None:
    one = agreement(customer(org), plan(org), ends_on=date(2026, 6, 30))
    rebuild(one)
    with transaction.atomic():
        change = move_agreement(agreement=one, to="suspended", on=TODAY, reason="unpaid", now=NOW, by=None)
    assert (change.kind, change.difference, len(rows(one))) == ("suspended", [], 6)


def test_many_agreements_take_as_many_queries_as_one(org, django_assert_max_num_queries: Any) -> None:
    many = [agreement(customer(org), plan(org)) for _n in range(8)]
    with django_assert_max_num_queries(24):
        assert len(rebuild(*many)) == 8
    policy(org, "agreements.due_days", 5)
    with django_assert_max_num_queries(24):
        changes = rebuild(*many, on=TODAY)
    assert len(changes) == 8
    assert changes[0].difference[0] == {
        "period_start": "2026-03-01", "due_on": "2026-03-06", "due_was": "2026-03-02", "was": "90.00", "is": "90.00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [
        ("America/New_York", datetime(2026, 4, 1, 3, 30, tzinfo=UTC), "2027-03-01"),  # 23:30 on 31 March
        ("America/New_York", datetime(2026, 4, 1, 4, 30, tzinfo=UTC), "2027-04-01"),  # 00:30 on 1 April
        ("Asia/Taipei", datetime(2026, 3, 31, 15, 59, tzinfo=UTC), "2027-03-01"),
        ("Asia/Taipei", datetime(2026, 3, 31, 16, 0, tzinfo=UTC), "2027-04-01"),
        ("Asia/Kolkata", datetime(2026, 3, 31, 18, 29, tzinfo=UTC), "2027-03-01"),
        ("Asia/Kolkata", datetime(2026, 3, 31, 18, 30, tzinfo=UTC), "2027-04-01"),
        # The night the clocks of New York go forward, and back.
        ("America/New_York", datetime(2026, 3, 8, 6, 59, tzinfo=UTC), "2027-03-01"),
        ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2027-11-01"),
        ("America/New_York", datetime(2026, 11, 1, 3, 59, tzinfo=UTC), "2027-10-01"),
    ],
)
def test_the_horizon_is_counted_in_the_organizations_days(zone: str, now: datetime, last: str) -> None:
    org = organization(zone=zone)
    one = agreement(customer(org), plan(org))
    rebuild(one, now=now)
    assert rows(one)[-1].split()[1].startswith(last)
