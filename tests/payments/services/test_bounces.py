"""Cheques that came back are consulted before the next one is accepted (R116, requirements §2 row 38)."""

from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Customer
from billing.office.approvals import AlreadyDecided, ShownChanged
from billing.office.models import ApprovalRequest, Organization
from payments.models import Cheque
from payments.services.bounces import BounceRefused, bounce_history, months_before
from payments.services.previewing import preview_order
from payments.services.risky_cheques import NothingToAccept, ask_to_take_risky, carry_out_risky
from payments.services.vault import NeedsSupervisor
from receipts.services.maturing import mature_cheques
from tests import builders
from tests.builders import NOW, TODAY
from tests.deeds import accept, decide, waiting_for
from tests.payments.vault_cast import came_back, in_vault, take, vault_order


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def dov(school: Organization) -> Customer:
    return builders.customer(school, "Dov")


def history(payer: Customer, on: date = TODAY, **more: Any) -> Any:
    from billing.office.policies import policies_for

    return bounce_history(payer, on, policies_for(payer.organization, customer_id=payer.pk), **more)


def pay_by_cheque(payer: Customer, number: str = "N1", amount: int = 77, **more: Any) -> Any:
    paper = builders.cheque(number, **more.pop("paper", {}))
    return builders.pay(payer, amount, method="cheque", cheque=paper, **more)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 12), 12, date(2025, 3, 12)), (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)), (date(2026, 1, 5), 1, date(2025, 12, 5)),
    ],
)  # fmt: skip
def test_months_are_those_of_the_calendar(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before


class TestHistory:
    @pytest.mark.parametrize(
        ("on", "counts"),
        [(date(2025, 3, 11), 0), (date(2025, 3, 12), 1), (date(2026, 3, 12), 1)],
    )
    def test_R116_twelve_calendar_months_count_the_first_day_included(self, dov, on: date, counts: int) -> None:
        came_back(dov, on)
        found = history(dov)
        assert (found.count, found.latest) == (counts, on if counts else None)

    @pytest.mark.parametrize(
        ("reason", "counts"),
        [("nsf", 1), ("account_closed", 1), ("stopped", 1), ("refer_to_drawer", 1), ("signature", 1), ("stale", 0),
         ("early", 0), ("bank_error", 0)],
    )  # fmt: skip
    def test_R116_only_what_the_drawer_did_counts(self, dov, reason: str, counts: int) -> None:
        came_back(dov, reason=reason)
        assert history(dov).count == counts

    def test_R116_the_same_drawer_counts_under_another_customer(self, school, dov) -> None:
        came_back(dov, drawer="Dov & Sons Ltd")
        ben = builders.customer(school, "Ben")
        assert history(ben).count == 0
        assert history(ben, drawer="DOV & sons ltd").count == 1

    def test_but_not_in_another_organization(self, dov) -> None:
        came_back(dov)
        assert history(builders.customer(builders.organization(), "Dov")).count == 0

    @pytest.mark.parametrize(
        ("times", "verdict"), [(0, (False, False, False)), (1, (True, False, False)), (2, (True, True, False)),
                               (3, (True, False, True))],
    )  # fmt: skip
    def test_R116_warned_at_1_a_supervisor_at_2_refused_at_3(self, school, dov, times: int, verdict) -> None:
        builders.policy(school, "cheques.bounce_supervisor", 0)
        builders.policy(school, "cheques.bounce_refuse", 0)
        for _n in range(times):
            came_back(dov)
        builders.policy(school, "cheques.bounce_supervisor", 2)
        builders.policy(school, "cheques.bounce_refuse", 3)
        found = history(dov)
        assert (found.warns, found.needs_supervisor, found.refused) == verdict

    def test_0_switches_a_step_off(self, school, dov) -> None:
        for setting in ("warn", "supervisor", "refuse"):
            builders.policy(school, f"cheques.bounce_{setting}", 0)
        for _n in range(4):
            came_back(dov)
        found = history(dov)
        assert (found.count, found.warns, found.needs_supervisor, found.refused) == (4, False, False, False)


@pytest.fixture
def twice(school: Organization, dov: Customer) -> Customer:
    """Two cheques of Dov's came back."""
    came_back(dov)
    came_back(dov)
    return dov


@pytest.fixture
def thrice(school: Organization, twice: Customer) -> Customer:
    builders.policy(school, "cheques.bounce_supervisor", 0)
    came_back(twice)
    builders.policy(school, "cheques.bounce_supervisor", 2)
    return twice


class TestAtTheCounter:
    def test_R116_after_one_the_cheque_is_taken(self, dov) -> None:
        came_back(dov)
        assert pay_by_cheque(dov).payment.state == "processed"

    def test_R116_after_two_the_payment_waits_for_a_supervisor(self, school, twice) -> None:
        clerk, supervisor = builders.user(school, "clerk"), builders.user(school, "supervisor")
        taken = pay_by_cheque(twice, by=clerk)
        assert (taken.payment.state, taken.payment.pending_for) == ("pending", "accept_risky_cheque")
        assert taken.receipt.is_provisional
        assert [asked.action for asked in waiting_for(taken.payment)] == ["accept_risky_cheque"]
        booked = accept(taken.payment, supervisor)
        assert booked is not None
        assert booked.payment.state == "processed"

    def test_R116_after_three_it_is_refused_with_what_to_do(self, thrice) -> None:
        with pytest.raises(BounceRefused) as told:
            pay_by_cheque(thrice)
        assert str(told.value) == "3 cheques came back in 12 months; take cash, card or transfer."
        assert told.value.field == "cheque_number"
        assert builders.pay(thrice, 77).payment.state == "processed"

    def test_R116_the_day_it_was_taken_decides_so_that_the_past_can_be_loaded(self, thrice) -> None:
        early = pay_by_cheque(thrice, received_on=date(2026, 3, 11), paper={"cheque_date": date(2026, 3, 11)})
        assert early.payment.state == "processed"

    def test_R116_the_preview_says_what_the_save_will_do(self, school, twice) -> None:
        order = builders.order(twice, 77, method="cheque", cheque=builders.cheque("N1"))
        found = preview_order(organization=school, order=order, now=NOW)
        assert list(found.waits) == ["accept_risky_cheque"]
        assert found.bounces is not None
        assert found.bounces.count == 2

    def test_the_preview_says_that_three_are_refused(self, school, thrice) -> None:
        order = builders.order(thrice, 77, method="cheque", cheque=builders.cheque("N1"))
        found = preview_order(organization=school, order=order, now=NOW)
        assert [refusal.code for refusal in found.refusals] == ["too_many_bounces"]

    def test_a_plain_payment_asks_nothing_about_cheques_and_a_cheque_one_question(self, dov) -> None:
        def asked(take_one: Any) -> int:
            with CaptureQueriesContext(connection) as found:
                take_one()
            return sum(
                "payments_chequepresentation" in query["sql"] and "SELECT" in query["sql"][:7] for query in found
            )

        assert asked(lambda: builders.pay(dov, 5)) == 0
        assert asked(lambda: pay_by_cheque(dov)) == 1


class TestInTheVault:
    def test_R116_after_one_it_is_taken_in(self, dov) -> None:
        came_back(dov)
        assert in_vault(dov).state == "in_vault"

    def test_R116_after_two_a_clerk_is_sent_to_a_supervisor_by_name(self, school, twice) -> None:
        clerk = builders.user(school, "clerk")
        builders.user(school, "supervisor", name="grace")
        result = take(vault_order(twice), payer=twice, by=clerk)[0]
        assert isinstance(result, NeedsSupervisor)
        assert str(result) == "2 cheques came back in 12 months; a supervisor must accept this one: grace."
        assert not Cheque.objects.filter(state="in_vault").exists()

    def test_R116_a_supervisor_takes_it_in(self, school, twice) -> None:
        assert in_vault(twice, by=builders.user(school, "supervisor")).state == "in_vault"

    def test_R116_after_three_nobody_takes_it(self, school, thrice) -> None:
        result = take(vault_order(thrice), payer=thrice, by=builders.user(school, "supervisor"))[0]
        assert isinstance(result, BounceRefused)

    def ask(self, payer: Customer, clerk: Any, **details: Any) -> ApprovalRequest:
        with transaction.atomic():
            return ask_to_take_risky(
                organization=payer.organization, order=vault_order(payer, **details), reason="regular customer",
                now=NOW, by=clerk,
            )  # fmt: skip

    def carry_out(self, request: ApprovalRequest, by: Any) -> Cheque:
        with transaction.atomic():
            return carry_out_risky(request=request, now=NOW, by=by)

    def test_R116_an_approval_takes_in_exactly_this_cheque_once(self, school, twice) -> None:
        clerk, supervisor = builders.user(school, "clerk"), builders.user(school, "supervisor")
        due = builders.invoice(twice, 100)
        asked = self.ask(twice, clerk, number="55", for_invoices=(due.number,), request_key="form 5")
        cheque = self.carry_out(decide(asked, supervisor), supervisor)
        assert (cheque.number, cheque.state, cheque.recorded_by) == ("55", "in_vault", clerk)
        assert (cheque.for_invoices, cheque.request_key) == ([due.number], "form 5")
        with pytest.raises(AlreadyDecided):
            self.carry_out(asked, supervisor)

    def test_37_one_more_that_came_back_makes_the_approval_stale(self, school, twice) -> None:
        clerk, supervisor = builders.user(school, "clerk"), builders.user(school, "supervisor")
        builders.policy(school, "cheques.bounce_refuse", 0)
        asked = decide(self.ask(twice, clerk), supervisor)
        builders.policy(school, "cheques.bounce_supervisor", 0)
        came_back(twice)
        builders.policy(school, "cheques.bounce_supervisor", 2)
        with pytest.raises(ShownChanged):
            self.carry_out(asked, supervisor)

    def test_nobody_is_asked_without_need(self, school, dov) -> None:
        with pytest.raises(NothingToAccept):
            self.ask(dov, builders.user(school, "clerk"))

    def test_R114_a_cheque_we_hold_is_not_judged_again_on_its_day(self, school, dov) -> None:
        cheque = in_vault(dov, cheque_date=date(2026, 3, 16))
        for setting in ("supervisor", "refuse"):
            builders.policy(school, f"cheques.bounce_{setting}", 0)
        for _n in range(3):
            came_back(dov)
        for setting in ("supervisor", "refuse"):
            builders.policy(school, f"cheques.bounce_{setting}", 1)
        report = mature_cheques(as_of=None, now=NOW.replace(day=16), organization=school)
        assert (report.matured, report.waiting, report.troubled) == (1, 0, 0)
        cheque.refresh_from_db()
        assert cheque.state == "due"
