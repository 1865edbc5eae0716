"""The end of a day: a checklist that asks the books, figures that are frozen, a signature (source 3, R145)."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from billing.errors import BadInput, DomainError
from billing.ledger.models import Period
from billing.office.acting import acting
from billing.office.models import Organization, User
from payments.models import Method
from reconciliation.models import DayClose, DayReopening
from reconciliation.rules.checklist import Outcome
from reconciliation.selectors.closed_days import standing_close
from reconciliation.selectors.closing_checks import ask_day
from reconciliation.services.closing_days import DayBlocked, DayIsClosed, close_day, reopen_day
from reconciliation.services.proving import prove_organization
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY
from tests.commands import run
from tests.conftest import RunInThreads
from tests.console_desk import desk
from tests.payments.services.tills import cash_in, closed, fetch, opened, point
from tests.reconciliation.test_proving import one_wrong_cent
from tests.reconciliation.test_verify_books import settle

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("dayend")


def answers(school: Organization, day: date = TODAY, now: datetime = LATER) -> dict[str, tuple[str, int]]:
    return {line.check.code: (line.answer.outcome.value, line.answer.count) for line in ask_day(school, day, now)}


def close(school: Organization, *, remarks: str = "", by: User | None = None, day: date = TODAY) -> DayClose:
    with transaction.atomic():
        return close_day(organization=school, day=day, remarks=remarks, now=LATER, by=by)


def prove(school: Organization) -> None:
    prove_organization(organization=school, now=NOW)


class TestChecklist:
    def test_a_quiet_day_of_proved_books_has_nothing_to_do(self, school: Organization) -> None:
        prove(school)
        assert {outcome for outcome, _count in answers(school).values()} == {"ok"}

    def test_books_that_were_never_proved_warn_and_broken_ones_block(self, school: Organization) -> None:
        builders.invoice(builders.customer(school), "100.00")
        assert answers(school)["proof"] == ("warn", 1)
        settle()
        one_wrong_cent()
        prove(school)
        assert answers(school)["proof"][0] == "blocker"

    def test_an_open_drawer_blocks_until_it_is_counted(self, school: Organization) -> None:
        clerk = builders.user(school, "clerk")
        with acting(clerk, "test"):
            fetch(school, 100, clerk)
            session = opened(point(school), clerk, 50)
            cash_in(session, "20.00", clerk)
            assert answers(school)["drawers"] == ("blocker", 1)
            assert answers(school, TODAY - timedelta(days=1))["drawers"] == ("ok", 0)
            closed(session, 70, clerk)
        assert answers(school)["drawers"] == ("ok", 0)
        assert answers(school)["safe"] == ("warn", 1)

    def test_more_cash_than_allowed_is_to_be_deposited(self, school: Organization) -> None:
        clerk = builders.user(school, "clerk")
        with acting(clerk, "test"):
            fetch(school, 100, clerk)
        builders.policy(school, "closing.cash_limit", "100.00")
        assert answers(school)["cash_limit"] == ("ok", 0)
        builders.policy(school, "closing.cash_limit", "99.99")
        line = next(one for one in ask_day(school, TODAY, LATER) if one.check.code == "cash_limit")
        assert (line.answer.outcome, dict(line.answer.amounts)) == (Outcome.WARN, {"USD": Decimal("0.01")})

    def test_cheques_in_hand_and_provisional_payments_are_counted_with_their_money(self, school: Organization) -> None:
        builders.policy(school, "payments.verify_above", "500")
        ada = builders.customer(school)
        builders.pay(ada, "40.00", method=Method.CHEQUE, cheque=builders.cheque())
        builders.pay(ada, "900.00", method=Method.BANK_TRANSFER)
        lines = {line.check.code: line.answer for line in ask_day(school, TODAY, LATER)}
        assert (lines["cheques"].count, dict(lines["cheques"].amounts)) == (1, {"USD": Decimal("40.00")})
        assert (lines["provisional"].count, dict(lines["provisional"].amounts)) == (1, {"USD": Decimal("900.00")})
        assert answers(school, TODAY - timedelta(days=1))["provisional"] == ("ok", 0)


class TestClosing:
    def test_R145_the_day_is_signed_with_its_figures_frozen(self, school: Organization) -> None:
        manager = builders.user(school, "finance_manager")
        ada = builders.customer(school)
        builders.pay(ada, "40.00", method=Method.BANK_TRANSFER)
        prove(school)
        made = close(school, by=manager)
        assert made.figures["payments"] == [
            {"method": "bank_transfer", "currency": "USD", "count": 1, "amount": "40.00"}
        ]
        assert {one["outcome"] for one in made.checks} == {"ok"}
        builders.pay(ada, "60.00", method=Method.BANK_TRANSFER, now=LATER + timedelta(hours=1))
        again = standing_close(school, TODAY)
        assert again is not None and again.figures == made.figures and again.proof is not None
        assert_books_whole()

    def test_a_blocker_keeps_the_day_open(self, school: Organization) -> None:
        clerk = builders.user(school, "clerk")
        with acting(clerk, "test"):
            opened(point(school), clerk, 0)
        with pytest.raises(DayBlocked, match=r"Every drawer is closed and counted \(1\)"):
            close(school, remarks="never mind")
        assert not DayClose.objects.exists()

    def test_what_is_not_as_it_should_be_needs_a_word(self, school: Organization) -> None:
        with pytest.raises(BadInput, match="The books are proved"):
            close(school)
        assert close(school, remarks="The worker stood still.").remarks == "The worker stood still."

    def test_a_day_to_come_cannot_be_closed_and_today_can(self, school: Organization) -> None:
        prove(school)
        with pytest.raises(BadInput, match="still to come"):
            close(school, day=TODAY + timedelta(days=1))
        assert close(school).round == 1

    def test_no_day_is_closed_twice(self, school: Organization) -> None:
        prove(school)
        close(school)
        with pytest.raises(DayIsClosed, match="was closed by close_day on 2026-03-12 12:00"):
            close(school)

    def test_reopening_is_a_fact_with_a_reason_and_a_new_round_follows(self, school: Organization) -> None:
        prove(school)
        sue = builders.user(school, "supervisor", name="sue")
        first = close(school, by=sue)
        with pytest.raises(BadInput), transaction.atomic():
            reopen_day(close=first, reason=" ", now=LATER, by=sue)
        with transaction.atomic():
            reopen_day(close=first, reason="a late deposit", now=LATER, by=sue)
        assert standing_close(school, TODAY) is None
        with pytest.raises(DomainError), transaction.atomic():
            reopen_day(close=first, reason="again", now=LATER, by=sue)
        assert close(school).round == 2
        assert DayReopening.objects.get().reason == "a late deposit"
        assert_books_whole()

    def test_a_day_of_a_locked_month_stays_closed(self, school: Organization) -> None:
        prove(school)
        made, sue = close(school), builders.user(school, "supervisor")
        Period.objects.create(organization=school, month=TODAY.replace(day=1), state="locked")
        with pytest.raises(DomainError, match="2026-03 is locked"), transaction.atomic():
            reopen_day(close=made, reason="x", now=LATER, by=sue)

    def test_the_database_keeps_closes_and_their_order(self, school: Organization) -> None:
        prove(school)
        close(school)
        for sql in (
            "UPDATE reconciliation_dayclose SET remarks = 'x'",
            "DELETE FROM reconciliation_dayclose",
            "INSERT INTO reconciliation_dayclose (organization_id, day, round, closed_at, remarks, checks, figures,"
            " digest) SELECT organization_id, day, 2, now(), '', checks, figures, digest FROM reconciliation_dayclose",
        ):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


class TestCommand:
    def test_it_closes_once_and_says_so_the_second_time(self, school: Organization) -> None:
        prove(school)
        with time_machine.travel(LATER, tick=False):
            first = run("close_day", "--as-of", TODAY, "--organization", "dayend")
            again = run("close_day", "--as-of", TODAY)
        assert (first.code, again.code) == (0, 0)
        assert "dayend 2026-03-12: closed, " in first.out and "ok" in first.out
        assert "dayend 2026-03-12: closed already, " in again.out
        assert DayClose.objects.count() == 1

    def test_it_exits_with_2_where_something_is_in_the_way(self, school: Organization) -> None:
        with time_machine.travel(LATER, tick=False):
            refused = run("close_day", "--as-of", TODAY)
            taken = run("close_day", "--as-of", TODAY, "--remarks", "no proof yet")
        assert refused.code == 2 and "Say a word about what is not as it should be" in refused.err
        assert taken.code == 0


class TestPages:
    def test_a_supervisor_signs_and_reopens(self, school: Organization) -> None:
        prove(school)
        builders.pay(builders.customer(school), "40.00", method=Method.BANK_TRANSFER)
        with time_machine.travel(LATER, tick=False):
            sue = desk(school, "supervisor", name="sue")
            assert "12 Mar 2026 ○ open" in sue.see("books/days/").replace("March", "Mar")
            assert "Every bank line is explained" in sue.see("books/days/2026-03-12/")
            assert "signed by sue" in sue.follow("books/days/2026-03-12/", remarks="")
            signed = sue.see("books/days/2026-03-12/")
            assert "The checklist as it was signed" in signed
            assert "Bank statements are loaded up to the day before" in signed
            assert "a late deposit" in sue.follow("books/days/2026-03-12/reopen/", reason="a late deposit")

    def test_what_was_booked_since_is_told(self, school: Organization) -> None:
        prove(school)
        ada = builders.customer(school)
        close(school)
        builders.pay(ada, "5.00", method=Method.BANK_TRANSFER, now=LATER + timedelta(minutes=1))
        with time_machine.travel(LATER + timedelta(hours=1), tick=False):
            text = desk(school, "manager").see("books/days/2026-03-12/")
        assert "1 entry of this day was booked after it was closed." in text

    def test_refusals_stand_on_the_page(self, school: Organization) -> None:
        with time_machine.travel(LATER, tick=False):
            answer = desk(school, "accountant").post("books/days/2026-03-12/", 422, remarks="")
        assert "Say a word about what is not as it should be" in answer.content.decode()

    def test_a_manager_reads_and_a_clerk_sees_nothing(self, school: Organization) -> None:
        with time_machine.travel(LATER, tick=False):
            manager = desk(school, "manager")
            assert "Sign and close" not in manager.see("books/days/2026-03-12/")
            manager.post("books/days/2026-03-12/", 403, remarks="x")
            manager.post("books/days/2026-03-12/reopen/", 403, reason="x")
            manager.get("books/days/2026-03-13/", 404)
            manager.get("books/days/yesterday/", 404)
            desk(school, "clerk").get("books/days/", 403)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_close_at_once_one_signs(run_in_threads: RunInThreads) -> None:
    school = builders.organization("race")
    prove(school)
    done = run_in_threads(lambda n: close(school), 4)
    assert len(done.results) == 1
    assert {type(error) for error in done.errors} == {DayIsClosed}
    assert DayClose.objects.count() == 1
