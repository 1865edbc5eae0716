"""Payout batches: prepared by one, approved by another as shown, paid once (R89, R90)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.errors import BadInput, IllegalTransition, KeyReused, NotPermitted
from billing.ledger.chart import open_bank_ledger_account
from billing.ledger.models import JournalEntry, Role
from billing.ledger.periods import close_period
from billing.models import Earning, Payout, PayoutBatch, Provider
from billing.office.approvals import OwnRequest, ShownChanged
from billing.office.models import Organization, User
from billing.services.earning.payouts import NothingToPay, WrongState, ask_to_pay, cancel_batch
from tests.agreements import provider
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.billing.earning.cast import accrue, approve, carry_out, one_lesson, pay_out, prepare, rate, tell
from tests.builders import NOW, TODAY, organization, policy, user
from tests.deeds import decide

pytestmark = pytest.mark.django_db
D = Decimal
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def maker(school: Organization) -> User:
    return user(school, "school_admin")


@pytest.fixture
def checker(school: Organization) -> User:
    return user(school, "finance_manager")


def teacher(org: Organization, *pays: str, name: str = "Tess Teacher") -> Provider:
    """Who earned these amounts: a lesson of twice the price each, half of which is the teacher's."""
    one = provider(org, name)
    for pay in pays:
        tell(one_lesson(one, str(D(pay) * 2)), "attended")
    accrue(org)
    return one


def cancel(batch: PayoutBatch) -> PayoutBatch:
    with transaction.atomic():
        return cancel_batch(batch=batch, now=NOW)


class TestPreparing:
    def test_everyone_with_something_is_in_it(self, school: Organization) -> None:
        """20 + 30 and 12.50: 62.50."""
        teacher(school, "20", "30", name="Tess")
        teacher(school, "12.50", name="Theo")
        batch = prepare(school)
        assert (batch.number, batch.state, batch.amount) == ("OUT-2026-000001", "draft", D("62.50"))
        assert [(p.provider.name, p.amount, p.earnings.count()) for p in batch.payouts.all()] == [
            ("Tess", D(50), 2), ("Theo", D("12.50"), 1),
        ]  # fmt: skip
        assert_books_whole()

    @pytest.mark.parametrize(("least", "paid"), [("50.00", True), ("50.01", False)])
    def test_less_than_the_minimum_is_carried_forward(self, school: Organization, least: str, paid: bool) -> None:
        tess = teacher(school, "50")
        rate(tess, "earnings.payout_minimum", least)
        if paid:
            assert prepare(school).amount == D(50)
        else:
            with pytest.raises(NothingToPay, match="nobody has earned anything that is paid out now"):
                prepare(school)

    def test_who_owes_us_is_carried_forward(self, school: Organization) -> None:
        """20 paid out, then corrected to 10: −10 stays for next time."""
        tess = provider(school)
        seat = one_lesson(tess)
        tell(seat, "attended")
        accrue(school)
        prepare(school)
        tell(seat, "no_show", now=LATER)
        accrue(school, LATER)
        teacher(school, "5", name="Theo")
        assert [p.provider.name for p in prepare(school).payouts.all()] == ["Theo"]
        assert Earning.objects.get(provider=tess, payout__isnull=True).amount == D(-10)

    def test_only_what_was_earned_by_the_day(self, school: Organization) -> None:
        """The lesson was on 10 March."""
        teacher(school, "20")
        with pytest.raises(NothingToPay):
            prepare(school, date(2026, 3, 9))
        assert prepare(school, date(2026, 3, 10)).amount == D(20)

    def test_the_future_is_not_paid(self, school: Organization) -> None:
        with pytest.raises(BadInput, match="not earned yet"):
            prepare(school, TODAY + timedelta(days=1))

    def test_the_same_key_gives_the_same_batch(self, school: Organization) -> None:
        teacher(school, "20")
        batch = prepare(school, key="march")
        assert prepare(school, key="march") == batch
        with pytest.raises(KeyReused):
            prepare(school, date(2026, 3, 11), key="march")

    def test_an_earning_is_in_one_batch(self, school: Organization) -> None:
        teacher(school, "20")
        prepare(school)
        with pytest.raises(NothingToPay):
            prepare(school)

    def test_two_batches_at_once_take_no_earning_twice(self, run_in_threads) -> None:
        school = organization()
        teacher(school, "20", "30")
        outcomes = run_in_threads(lambda _n: prepare(school).amount, 3)
        assert outcomes.results == [D(50)]
        assert [type(error) for error in outcomes.errors] == [NothingToPay] * 2
        assert_books_whole()

    def test_each_currency_by_itself(self, school: Organization) -> None:
        teacher(school, "20")
        with pytest.raises(NothingToPay):
            prepare(school, currency="EUR")
        with pytest.raises(BadInput, match="Unknown currency"):
            prepare(school, currency="XXX")


