"""Deposit slips: what goes to the bank together, and when its money is there (R12, R112)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.errors import BadInput, DomainError, KeyReused, NotFound, Refusals
from billing.ledger.models import Role
from billing.ledger.periods import close_period
from billing.office.models import Organization
from payments.models import BankAccount, Cheque, ChequePresentation, Deposit
from payments.services.clearing import NotAtBank
from payments.services.deposits import ChequeChanged, NotDepositable, SlipIsDone
from payments.services.safe import NotInSafe
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.bank_run import at_bank, bank, cancel, clear, hand_in, held, payment_of, slip
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy, user
from tests.deeds import void

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def account(school) -> BankAccount:
    return bank(school)


@pytest.fixture
def ada(school):
    return customer(school)


class TestPreparing:
    def test_R112_a_slip_promises_cheques_and_cash_and_posts_nothing(self, school, account, ada) -> None:
        first, second = held(ada, 120), held(ada, 80)
        pay(ada, 50)
        made = slip(account, [first, second], 50, denominations=[(Decimal(20), 2), (Decimal(10), 1)])
        assert (made.number, made.state, made.cheque_count) == ("DEP-2026-00000001", "prepared", 2)
        assert (made.cash_amount, made.cheque_amount, made.total_amount) == (50, 200, 250)
        assert made.denominations == [["20", 2], ["10", 1]]
        assert set(ChequePresentation.objects.values_list("deposit", flat=True)) == {made.pk}
        assert set(Cheque.objects.values_list("state", flat=True)) == {"due"}
        assert balance(school, Role.BANK) == 0 and balance(school, Role.CHEQUES_IN_HAND) == 200
        assert_books_whole()

    def test_R12_all_of_the_safe_may_go_and_a_cent_more_not(self, account, ada) -> None:
        pay(ada, "50.00")
        with pytest.raises(NotInSafe) as refusal:
            slip(account, cash="50.01")
        assert refusal.value.field == "cash_amount"
        assert slip(account, cash="50.00").cash_amount == 50
        with pytest.raises(NotInSafe):
            slip(account, cash="0.01")

    def test_R12_a_cancelled_slip_gives_its_cash_back_to_the_safe(self, account, ada) -> None:
        pay(ada, "50.00")
        cancel(slip(account, cash="50.00"))
        assert slip(account, cash="50.00").state == "prepared"

    @pytest.mark.parametrize(
        "cash, denominations, field, code",
        [
            ("-1", (), "cash_amount", "negative"),
            ("0.001", (), "cash_amount", "too_many_decimals"),
            ("40", ((Decimal(20), 1),), "denominations", "denominations_differ"),
            ("20", ((Decimal(20), 1), (Decimal(5), -1)), "denominations", "bad_count"),
            ("21", ((Decimal(7), 3),), "denominations", "unknown_denomination"),
            ("0", (), "cheques", "required"),
        ],
    )
    def test_R12_cash_that_does_not_add_up_is_refused(self, account, ada, cash, denominations, field, code) -> None:
        pay(ada, 50)
        with pytest.raises(BadInput) as refusal:
            slip(account, cash=cash, denominations=denominations)
        assert (refusal.value.field, refusal.value.code) == (field, code)
        assert not Deposit.objects.exists()

    def test_a_cheque_of_another_organization_is_not_found(self, account) -> None:
        theirs = held(customer(organization(), "Eve"))
        with pytest.raises(NotFound):
            slip(account, [theirs])

    def test_every_cheque_that_cannot_go_is_named_at_once(self, school, account, ada) -> None:
        policy(school, "payments.verify_above", "500")
        policy(school, "payments.currencies", ["EUR"])
        policy(school, "cheques.stale_days", 30)
        promised, waiting = held(ada, 10, "A1"), held(ada, 600, "A2")
        stale = held(ada, 30, "A3", paper={"cheque_date": TODAY - 30 * DAY})
        slip(account, [promised])
        with pytest.raises(Refusals) as refusal:
            slip(account, [promised, waiting, stale], now=NOW + DAY)
        assert [str(one) for one in refusal.value.refusals] == [
            "First Bank A1 is on deposit slip DEP-2026-00000001 already.",
            f"First Bank A2 is not booked yet: {waiting.payment.number} waits for a second person.",
            "First Bank A3 is stale (dated 2026-02-10, older than 30 days); ask Ada Lovelace for a new one.",
        ]
        assert Deposit.objects.count() == 1

    def test_R112_a_cheque_stale_tomorrow_goes_today(self, school, account, ada) -> None:
        policy(school, "cheques.stale_days", 30)
        assert slip(account, [held(ada, 30, paper={"cheque_date": TODAY - 30 * DAY})]).cheque_count == 1

    def test_a_cheque_in_another_currency_goes_into_an_account_of_its_currency(self, school, ada) -> None:
        paper = held(ada, 120)
        with pytest.raises(Refusals) as refusal:
            slip(bank(school, "EUR"), [paper])
        assert refusal.value.code == "wrong_currency"

    def test_the_same_request_is_one_slip(self, account, ada) -> None:
        papers = [held(ada, 120), held(ada, 80)]
        first = slip(account, papers, key="k")
        assert slip(account, papers, key="k") == first == Deposit.objects.get()
        with pytest.raises(KeyReused):
            slip(account, papers[:1], key="k")

    def test_cancelled_its_cheques_are_free_for_another(self, account, ada) -> None:
        paper = held(ada)
        first = cancel(slip(account, [paper]))
        second = slip(account, [paper])
        reread(first)
        assert (first.state, second.number) == ("cancelled", "DEP-2026-00000002")
        with pytest.raises(SlipIsDone):
            cancel(first)
        assert_books_whole()


class TestAtTheBank:
    def test_R112_handed_in_its_money_is_at_the_bank_in_one_entry(self, school, account, ada) -> None:
        paper = held(ada, 120)
        pay(ada, 50)
        done = hand_in(slip(account, [paper], 50), reference="B-77")
        assert_posts([done.entry], "2026-03-12  bank Dr 170.00    cash Cr 50.00    cheques_in_hand Cr 120.00")
        line = done.entry.lines.get(account__role=Role.BANK)
        reread(paper)
        assert (line.account_id, paper.state) == (account.ledger_account_id, "deposited")
        assert balance(school, Role.CASH) == balance(school, Role.CHEQUES_IN_HAND) == 0
        assert_books_whole()

    def test_said_twice_it_is_deposited_once(self, account, ada) -> None:
        made = slip(account, [held(ada)])
        first, second = hand_in(made, reference="7"), hand_in(made, reference="7")
        assert first.entry_id == second.entry_id
        with pytest.raises(SlipIsDone):
            hand_in(made, reference="8")

    @pytest.mark.parametrize("days, code", [(-1, "before_slip"), (1, "future_date")])
    def test_the_day_lies_between_the_slip_and_today(self, account, ada, days, code) -> None:
        with pytest.raises(BadInput) as refusal:
            hand_in(slip(account, [held(ada)]), TODAY + days * DAY)
        assert refusal.value.code == code

    def test_the_day_before_yesterday_is_fine_for_an_older_slip(self, account, ada) -> None:
        made = slip(account, [held(ada)])
        done = hand_in(made, TODAY + DAY, now=NOW + 3 * DAY)
        assert (done.deposited_on, done.entry.entry_date) == (TODAY + DAY, TODAY + DAY)

    def test_in_a_closed_month_it_posts_on_the_next_open_day(self, school, account, ada) -> None:
        made = slip(account, [held(ada)])
        close_period(organization_id=school.pk, month=TODAY.replace(day=1), now=NOW, by_id=None)
        done = hand_in(made, TODAY, now=NOW + 20 * DAY)
        assert (str(done.deposited_on), str(done.entry.entry_date)) == ("2026-03-12", "2026-04-01")
        assert_books_whole()

    def test_a_cheque_that_changed_meanwhile_stops_the_slip_and_is_named(self, account, ada) -> None:
        paper = held(ada, 120, "X9")
        made = slip(account, [paper, held(ada, 30)])
        Cheque.objects.filter(pk=paper.pk).update(state="cancelled")
        with pytest.raises(ChequeChanged) as refusal:
            hand_in(made)
        assert "First Bank X9 is cancelled meanwhile" in str(refusal.value)
        assert cancel(made).state == "cancelled"

    def test_R105_a_cheque_on_a_slip_is_void_only_once_it_is_off(self, school, account, ada) -> None:
        clerk, manager = user(school, "clerk"), user(school, "manager")
        paper = held(ada, 120, by=clerk)
        made = slip(account, [paper])
        with pytest.raises(DomainError):
            void(payment_of(paper), clerk, manager)
        cancel(made)
        void(payment_of(paper), clerk, manager)
        with pytest.raises(Refusals) as refusal:
            slip(account, [paper])
        assert refusal.value.code == NotDepositable.code
        assert_books_whole()

    def test_R113_a_cheque_in_the_vault_cannot_go(self, school, account, ada) -> None:
        waiting = Cheque.objects.create(
            organization=school, customer=ada, number="V", bank="B", drawer="Ada", cheque_date=TODAY, currency="USD",
            amount=5, state="in_vault", received_on=TODAY, recorded_at=NOW, matures_on=TODAY,
        )  # fmt: skip
        with pytest.raises(NotDepositable):
            slip(account, [waiting])


class TestClearing:
    def test_R112_cleared_on_the_banks_day_and_nothing_is_posted(self, school, account, ada) -> None:
        papers = [held(ada, 10), held(ada, 20)]
        at_bank(account, papers)
        before = balance(school, Role.BANK)
        clear(*papers, on=TODAY + DAY, now=NOW + 2 * DAY)
        assert set(Cheque.objects.values_list("state", flat=True)) == {"cleared"}
        rows = ChequePresentation.objects.values_list("result", "result_on")
        assert set(rows) == {("cleared", TODAY + DAY)}
        assert balance(school, Role.BANK) == before
        assert_books_whole()

    @pytest.mark.parametrize("days, code", [(-1, "before_deposit"), (1, "future_date")])
    def test_the_banks_day_lies_between_the_deposit_and_today(self, account, ada, days, code) -> None:
        paper = held(ada)
        at_bank(account, [paper])
        with pytest.raises(BadInput) as refusal:
            clear(paper, on=TODAY + days * DAY)
        assert refusal.value.code == code

    def test_all_or_none(self, account, ada) -> None:
        deposited, in_hand = held(ada, 10), held(ada, 20)
        at_bank(account, [deposited])
        with pytest.raises(NotAtBank):
            clear(deposited, in_hand)
        reread(deposited)
        assert deposited.state == "deposited"

    def test_R130_the_hold_is_kept_until_the_cheque_clears_and_then_goes(self, school, account, ada) -> None:
        from billing.services.credit_control import set_hold

        invoice(ada, 100, due_on=TODAY - 5 * DAY)
        set_hold(customer=ada, reason="late", now=NOW, by=None)
        paper = held(ada, 100)
        at_bank(account, [paper])
        reread(ada)
        assert ada.is_on_hold
        clear(paper)
        reread(ada)
        assert not ada.is_on_hold
