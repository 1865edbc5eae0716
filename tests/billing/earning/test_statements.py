"""A provider's statement is what the ledger says; year totals, figures and the job (R89, R90, R158, R165)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.errors import DomainError
from billing.ledger.models import JournalLine, Role
from billing.ledger.periods import close_period
from billing.models import Provider
from billing.office.models import Organization
from billing.selectors.earnings import performance, statements, year_totals
from billing.services.earning import accruing
from billing.tasks import accrue_earnings
from config.tasks import JOBS
from tests.agreements import provider
from tests.assertions import assert_books_whole
from tests.billing.earning.cast import (
    LESSON_AT,
    accrue,
    amounts,
    approve,
    one_lesson,
    paid_out_to,
    pay_out,
    prepare,
    tell,
)
from tests.builders import NOW, TODAY, organization, user

pytestmark = pytest.mark.django_db
D = Decimal
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def tess(school: Organization) -> Provider:
    return provider(school, "Tess")


def taught(teacher: Provider, day: date, price: str = "40.00", status: str = "attended", **told: Any) -> None:
    tell(one_lesson(teacher, price, starts_at=datetime(day.year, day.month, day.day, 20, tzinfo=UTC)), status, **told)


def ledger(teacher: Provider, until: date) -> Decimal:
    lines = JournalLine.objects.filter(
        account__role=Role.PROVIDERS_PAYABLE, party=teacher.pk, entry__entry_date__lte=until
    )
    return sum((line.credit - line.debit for line in lines), D(0))


class TestStatement:
    def test_R89_opening_earned_paid_and_closing(self, school: Organization, tess: Provider) -> None:
        """February 20; March 20 + 30 and 20 paid out in it: 20 + 50 − 70 = 0; then 10 corrected: −10."""
        taught(tess, date(2026, 2, 10))
        seat = one_lesson(tess)
        tell(seat, "attended")
        taught(tess, date(2026, 3, 11), "60.00")
        accrue(school)
        paid_out_to(school)
        tell(seat, "no_show", now=LATER)
        accrue(school, LATER)
        (account,) = statements(tess, date(2026, 3, 1), date(2026, 3, 31))
        assert (account.opening, account.earned_amount, account.paid_amount, account.closing) == (
            D(20), D(40), D(70), D(-10),
        )  # fmt: skip
        assert account.kinds == [("lesson", 2, D(50)), ("correction", 1, D(-10))]
        assert_books_whole()

    @pytest.mark.parametrize("until", [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 11), TODAY])
    def test_closing_is_what_the_ledger_owes_on_any_day(self, school, tess, until: date) -> None:
        """Also where a closed month moved an entry to the next."""
        with transaction.atomic():
            close_period(organization_id=school.pk, month=date(2026, 1, 1), now=NOW, by_id=None)
        for day in (date(2026, 1, 20), date(2026, 2, 10), date(2026, 3, 10)):
            taught(tess, day)
        accrue(school)
        paid_out_to(school)
        assert statements(tess, date(2026, 1, 1), until)[0].closing == ledger(tess, until)

    def test_nothing_yet_is_an_empty_account(self, tess: Provider) -> None:
        (account,) = statements(tess, date(2026, 3, 1), TODAY)
        assert (account.currency, account.closing, account.kinds) == ("USD", 0, [])


class TestYears:
    def test_R158_the_year_is_that_of_the_bank(self, school: Organization, tess: Provider) -> None:
        """Earned on 31 December, paid out on 2 January: it belongs to the new year."""
        new_year = datetime(2027, 1, 2, 15, tzinfo=UTC)
        taught(tess, date(2026, 12, 31), now=new_year)
        accrue(school, new_year)
        maker, checker = user(school, "school_admin"), user(school, "finance_manager")
        batch = prepare(school, date(2026, 12, 31), by=maker, now=new_year)
        pay_out(approve(batch, maker, checker, new_year), date(2027, 1, 2), now=new_year)
        assert [(row.year, row.amount, row.payouts) for row in year_totals(school)] == [(2027, D(20), 1)]
        assert year_totals(school, 2026) == []

    def test_what_was_only_prepared_does_not_count(self, school: Organization, tess: Provider) -> None:
        taught(tess, date(2026, 3, 10))
        accrue(school)
        prepare(school)
        assert year_totals(school) == []


class TestFigures:
    def test_R165_by_month_and_whole(self, school: Organization, tess: Provider) -> None:
        """February: 1 of 1 came, 20. March: 1 of 2 came and 1 was cancelled by Tess: 20 + 10 + 5 = 35 for 3 lessons."""
        taught(tess, date(2026, 2, 10))
        for status in ("attended", "no_show", "teacher_cancelled"):
            taught(tess, date(2026, 3, 10), status=status)
        accrue(school)
        found = performance(tess, date(2026, 1, 1), TODAY)
        assert [
            (row.month, row.lessons, row.attendance_percent, row.teacher_cancelled, row.earned, row.average_pay)
            for row in found.months
        ] == [
            (date(2026, 2, 1), 1, D("100.0"), 0, D(20), D(20)),
            (date(2026, 3, 1), 3, D("50.0"), 1, D(35), D("11.67")),
        ]
        assert (found.whole.lessons, found.whole.attendance_percent, found.whole.earned) == (4, D("66.7"), D(55))

    def test_a_late_lesson_belongs_to_the_day_where_the_school_is(self, school, tess) -> None:
        """1 March 03:00 in London is still February in New York."""
        tell(one_lesson(tess, starts_at=datetime(2026, 3, 1, 3, 0, tzinfo=UTC)), "attended")
        accrue(school)
        assert [row.month for row in performance(tess, date(2026, 2, 1), TODAY).months] == [date(2026, 2, 1)]
        assert performance(tess, date(2026, 3, 1), TODAY).months == []

    def test_a_correction_counts_once(self, school, tess) -> None:
        seat = one_lesson(tess)
        tell(seat, "attended")
        tell(seat, "no_show")
        whole = performance(tess, LESSON_AT.date(), LESSON_AT.date()).whole
        assert (whole.lessons, whole.attended, whole.no_show) == (1, 0, 1)


class TestJob:
    def test_it_is_rung_every_minute_and_works_for_every_organization(self, school, tess) -> None:
        assert ("accrue_earnings", accrue_earnings) in JOBS
        other = provider(organization(), "Theo")
        for teacher in (tess, other):
            taught(teacher, date(2026, 3, 10))
        assert [accrue_earnings(NOW), accrue_earnings(NOW)] == [2, 0]
        assert amounts(tess) == amounts(other) == ["20.00"]

    def test_with_nothing_new_it_asks_one_question(self, school, tess) -> None:
        taught(tess, date(2026, 3, 10))
        accrue_earnings(NOW)
        accrue_earnings(LATER)
        with CaptureQueriesContext(connection) as asked:
            assert accrue_earnings(LATER) == 0
        assert len([query for query in asked if "billing_earningmark" in query["sql"]]) == 1
        assert not [query for query in asked if "billing_earning " in query["sql"] or "INSERT" in query["sql"]]

    @pytest.mark.parametrize("trouble", [DomainError, IntegrityError])
    def test_the_trouble_of_one_organization_keeps_no_other_waiting(self, school, tess, monkeypatch, trouble) -> None:
        other = provider(organization(), "Theo")
        for teacher in (tess, other):
            taught(teacher, date(2026, 3, 10))
        real = accruing.accrue_earnings

        def troubled(*, organization: Organization, now: datetime) -> accruing.Accrued:
            if organization == school:
                raise trouble()
            return real(organization=organization, now=now)

        monkeypatch.setattr(accruing, "accrue_earnings", troubled)
        assert accrue_earnings(NOW) == 1
        assert (amounts(tess), amounts(other)) == ([], ["20.00"])