class TestApproving:
    def test_37_another_person_approves_what_was_shown(self, school, maker, checker) -> None:
        teacher(school, "20")
        batch = approve(prepare(school, by=maker), maker, checker)
        assert batch.state == "approved"
        assert batch.approval is not None
        assert batch.approval.shown["payouts"] == [
            {"provider": str(Provider.objects.get()), "earnings": 1, "amount": "20.00"}
        ]
        assert len(batch.content_hash) == 64
        assert_books_whole()

    def test_37_who_asked_does_not_approve(self, school: Organization) -> None:
        both = user(school, "manager", "finance_manager")
        teacher(school, "20")
        with pytest.raises(OwnRequest):
            approve(prepare(school), both, both)

    def test_37_who_prepared_it_does_not_approve_it_whoever_asked(self, school, maker) -> None:
        both = user(school, "manager", "finance_manager")
        teacher(school, "20")
        with pytest.raises(OwnRequest):
            approve(prepare(school, by=both), maker, both)

    @pytest.mark.parametrize("role", ["clerk", "supervisor", "accountant", "teacher"])
    def test_others_may_not_ask(self, school: Organization, role: str) -> None:
        teacher(school, "20")
        with pytest.raises(NotPermitted), transaction.atomic():
            ask_to_pay(batch=prepare(school), reason="x", by=user(school, role), now=NOW)

    def test_37_what_changed_since_it_was_shown_is_not_approved(self, school, maker, checker) -> None:
        """An amount altered behind the program's back."""
        teacher(school, "20")
        batch = prepare(school, by=maker)
        with transaction.atomic():
            request = ask_to_pay(batch=batch, reason="month end", by=maker, now=NOW)
        decided = decide(request, checker)
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("UPDATE billing_earning SET amount = 19")
            cursor.execute("SET session_replication_role = DEFAULT")
        with pytest.raises(ShownChanged):
            carry_out(decided, checker)

    def test_37_a_page_that_was_overtaken_decides_nothing(self, school, maker, checker) -> None:
        teacher(school, "20")
        with transaction.atomic():
            request = ask_to_pay(batch=prepare(school, by=maker), reason="month end", by=maker, now=NOW)
        with pytest.raises(ShownChanged):
            decide(request, checker, shown_hash="0" * 64)

    def test_a_batch_given_up_is_not_approved(self, school, maker, checker) -> None:
        teacher(school, "20")
        batch = prepare(school, by=maker)
        with transaction.atomic():
            request = ask_to_pay(batch=batch, reason="month end", by=maker, now=NOW)
        cancel(batch)
        reread(request)
        assert request.state == "withdrawn"
        with pytest.raises(WrongState), transaction.atomic():
            ask_to_pay(batch=batch, reason="again", by=maker, now=NOW)


