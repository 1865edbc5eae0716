"""A run while it is looked at, who lets it go out, and that it stays as it was approved (R52, invariant 37)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing.errors import BadInput, NotFound, NotPermitted
from billing.models import Customer, Installment, Invoice
from billing.models.billing_run import BillingRunItem, RunKind
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization
from billing.services.runs.approving import ask_for_run, carry_out_approval
from billing.services.runs.carrying_out import carry_out_run
from billing.services.runs.changing import (
    NothingToBill,
    RunFrozen,
    cancel_run,
    leave_out,
    refresh_run,
    take_in,
)
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.runs.cast import approve, charge, let_go, monthly, prepare, prepared, shared
from tests.builders import NOW, TODAY


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


class TestLeavingOut:
    def test_all_payers_of_the_period_are_left_out_together(self, school: Organization, ada: Customer) -> None:
        shared(monthly(ada), (ada, "1"), (builders.customer(school, "Ben"), "1"))
        run = prepared(school)
        assert leave_out(run=run, item_id=run.items.first().pk, reason="moved away") == 2
        assert {(item.state, item.reason) for item in run.items.all()} == {("excluded", "moved away")}
        assert take_in(run=run, item_id=run.items.last().pk) == 2
        assert {(item.state, item.reason) for item in run.items.all()} == {("planned", "")}

    def test_a_regular_run_does_not_take_it_up_again_a_supplement_does(
        self, school: Organization, ada: Customer
    ) -> None:
        charge(monthly(ada), "5.00")
        monthly(builders.customer(school, "Ben"))
        run = prepared(school)
        mine = run.items.get(customer=ada)
        leave_out(run=run, item_id=mine.pk, reason="asks for a later bill")
        let_go(run, builders.user(school, "supervisor"))
        assert carry_out_run(run=run, now=NOW, by=None).invoices == 1
        assert prepare(school) is None
        again = prepared(school, kind=RunKind.SUPPLEMENT)
        assert again.items.get().amount == Decimal("95.00")

    def test_what_a_cancelled_run_left_out_is_taken_up(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        leave_out(run=run, item_id=run.items.get().pk, reason="no")
        cancel_run(run=run, reason="wrong day", now=NOW)
        assert prepare(school) is not None

    def test_a_reason_is_needed_and_a_bill_of_this_run(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        with pytest.raises(BadInput, match="required"):
            leave_out(run=run, item_id=run.items.get().pk, reason=" ")
        with pytest.raises(NotFound):
            leave_out(run=run, item_id=run.items.get().pk + 1, reason="no")


class TestRefreshing:
    def test_it_shows_what_is_so_now_and_keeps_what_was_left_out(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        leave_out(run=run, item_id=run.items.get().pk, reason="later")
        monthly(builders.customer(school, "Ben"))
        refresh_run(run=run)
        rows = run.items.order_by("customer__name").values_list("customer__name", "state", "reason")
        assert list(rows) == [("Ada", "excluded", "later"), ("Ben", "planned", "")]

    def test_where_nothing_is_left_to_bill_it_says_so(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        Installment.objects.update(state="cancelled")
        with pytest.raises(NothingToBill):
            refresh_run(run=run)
        assert run.items.count() == 1


class TestApproval:
    @pytest.fixture(autouse=True)
    def _two_people(self, school: Organization) -> None:
        builders.policy(school, "billing.needs_approval", True)

    def test_a_second_person_lets_exactly_these_bills_go_out(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        approved = approve(run, builders.user(school, "supervisor"), builders.user(school, "manager"))
        assert (approved.state, len(approved.content_hash)) == ("approved", 64)
        assert ApprovalRequest.objects.get().state == "used"
        assert approved.approval == ApprovalRequest.objects.get()
        assert carry_out_run(run=run, now=NOW, by=None).invoices == 1
        assert_books_whole()

    def test_what_is_asked_names_amount_and_number(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        asked = ask_for_run(run=prepared(school), reason="ok", by=builders.user(school, "school_admin"), now=NOW)
        assert (asked.action, asked.amount, asked.currency) == ("billing_run", Decimal("90.00"), "USD")
        (total,) = asked.shown["totals"]
        assert (total["invoices"], total["invoiced"], asked.shown["odd"]) == (1, "US$90.00", 1)

    @pytest.mark.parametrize("role", ["clerk", "accountant"])
    def test_others_may_not_ask(self, school: Organization, ada: Customer, role: str) -> None:
        monthly(ada)
        with pytest.raises(NotPermitted):
            ask_for_run(run=prepared(school), reason="ok", by=builders.user(school, role), now=NOW)

    def test_who_asked_may_not_approve(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        manager = builders.user(school, "manager")
        with pytest.raises(approvals.OwnRequest):
            approve(prepared(school), manager, manager)

    def test_alone_is_refused(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        with pytest.raises(approvals.ApprovalNeeded):
            let_go(prepared(school), builders.user(school, "manager"))

    def test_a_change_after_asking_makes_the_approval_worthless(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        monthly(builders.customer(school, "Ben"))
        run = prepared(school)
        asked = self._asked(school, run)
        leave_out(run=run, item_id=run.items.first().pk, reason="no")
        with pytest.raises(approvals.ShownChanged):
            carry_out_approval(request=asked, now=NOW)
        run.refresh_from_db()
        assert run.state == "preview"

    def test_preparing_anew_changes_it_too_if_anything_changed(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        run = prepared(school)
        asked = self._asked(school, run)
        refresh_run(run=run)
        charge(of, "0.01")
        refresh_run(run=run)
        with pytest.raises(approvals.ShownChanged):
            carry_out_approval(request=asked, now=NOW)

    def test_all_left_out_there_is_nothing_to_ask(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        leave_out(run=run, item_id=run.items.get().pk, reason="no")
        with pytest.raises(BadInput, match="left out"):
            ask_for_run(run=run, reason="ok", by=builders.user(school, "supervisor"), now=NOW)

    def test_cancelling_takes_the_request_back(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        ask_for_run(run=run, reason="ok", by=builders.user(school, "supervisor"), now=NOW)
        cancel_run(run=run, reason="wrong day", now=NOW + timedelta(hours=1))
        assert ApprovalRequest.objects.get().state == "withdrawn"

    def _asked(self, school: Organization, run: object) -> ApprovalRequest:
        asked = ask_for_run(run=run, reason="ok", by=builders.user(school, "supervisor"), now=NOW)  # type: ignore[arg-type]
        checker = builders.user(school, "manager")
        return approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=checker, now=NOW)


class TestFrozen:
    def test_once_approved_nothing_of_it_changes(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        let_go(run, builders.user(school, "supervisor"))
        item = run.items.get()
        with pytest.raises(RunFrozen):
            leave_out(run=run, item_id=item.pk, reason="no")
        with pytest.raises(RunFrozen):
            refresh_run(run=run)
        with pytest.raises(RunFrozen):
            cancel_run(run=run, reason="no", now=NOW)
        with pytest.raises(RunFrozen):
            let_go(run, builders.user(school, "supervisor"))

    def test_the_database_holds_it_too(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school, is_approved=True)
        with pytest.raises(IntegrityError, match="is frozen"), transaction.atomic():
            run.items.get().delete()
        with pytest.raises(IntegrityError, match="may not change"), transaction.atomic():
            BillingRunItem.objects.update(amount=1, net_amount=1)

    def test_a_clerk_may_not_let_it_go_out(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        with pytest.raises(NotPermitted):
            let_go(prepared(school, TODAY), builders.user(school, "clerk"))
        assert not Invoice.objects.exists()
