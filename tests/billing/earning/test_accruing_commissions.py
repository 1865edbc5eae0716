"""Premiums that were paid earn their agents, and what becomes undone is taken back (R90), through the real services."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.ledger.models import Role
from billing.models import Earning, Provider
from billing.office.models import Organization
from billing.rules.explaining import sentences
from billing.services.allocating import allocate_credit
from billing.services.invoicing import issue_credit_memo
from tests import bank_run, deeds
from tests.agreements import provider
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.billing.earning.cast import accrue, agent, amounts, earned, paid_out_to, policy_of, premium, rate
from tests.builders import NOW, TODAY, credit_of, organization, pay, policy, user
from tests.payments import refund_cast

pytestmark = pytest.mark.django_db
D = Decimal
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def insurer() -> Organization:
    """15 % in the first year, 5 % afterwards, 2 % for the agent above."""
    org = organization(name="Sure Life")
    for kind, percent in (("first_year", "15"), ("renewal", "5"), ("override", "2")):
        policy(org, f"commissions.{kind}_percent", percent)
    return org


@pytest.fixture
def boss(insurer: Organization) -> Provider:
    return agent(insurer, "Max Manager")


@pytest.fixture
def ann(insurer: Organization, boss: Provider) -> Provider:
    return agent(insurer, "Ann Agent", manager=boss)


class TestEarning:
    def test_R90_first_year_and_override_of_the_premium_without_tax(self, insurer, ann, boss) -> None:
        """118.00 paid, 100.00 of it without 18 % tax: 15.00 for the agent, 2.00 for the one above."""
        bill = premium(policy_of(ann), tax_rate="0.18")
        pay(bill.customer, "118.00", by_hand=[(bill, "118.00")])
        accrue(insurer)
        assert (earned(ann), earned(boss)) == ([("first_year", D(15))], [("override", D(2))])
        assert_posts(
            [row.entry for row in Earning.objects.select_related("entry")],
            """2026-03-12  commissions Dr 15.00    providers_payable Cr 15.00
            2026-03-12  commissions Dr 2.00    providers_payable Cr 2.00""",
        )
        assert sentences(Earning.objects.earliest("pk").derivation, "USD")[0] == (
            f"US$118.00 of invoice {bill.number} was paid; without tax that is US$100.00 of premium."
        )
        assert_books_whole()

    @pytest.mark.parametrize(
        ("period", "kind", "amount"),
        [
            (date(2026, 12, 31), "first_year", "15.00"),  # the day before the policy's anniversary
            (date(2027, 1, 1), "renewal", "5.00"),  # the anniversary
        ],
    )
    def test_R90_the_boundary_of_the_first_year(self, insurer, ann, period: date, kind: str, amount: str) -> None:
        bill = premium(policy_of(ann, date(2026, 1, 1)), period_start=period)
        pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        accrue(insurer)
        assert earned(ann) == [(kind, D(amount))]

    def test_R90_it_accrues_with_each_payment(self, insurer, ann) -> None:
        """60 × 15 % = 9.00, 40 × 15 % = 6.00."""
        bill = premium(policy_of(ann))
        for amount in ("60.00", "40.00"):
            pay(bill.customer, amount, by_hand=[(bill, amount)])
            accrue(insurer)
        assert amounts(ann) == ["9.00", "6.00"]
        assert_books_whole()

    def test_R58_an_agent_has_rates_of_their_own_and_so_has_the_one_above(self, insurer, ann, boss) -> None:
        """100 × 20 %; 100 × 3 %."""
        rate(ann, "commissions.first_year_percent", "20")
        rate(boss, "commissions.override_percent", "3")
        bill = premium(policy_of(ann))
        pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        accrue(insurer)
        assert (amounts(ann), amounts(boss)) == (["20.00"], ["3.00"])

    def test_a_rate_set_later_is_not_for_premiums_paid_before(self, insurer, ann) -> None:
        bill = premium(policy_of(ann))
        pay(
            bill.customer,
            "100.00",
            by_hand=[(bill, "100.00")],
            now=NOW - timedelta(days=1),
            received_on=date(2026, 3, 11),
        )
        accrue(insurer)
        assert amounts(ann) == []

    def test_a_teacher_sells_no_policies_and_a_fee_is_no_premium(self, insurer, ann) -> None:
        taught = premium(policy_of(provider(insurer)))
        fee = premium(policy_of(ann), kind="fee")
        for bill in (taught, fee):
            pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        assert accrue(insurer).written == 0

    def test_a_premium_forgiven_by_a_credit_memo_was_not_paid(self, insurer, ann) -> None:
        bill = premium(policy_of(ann))
        with transaction.atomic():
            memo = issue_credit_memo(
                organization=insurer, customer_id=bill.customer_id, net=D(100), tax=D(0), currency="USD",
                issued_on=TODAY, reason="goodwill", now=NOW, by=None,
            )  # fmt: skip
            allocate_credit(credit_item=memo.credit_item, strategy="fifo", now=NOW, by=None)
        assert accrue(insurer).written == 0

    def test_looking_again_and_by_three_workers_changes_nothing(self, run_in_threads) -> None:
        org = organization()
        policy(org, "commissions.first_year_percent", "15")
        ann = agent(org)
        bill = premium(policy_of(ann))
        pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        outcomes = run_in_threads(lambda _n: accrue(org).written, 3)
        assert (outcomes.errors, sorted(outcomes.results)) == ([], [0, 0, 1])
        assert accrue(org, LATER).written == 0
        assert amounts(ann) == ["15.00"]
        assert_books_whole()


class TestClawback:
    def test_F40_a_cheque_that_comes_back_takes_the_commission_with_it(self, insurer, ann, boss) -> None:
        bill = premium(policy_of(ann))
        paper = bank_run.held(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        bank_run.at_bank(bank_run.bank(insurer), [paper])
        reread(paper)
        accrue(insurer)
        bank_run.bounce(paper, user(insurer, "clerk"), user(insurer, "supervisor"))
        accrue(insurer)
        assert earned(ann) == [("first_year", D(15)), ("clawback", D(-15))]
        assert earned(boss) == [("override", D(2)), ("clawback", D(-2))]
        back = Earning.objects.filter(provider=ann).latest("pk")
        assert back.reverses == Earning.objects.filter(provider=ann).earliest("pk")
        assert balance(insurer, Role.PROVIDERS_PAYABLE) == 0
        assert_books_whole()

    def test_a_payment_voided(self, insurer, ann) -> None:
        bill = premium(policy_of(ann))
        taken = pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        accrue(insurer)
        deeds.void(taken.payment, user(insurer, "clerk"), user(insurer, "manager"))
        accrue(insurer)
        assert amounts(ann) == ["15.00", "-15.00"]
        assert_books_whole()

    def test_a_processed_payment_refunded_in_part(self, insurer, ann) -> None:
        """100 paid by card, 40 given back: what was undone is taken back, what still stands is earned."""
        bill = premium(policy_of(ann))
        taken = pay(bill.customer, "100.00", by_hand=[(bill, "100.00")], method="card", reference="T-9")
        accrue(insurer)
        desk = refund_cast.office(insurer)
        refund_cast.paid(credit_of(taken.payment), "40.00", desk)
        accrue(insurer)
        bill.refresh_from_db()
        assert sum(map(D, amounts(ann))) == (bill.applied_amount * D("0.15")).quantize(D("0.01"))
        assert bill.applied_amount == D("60.00")
        assert_books_whole()

    def test_undone_before_anybody_looked_it_was_never_earned(self, insurer, ann) -> None:
        bill = premium(policy_of(ann))
        taken = pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        deeds.void(taken.payment, user(insurer, "clerk"), user(insurer, "manager"))
        assert accrue(insurer).written == 0

    def test_a_clawback_after_the_payout_is_carried_forward(self, insurer, ann) -> None:
        """15 paid out and taken back; the next premium's 15 makes it even, so nothing is paid."""
        first = premium(policy_of(ann))
        taken = pay(first.customer, "100.00", by_hand=[(first, "100.00")])
        accrue(insurer)
        paid_out_to(insurer)
        deeds.void(taken.payment, user(insurer, "clerk"), user(insurer, "manager"))
        accrue(insurer)
        assert balance(insurer, Role.PROVIDERS_PAYABLE, party=ann.pk) == D(15)
        second = premium(policy_of(ann))
        pay(second.customer, "100.00", by_hand=[(second, "100.00")])
        accrue(insurer)
        assert balance(insurer, Role.PROVIDERS_PAYABLE, party=ann.pk) == 0
        assert_books_whole()
