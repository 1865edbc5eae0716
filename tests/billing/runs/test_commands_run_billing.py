"""run_billing by hand and by the clock: what it prints, what waits for a person, what is cheap (R52, design §4)."""

from datetime import timedelta
from typing import Any

import pytest

from billing.management.commands import run_billing
from billing.models import BillingRun, Customer, Invoice
from billing.office.models import Organization
from billing.services.runs.driving import run_billing as bill_by_the_clock
from billing.tasks import bill_due
from tests import builders
from tests.agreements import agreement, installment
from tests.billing.runs.cast import DAY, approve, monthly, prepared
from tests.builders import NOW, TODAY
from tests.commands import run


@pytest.fixture(autouse=True)
def _now(monkeypatch: Any) -> None:
    monkeypatch.setattr(run_billing, "now", lambda: NOW)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


class TestByHand:
    def test_nothing_due_says_so(self, school: Organization) -> None:
        ran = run("run_billing")
        assert (ran.code, ran.out, ran.err) == (0, "Nothing to bill.\n", "")

    def test_R52_what_is_due_goes_out_and_a_second_time_nothing_does(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        monthly(builders.customer(builders.organization("other"), "Eve"))
        ran = run("run_billing", "--as-of", "2026-03-12")
        assert (ran.code, ran.err) == (0, "")
        done = "done: 1 invoices, 0 credit memos, 0 without a document, 0 with nothing attended, 0 refused"
        assert ran.out.splitlines() == [f"other: RUN-2026-000001 {done}", f"school: RUN-2026-000001 {done}"]
        assert run("run_billing", "--as-of", "2026-03-12").out == "Nothing to bill.\n"
        assert Invoice.objects.count() == 2

    @pytest.mark.parametrize(("day", "bills"), [("2026-03-11", 0), ("2026-03-12", 1)])
    def test_the_day_decides(self, school: Organization, ada: Customer, day: str, bills: int) -> None:
        monthly(ada)
        run("run_billing", "--as-of", day, "--organization", "school")
        assert Invoice.objects.count() == bills

    def test_for_a_day_gone_by_invoices_are_dated_today_for_one_to_come_on_it(
        self, school: Organization, ada: Customer
    ) -> None:
        installment(agreement(ada), due_on=TODAY, bill_on=TODAY - 14 * DAY)
        installment(agreement(ada), due_on=TODAY + 20 * DAY, bill_on=TODAY + 6 * DAY)
        run("run_billing", "--as-of", "2026-03-01")
        run("run_billing", "--as-of", "2026-03-18")
        assert list(Invoice.objects.order_by("id").values_list("issued_on", flat=True)) == [TODAY, TODAY + 6 * DAY]

    def test_one_organization_only(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        builders.organization("other")
        assert run("run_billing", "--organization", "other").out == "Nothing to bill.\n"
        ran = run("run_billing", "--organization", "nobody")
        assert (ran.code, "There are: other, school" in ran.err) == (1, True)

    def test_no_day_is_refused(self, school: Organization) -> None:
        ran = run("run_billing", "--as-of", "soon")
        assert (ran.code, "--as-of: Write the date as 2026-02-03" in ran.err) == (1, True)


class TestWithASecondPerson:
    @pytest.fixture(autouse=True)
    def _two_people(self, school: Organization) -> None:
        builders.policy(school, "billing.needs_approval", True)

    @pytest.mark.parametrize(("days", "prepared_"), [(7, True), (8, False)])
    def test_requirements_4_10_a_run_is_ready_to_look_at_some_days_ahead(
        self, school: Organization, ada: Customer, days: int, prepared_: bool
    ) -> None:
        installment(agreement(ada), due_on=TODAY + 30 * DAY, bill_on=TODAY + days * DAY)
        ran = run("run_billing", "--as-of", TODAY.isoformat())
        assert BillingRun.objects.exists() is prepared_
        if prepared_:
            told = "school: RUN-2026-000001 prepared to look at: 1 bills up to 2026-03-19, US$90.00"
            assert ran.out.splitlines() == [told]
            waits = "school: RUN-2026-000001 waits to be approved or cancelled"
            assert run("run_billing", "--as-of", TODAY.isoformat()).out.splitlines() == [waits]
        assert not Invoice.objects.exists()

    def test_approved_it_goes_out_with_the_next_round_of_the_job(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        bill_due(NOW)
        approve(BillingRun.objects.get(), builders.user(school, "supervisor"), builders.user(school, "manager"))
        bill_due(NOW + timedelta(minutes=1))
        assert Invoice.objects.get().issued_on == TODAY
        assert BillingRun.objects.get().state == "done"


class TestByTheClock:
    def test_it_bills_every_quarter_of_an_hour(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        bill_due(NOW + timedelta(minutes=14))
        assert not Invoice.objects.exists()
        bill_due(NOW + timedelta(minutes=15))
        assert Invoice.objects.count() == 1

    def test_between_them_nothing_due_is_one_query(self, school: Organization, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):  # one, and two that name who acts
            bill_due(NOW + timedelta(minutes=1))

    def test_while_a_person_looks_at_a_run_nothing_goes_out_over_their_head(
        self, school: Organization, ada: Customer
    ) -> None:
        monthly(ada)
        open_run = prepared(school)
        monthly(ada)
        (report,) = bill_by_the_clock(as_of=None, now=NOW)
        assert report.open == open_run
        assert not Invoice.objects.exists()

    def test_a_closed_organization_is_left_alone(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        Organization.objects.update(is_active=False)
        bill_due(NOW)
        assert not Invoice.objects.exists()
