"""Months open and close in order (invariant 12), and the posting service refuses before the database must."""

from datetime import date
from decimal import Decimal

import pytest

from billing.errors import IllegalTransition, PeriodClosed, Unbalanced
from billing.ledger.models import JournalEntry, Period, Role
from billing.ledger.periods import EarlierMonthOpen, close_period, reopen_period
from billing.ledger.posting import Draft, credit, debit, open_day, post_entries
from billing.office.models import Organization
from tests.builders import NOW, organization

pytestmark = pytest.mark.django_db
JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture
def school() -> Organization:
    return organization()


def post(org: Organization, day: date, key: str = "k", debits: int = 5, credits: int = 5) -> JournalEntry:
    lines = [debit(Role.CASH, Decimal(debits)), credit(Role.REVENUE, Decimal(credits))]
    draft = Draft(key=key, event="test", entry_date=day, currency="USD", lines=lines)
    return post_entries(organization_id=org.pk, drafts=[draft], now=NOW, by_id=None)[0]


def close(org: Organization, month: date) -> Period:
    return close_period(organization_id=org.pk, month=month, now=NOW, by_id=None)


def test_the_first_entry_of_a_month_opens_it(school) -> None:
    post(school, date(2026, 3, 31))
    assert Period.objects.get().month == MARCH


def test_months_close_in_order(school) -> None:
    post(school, JANUARY), post(school, FEBRUARY, "k2")
    with pytest.raises(EarlierMonthOpen, match="2026-01 is still open; months close in order"):
        close(school, FEBRUARY)
    close(school, JANUARY)
    assert close(school, FEBRUARY).state == "closed"


def test_a_closed_month_takes_nothing_and_says_its_name(school) -> None:
    post(school, FEBRUARY)
    close(school, FEBRUARY)
    with pytest.raises(PeriodClosed, match="2026-02 is closed"):
        post(school, date(2026, 2, 28), "k2")


def test_a_month_before_a_closed_one_is_closed_though_nobody_ever_opened_it(school) -> None:
    close(school, FEBRUARY)
    with pytest.raises(PeriodClosed, match="2025-06 is closed"):
        post(school, date(2025, 6, 1))


@pytest.mark.parametrize(
    ("wanted", "day"),
    [
        (date(2025, 6, 30), MARCH), (date(2026, 2, 28), MARCH), (MARCH, MARCH), (date(2026, 3, 31), date(2026, 3, 31)),
        (date(2026, 4, 5), date(2026, 4, 5)),
    ],
)  # fmt: skip
def test_26_what_belongs_to_a_closed_month_goes_to_the_first_open_day(school, wanted: date, day: date) -> None:
    close(school, FEBRUARY)
    assert open_day(school.pk, wanted) == day


def test_without_a_closed_month_every_day_is_open(school) -> None:
    assert open_day(school.pk, date(2001, 1, 1)) == date(2001, 1, 1)


def test_a_reopened_month_is_open_again_and_is_closed_once_more(school) -> None:
    close(school, FEBRUARY)
    reopen_period(organization_id=school.pk, month=FEBRUARY, now=NOW, by_id=None, reason="late bill")
    assert open_day(school.pk, date(2026, 2, 10)) == date(2026, 2, 10)
    post(school, date(2026, 2, 10))
    assert close(school, FEBRUARY).state == "closed"


def test_nothing_is_closed_twice_and_a_locked_month_stays(school) -> None:
    close(school, FEBRUARY)
    with pytest.raises(IllegalTransition):
        close(school, FEBRUARY)
    Period.objects.update(state="locked")
    with pytest.raises(IllegalTransition):
        reopen_period(organization_id=school.pk, month=FEBRUARY, now=NOW, by_id=None, reason="please")


def test_each_organization_has_its_own_months(school) -> None:
    close(school, FEBRUARY)
    assert post(organization(), FEBRUARY).number == 1


def test_R140_an_entry_that_does_not_balance_is_refused_whole(school) -> None:
    with pytest.raises(Unbalanced, match=r"The entry does not balance: debits 5.00, credits 4.00\."):
        post(school, MARCH, credits=4)
    assert (JournalEntry.objects.count(), Period.objects.count()) == (0, 0)


def test_14_numbers_run_by_year_of_the_entry(school) -> None:
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2025, 12, 30), date(2026, 1, 2)]
    assert [str(post(school, day, f"k{n}")) for n, day in enumerate(days)] == [
        "JE-2025-00000001", "JE-2026-00000001", "JE-2025-00000002", "JE-2026-00000002",
    ]  # fmt: skip