class TestPaying:
    def test_the_bank_has_less_and_nobody_is_owed_anything(self, school, maker, checker) -> None:
        tess = teacher(school, "20", "30", name="Tess")
        teacher(school, "12.50", name="Theo")
        batch = pay_out(approve(prepare(school, by=maker), maker, checker))
        assert (batch.state, batch.paid_on, batch.bank_reference) == ("paid", TODAY, "ACH 77")
        assert_posts(
            JournalEntry.objects.filter(event="paid_out"),
            """2026-03-12  providers_payable Dr 50.00    bank Cr 50.00
            2026-03-12  providers_payable Dr 12.50    bank Cr 12.50""",
        )
        assert balance(school, Role.PROVIDERS_PAYABLE, party=tess.pk) == 0
        assert all(payout.entry_id for payout in Payout.objects.all())
        assert_books_whole()

    def test_from_the_bank_account_it_left(self, school, maker, checker) -> None:
        with transaction.atomic():
            account = open_bank_ledger_account(school.pk, "Second National")
        teacher(school, "20")
        pay_out(approve(prepare(school, by=maker), maker, checker), account_id=account.pk)
        assert JournalEntry.objects.get(event="paid_out").lines.filter(account=account).exists()

    def test_not_from_somebody_elses(self, school, maker, checker) -> None:
        other = organization()
        with transaction.atomic():
            account = open_bank_ledger_account(other.pk, "Theirs")
        teacher(school, "20")
        with pytest.raises(BadInput, match="Choose one of our bank accounts"):
            pay_out(approve(prepare(school, by=maker), maker, checker), account_id=account.pk)

    def test_only_what_was_approved_and_only_once(self, school, maker, checker) -> None:
        teacher(school, "20")
        batch = prepare(school, by=maker)
        with pytest.raises(WrongState):
            pay_out(batch)
        approve(batch, maker, checker)
        pay_out(batch)
        with pytest.raises(WrongState):
            pay_out(batch)
        assert JournalEntry.objects.filter(event="paid_out").count() == 1

    def test_two_people_pay_it_at_once(self, run_in_threads) -> None:
        school = organization()
        maker, checker = user(school, "school_admin"), user(school, "finance_manager")
        teacher(school, "20")
        batch = approve(prepare(school, by=maker), maker, checker)
        outcomes = run_in_threads(lambda _n: pay_out(PayoutBatch.objects.get(pk=batch.pk)).state, 2)
        assert (outcomes.results, [type(error) for error in outcomes.errors]) == (["paid"], [WrongState])
        assert balance(school, Role.BANK) == D(-20)
        assert_books_whole()

    @pytest.mark.parametrize("days", [-1, 1])
    def test_not_before_it_was_made_and_not_to_come(self, school, maker, checker, days: int) -> None:
        teacher(school, "20")
        batch = approve(prepare(school, by=maker), maker, checker)
        with pytest.raises(BadInput):
            pay_out(batch, TODAY + timedelta(days=days))

    def test_12_in_a_closed_month_the_books_take_the_next_open_day(self, school, maker, checker) -> None:
        teacher(school, "20")
        batch = approve(prepare(school, by=maker), maker, checker)
        with transaction.atomic():
            close_period(organization_id=school.pk, month=date(2026, 3, 1), now=NOW, by_id=None)
        pay_out(batch, now=NOW + timedelta(days=30))
        assert JournalEntry.objects.get(event="paid_out").entry_date == date(2026, 4, 1)
        assert PayoutBatch.objects.get().paid_on == TODAY
        assert_books_whole()


class TestCancelling:
    def test_its_earnings_are_free_for_the_next(self, school, maker, checker) -> None:
        teacher(school, "20")
        first = cancel(approve(prepare(school, by=maker), maker, checker))
        assert (first.state, first.payouts.get().is_cancelled) == ("cancelled", True)
        assert not Earning.objects.filter(payout__isnull=False).exists()
        assert prepare(school).amount == D(20)
        assert_books_whole()

    def test_what_is_paid_stays_paid(self, school, maker, checker) -> None:
        teacher(school, "20")
        batch = pay_out(approve(prepare(school, by=maker), maker, checker))
        with pytest.raises(IllegalTransition):
            cancel(batch)

    def test_a_policy_for_all_and_one_of_their_own(self, school: Organization) -> None:
        """Everybody from 25, Tess from 10."""
        policy(school, "earnings.payout_minimum", "25")
        tess = teacher(school, "20", name="Tess")
        teacher(school, "20", name="Theo")
        rate(tess, "earnings.payout_minimum", "10")
        assert [p.provider.name for p in prepare(school).payouts.all()] == ["Tess"]
