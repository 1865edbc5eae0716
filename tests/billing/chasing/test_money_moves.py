"""The timeline follows the money: settled when paid, opened again when it is taken back (§2 row 14, §3 row 19)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Allocation, DunningCase, DunningStep, InsurancePolicy
from billing.models.agreement import AgreementState
from billing.models.dunning import CaseState
from billing.services.allocating import unallocate
from billing.services.chasing.timelines import recompute
from billing.services.invoicing import void_invoice
from tests import agreements
from tests.assertions import assert_books_whole, reread
from tests.bank_run import at_bank, bank, bounce, held
from tests.billing.chasing.cast import at, case_of, mails, owed, run, run_days, school, steps_of, taken_on
from tests.builders import NOW, TODAY, credit_of, customer, pay, user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def org(db):
    return school(dunning__suspend_days=30, dunning__before_days="")


@pytest.fixture
def ada(org):
    return customer(org, "Ada", email="ada@example.com")


def stopped(org, payer, amount="120.00"):
    """An agreement that was suspended today for an invoice."""
    agreement = agreements.agreement(payer)
    bill = owed(payer, amount, late=27, agreement_id=agreement.pk)
    run(org)
    run_days(org, TODAY + DAY, TODAY + 3 * DAY)
    reread(agreement)
    assert agreement.state == AgreementState.SUSPENDED
    return agreement, bill


LATER = TODAY + 4 * DAY


def two_premiums(org, payer, *, late):
    """A policy whose term is over with two premiums of it that are so many days late."""
    first = TODAY - 60 * DAY
    policy = agreements.agreement(
        payer, agreements.plan(org, kind="policy", frequency="annual"), starts_on=first, ends_on=TODAY - DAY
    )
    InsurancePolicy.objects.create(organization=org, agreement=policy, policy_number="POL-2", currency="USD")
    half = first + 30 * DAY
    periods = [(first, half - DAY), (half, TODAY - DAY)]
    return policy, [
        owed(payer, "90.00", late=days, agreement_id=policy.pk, period_start=start, period_end=end)
        for days, (start, end) in zip(late, periods, strict=True)
    ]


def pay_one(payer, bill, amount="90.00", **details):
    return pay(payer, amount, by_hand=[(bill, amount)], strategy="manual", lookalike_reason="once more", **details)


def take_back(bill, now=NOW):
    """What was set against an invoice, freed again."""
    with transaction.atomic():
        rows = Allocation.objects.filter(invoice=bill, reverses__isnull=True, reversed_by__isnull=True)
        unallocate(allocations=rows.select_related("organization"), now=now, by=None, reason="came back")


class TestPaid:
    def test_R75_service_goes_on_at_once_when_it_is_paid(self, org, ada) -> None:
        agreement, bill = stopped(org, ada)
        pay(ada, "120.00", now=at(LATER), received_on=LATER)
        reread(agreement)
        case = case_of(bill)
        assert agreement.state == AgreementState.ACTIVE
        assert (case.state, case.settled_on, case.next_step, case.held_because) == (CaseState.SETTLED, LATER, "", "")
        assert steps_of(bill)[-1] == "reactivate"
        assert [mail.kind for mail in mails(org, "agreement_reactivate")] == ["agreement_reactivate"]
        assert_books_whole()

    def test_a_part_payment_skips_no_state(self, org, ada) -> None:
        agreement, bill = stopped(org, ada)
        pay(ada, "119.99", now=at(LATER), received_on=LATER)
        reread(agreement)
        assert (agreement.state, case_of(bill).state) == (AgreementState.SUSPENDED, CaseState.CHASING)
        pay(ada, "0.01", now=at(LATER), received_on=LATER)
        reread(agreement)
        assert agreement.state == AgreementState.ACTIVE

    def test_two_invoices_stopped_it_and_both_must_be_paid(self, org, ada) -> None:
        agreement, _first = stopped(org, ada)
        second = owed(ada, "50.00", late=24, agreement_id=agreement.pk)
        run_days(org, LATER, LATER + 5 * DAY)
        assert "suspend" in steps_of(second)
        last = LATER + 6 * DAY
        pay(ada, "120.00", now=at(last), received_on=last)
        reread(agreement)
        assert agreement.state == AgreementState.SUSPENDED
        pay(ada, "50.00", now=at(last), received_on=last)
        reread(agreement)
        assert agreement.state == AgreementState.ACTIVE

    def test_a_void_invoice_keeps_nothing_stopped(self, org, ada) -> None:
        agreement, bill = stopped(org, ada)
        with transaction.atomic():
            void_invoice(invoice=bill, reason="billed twice", now=at(LATER), by=None)
        reread(agreement)
        assert (agreement.state, case_of(bill).state) == (AgreementState.ACTIVE, CaseState.SETTLED)


class TestTakenBack:
    def test_row_14_a_bounced_cheque_stops_it_again(self, org, ada) -> None:
        agreement, bill = stopped(org, ada)
        paper = held(ada, "120.00", now=at(LATER), received_on=LATER, paper={"cheque_date": LATER})
        reread(agreement)
        assert agreement.state == AgreementState.ACTIVE
        at_bank(bank(org), [paper], LATER, now=at(LATER))
        bounce(paper, user(org, "clerk"), user(org, "supervisor"), on=LATER + DAY, now=at(LATER + DAY))
        reread(agreement)
        case = case_of(bill)
        assert (agreement.state, case.state, case.level) == (AgreementState.SUSPENDED, CaseState.CHASING, 0)
        assert list(DunningStep.objects.filter(case=case, round=2).values_list("step", "why")) == [
            ("reopened", "came_back"), ("suspend", "came_back"),
        ]  # fmt: skip
        assert_books_whole()

    def test_and_it_goes_on_again_when_paid_once_more(self, org, ada) -> None:
        agreement, bill = stopped(org, ada)
        for turn in range(2):
            day = LATER + turn * DAY
            pay(ada, "120.00", now=at(day), received_on=day, lookalike_reason="paid again")
            reread(agreement)
            assert agreement.state == AgreementState.ACTIVE
            take_back(bill, now=at(day))
            reread(agreement)
            assert agreement.state == AgreementState.SUSPENDED
        assert max(DunningStep.objects.filter(case__invoice=bill).values_list("round", flat=True)) == 3

    def test_on_one_day_each_turn_is_told_and_the_last_word_is_how_it_stands(self, org, ada) -> None:
        agreement, bill = stopped(org, ada)
        pay_one(ada, bill, "120.00", now=at(LATER), received_on=LATER)
        take_back(bill, now=at(LATER))
        pay_one(ada, bill, "120.00", now=at(LATER), received_on=LATER)
        reread(agreement)
        assert agreement.state == AgreementState.ACTIVE
        told = [mail.kind for mail in mails(org, "agreement_suspend", "agreement_reactivate")]
        assert told == ["agreement_suspend", "agreement_reactivate"] * 2

    def test_a_new_round_sends_only_the_highest_reminder_that_is_due(self, org, ada) -> None:
        bill = owed(ada, late=10)
        run(org)
        taken = pay(ada, "120.00")
        with transaction.atomic():
            unallocate(
                allocations=Allocation.objects.filter(credit_item=taken.payment.credit_item), now=NOW, by=None,
                reason="meant for another",
            )  # fmt: skip
            taken.payment.credit_item.refresh_from_db()
        other = owed(ada, "120.00", late=-300)
        from billing.services.allocating import allocate_credit

        with transaction.atomic():
            allocate_credit(
                credit_item=credit_of(taken.payment), strategy="manual", by_hand=[(other.pk, Decimal(120))], now=NOW,
                by=None,
            )  # fmt: skip
        run(org, TODAY + DAY)
        assert steps_of(bill) == ["level_2", "reopened", "level_2"]


class TestPolicies:
    def test_R74_a_lapsed_policy_is_revived_when_paid_and_lapses_again_when_the_cheque_bounces(self) -> None:
        org = school(dunning__grace_days=30, dunning__lapse=True)
        ada = customer(org, email="ada@example.com")
        first = TODAY - 31 * DAY
        policy = agreements.agreement(
            ada, agreements.plan(org, kind="policy", frequency="annual"), starts_on=first, ends_on=TODAY - DAY
        )
        InsurancePolicy.objects.create(organization=org, agreement=policy, policy_number="POL-1", currency="USD")
        bill = owed(ada, "90.00", late=31, agreement_id=policy.pk, period_start=first, period_end=TODAY - DAY)
        run(org)
        reread(policy)
        assert policy.state == AgreementState.LAPSED
        day = TODAY + DAY
        paper = held(ada, "90.00", now=at(day), received_on=day, paper={"cheque_date": day})
        reread(policy)
        assert (policy.state, steps_of(bill)[-1]) == (AgreementState.ACTIVE, "revive")
        at_bank(bank(org), [paper], day, now=at(day))
        bounce(paper, user(org, "clerk"), user(org, "supervisor"), on=day, now=at(day))
        reread(policy)
        assert (policy.state, steps_of(bill)[-2:]) == (AgreementState.LAPSED, ["reopened", "lapse"])
        assert_books_whole()

    def test_R74_of_two_premiums_one_comes_back_lapses_it_and_revives_it_once_more(self) -> None:
        """Both lapses stand on timelines, and each is revived: a payment is never refused for it."""
        org = school(dunning__grace_days=30, dunning__lapse=True)
        ada = customer(org, email="ada@example.com")
        policy, bills = two_premiums(org, ada, late=(40, 35))
        run(org)
        for bill in bills:
            pay_one(ada, bill)
        assert [steps_of(bill) for bill in bills] == [["lapse", "final"], ["lapse", "final", "revive"]]
        take_back(bills[0])
        reread(policy)
        assert policy.state == AgreementState.LAPSED
        pay_one(ada, bills[0])
        reread(policy)
        assert policy.state == AgreementState.ACTIVE
        assert steps_of(bills[0]) == ["lapse", "final", "reopened", "lapse", "revive"]
        kinds = [mail.kind for mail in mails(org, "agreement_lapse", "agreement_revive")]
        assert kinds == ["agreement_lapse", "agreement_revive"] * 2
        assert_books_whole()

    def test_R74_a_premium_for_which_it_had_not_lapsed_lapses_it_too_when_its_money_comes_back(self) -> None:
        org = school(dunning__grace_days=30, dunning__lapse=True)
        ada = customer(org, email="ada@example.com")
        policy, bills = two_premiums(org, ada, late=(40, 20))
        run(org)
        for bill in bills:
            pay_one(ada, bill)
        day = TODAY + 15 * DAY  # past the grace of the second
        for _turn in range(2):
            take_back(bills[1], now=at(day))
            reread(policy)
            assert (policy.state, steps_of(bills[1])[-1]) == (AgreementState.LAPSED, "lapse")
            pay_one(ada, bills[1], now=at(day), received_on=day)
            reread(policy)
            assert (policy.state, steps_of(bills[1])[-1]) == (AgreementState.ACTIVE, "revive")
        kinds = [mail.kind for mail in mails(org, "agreement_lapse", "agreement_revive")]
        assert kinds == ["agreement_lapse", "agreement_revive"] * 3
        assert_books_whole()


class TestCost:
    def test_it_costs_one_query_where_nothing_has_a_timeline(self, org, ada) -> None:
        bill = owed(ada, late=1)
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            from billing.services.chasing.timelines import after_money

            after_money(invoice_ids=[bill.pk], now=NOW, by=None)
        assert len([q for q in queries.captured_queries if "SAVEPOINT" not in q["sql"]]) == 1

    def test_recompute_repeated_changes_nothing(self, org, ada) -> None:
        bill = owed(ada, late=5)
        for _turn in range(2):
            with transaction.atomic():
                recompute(organization=org, invoice_ids=[bill.pk], now=NOW, by=None)
        case = DunningCase.objects.get()
        assert (case.state, case.next_step, case.next_on) == (CaseState.CHASING, "level_1", TODAY - 4 * DAY)
        assert taken_on(bill) == {}
