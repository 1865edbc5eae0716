"""A cheque that comes back: all that its money did comes undone in one deed (R112, R115, R116, fault F40)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, NotPermitted
from billing.ledger.models import Role
from billing.ledger.periods import close_period
from billing.models import Allocation, CreditItem, CreditTransfer, Customer, Invoice
from billing.office.approvals import AlreadyDecided, ApprovalNeeded, OwnRequest, ShownChanged
from billing.office.models import Notice, Organization
from billing.office.policies import policies_for
from billing.services.allocating import allocate_credit
from billing.services.credit_control import set_hold
from billing.services.move_requests import ask_to_move, carry_out_move
from billing.services.moving import MoveOrder
from payments.models import BankAccount, Cheque, Payment, Refund
from payments.services import bounces, paying_out, refunding
from payments.services.refunding import RefundOrder
from payments.services.return_facts import Answer, NotReturnable, bounces_after, preview_return
from receipts.models import Receipt
from receipts.services.papers import hand_out, page_of
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.bank_run import (
    ask_return,
    at_bank,
    bank,
    bounce,
    carry_out_return,
    clear,
    held,
    payment_of,
    present_again,
    slip,
)
from tests.builders import NOW, TODAY, credit_of, customer, invoice, organization, pay, policy, user
from tests.deeds import decide

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
APRIL = NOW + 20 * DAY


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def account(school) -> BankAccount:
    return bank(school)


@pytest.fixture
def ada(school):
    return customer(school, email="ada@example.org")


@pytest.fixture
def clerk(school):
    return user(school, "clerk")


@pytest.fixture
def supervisor(school):
    return user(school, "supervisor")


@pytest.fixture
def manager(school):
    return user(school, "manager")


@pytest.fixture
def paper(account, ada) -> Cheque:
    """120 by cheque at the bank, 100 of it set against an invoice due on 14 March."""
    invoice(ada, 100, number="A-1")
    found = held(ada, 120, "000123")
    at_bank(account, [found])
    reread(found)
    return found


def refunded(payment: Payment, amount: str, clerk, manager, **order) -> Refund:
    """Asked and approved; not yet sent."""
    item = payment.credit_item
    with transaction.atomic():
        refund = refunding.request_refund(
            organization=payment.organization, now=NOW, by=clerk, order=RefundOrder(
                customer_id=payment.customer_id, credit_item_id=item.pk, gross_amount=Decimal(amount),
                reason_code="overpaid", reason="paid too much", request_key=f"refund-{payment.pk}-{amount}", **order,
            ),
        )  # fmt: skip
        asked = refunding.put_forward(refund=refund, now=NOW, by=clerk)
    with transaction.atomic():
        return refunding.approve_refund(refund=refund, approval=decide(asked, manager), by=manager, now=NOW)


def sent(refund: Refund, account: BankAccount, clerk, *, settled: bool = True) -> Refund:
    with transaction.atomic():
        attempt = paying_out.submit_refund(
            refund=refund, method="cheque", reference="our 77", now=NOW, by=clerk, bank_account=account
        )
        if settled:
            paying_out.settle_attempt(attempt=attempt, outcome="succeeded", on=TODAY, note="", now=NOW, by=clerk)
    reread(refund)
    return refund


def moved(payment: Payment, other: Customer, clerk, manager) -> None:
    """20 of it to another customer, where it pays what is open."""
    order = MoveOrder(to_customer_id=other.pk, amount=Decimal(20), consent="by phone", strategy="fifo")
    item = credit_of(payment)
    with transaction.atomic():
        asked = ask_to_move(credit_item=item, order=order, reason="theirs", by=clerk, now=NOW)
    with transaction.atomic():
        carry_out_move(request=decide(asked, manager), credit_item=item, by=manager, now=NOW)


class TestAfterAllocation:
    def test_F40_the_invoice_reopens_at_its_own_due_date_and_the_bank_has_less(
        self, paper, account, school, ada, clerk, supervisor
    ) -> None:
        payment = paper.payment
        fact = bounce(paper, clerk, supervisor, now=NOW + 2 * DAY, on=TODAY + DAY, note="no cover")
        reread(paper, payment)
        due = Invoice.objects.get(number="A-1")
        assert (paper.state, payment.state, payment.amount) == ("returned", "returned", 120)
        assert (due.open_amount, str(due.due_on), due.days_overdue(TODAY + 20 * DAY)) == (100, "2026-03-14", 18)
        assert (fact.result, fact.result_on, fact.reason, fact.note) == ("returned", TODAY + DAY, "nsf", "no cover")
        assert_posts([fact.entry], "2026-03-14  unapplied_cash Dr 120.00    bank Cr 120.00")
        assert fact.entry.lines.get(account__role=Role.BANK).account_id == account.ledger_account_id
        item = payment.credit_item
        reread(item)
        assert (item.applied_amount, item.unapplied_amount, item.reversed_on) == (0, 0, TODAY + 2 * DAY)
        assert balance(school, Role.BANK) == balance(school, Role.UNAPPLIED_CASH) == 0
        assert_books_whole()

    def test_F40_the_receipt_keeps_its_number_and_every_paper_of_it_says_so(self, paper, clerk, supervisor) -> None:
        receipt = Receipt.objects.get()
        number, content = receipt.number, receipt.content
        hand_out(receipt, how="print", now=NOW, by=clerk)
        bounce(paper, clerk, supervisor)
        reread(receipt)
        assert (receipt.number, receipt.content, receipt.returned_on, receipt.voided_at) == (
            number, content, TODAY, None,
        )  # fmt: skip
        assert "CHEQUE RETURNED" in page_of(receipt) and "12 Mar 2026" in page_of(receipt)
        hand_out(receipt, how="print", now=NOW, by=clerk)
        assert list(receipt.documents.order_by("id").values_list("kind", flat=True)) == ["original", "returned"]

    def test_F40_in_the_next_month_it_is_dated_when_we_learn_of_it(self, paper, clerk, supervisor) -> None:
        fact = bounce(paper, clerk, supervisor, now=APRIL, on=TODAY + 2 * DAY)
        undone = Allocation.objects.filter(reverses__isnull=False).get()
        assert str(fact.entry.entry_date) == str(undone.entry.entry_date) == "2026-04-01"
        assert str(fact.result_on) == "2026-03-14"
        assert_books_whole()

    def test_F40_after_the_month_closed_it_is_dated_in_the_open_one(self, paper, school, clerk, supervisor) -> None:
        policy(school, "cheques.return_fee", "25")
        for month in (2, 3):
            close_period(organization_id=school.pk, month=TODAY.replace(month=month, day=1), now=NOW, by_id=None)
        fact = bounce(paper, clerk, supervisor, on=TODAY)
        reread(paper)
        entries = [fact.entry, fact.fee_invoice.entry, Allocation.objects.get(reverses__isnull=False).entry]
        assert {str(entry.entry_date) for entry in entries} == {"2026-04-01"}
        assert (paper.state, Invoice.objects.get(number="A-1").open_amount) == ("returned", 100)
        assert_books_whole()

    def test_F40_a_late_return_of_a_cleared_cheque_is_no_different(self, paper, clerk, supervisor) -> None:
        clear(paper)
        reread(paper)
        assert preview_return(paper)["cheque_state"] == "cleared"
        fact = bounce(paper, clerk, supervisor, now=APRIL, on=TODAY + 9 * DAY)
        reread(paper)
        assert (paper.state, fact.result, fact.result_on) == ("returned", "returned", TODAY + 9 * DAY)
        assert_books_whole()


class TestAfterRefund:
    def test_F40_what_was_refunded_stays_refunded_and_is_owed(
        self, paper, account, ada, clerk, supervisor, manager
    ) -> None:
        clear(paper)
        refund = sent(refunded(paper.payment, "15.00", clerk, manager), account, clerk)
        fact = bounce(paper, clerk, supervisor, reason="account_closed")
        bill, item = fact.recovery_invoice, paper.payment.credit_item
        reread(refund, item)
        assert (bill.kind, bill.invoiced_amount, bill.open_amount, bill.due_on) == ("recovery", 15, 15, TODAY)
        assert refund.number in bill.lines.get().explanation and "000123" in bill.lines.get().explanation
        assert_posts([bill.entry], "2026-03-12  accounts_receivable Dr 15.00    unapplied_cash Cr 15.00")
        assert (refund.state, item.refunded_amount, item.unapplied_amount) == ("processed", 15, 0)
        assert sum(Invoice.objects.values_list("open_amount", flat=True)) == 115
        assert_books_whole()

    def test_F40_a_refund_of_all_of_it_is_owed_in_full(self, account, ada, clerk, supervisor, manager) -> None:
        whole = held(ada, 50)
        at_bank(account, [whole])
        clear(whole)
        payment = payment_of(whole)
        sent(refunded(payment, "50.00", clerk, manager), account, clerk)
        reread(payment)
        assert payment.state == "refunded"
        assert bounce(whole, clerk, supervisor).recovery_invoice.open_amount == 50
        reread(payment)
        assert payment.state == "returned"
        assert_books_whole()

    def test_F40_a_refund_approved_but_not_sent_is_withdrawn(self, paper, clerk, supervisor, manager) -> None:
        clear(paper)
        refund = refunded(paper.payment, "15.00", clerk, manager)
        reread(paper)
        assert preview_return(paper)["refunds_withdrawn"] == [{"refund": refund.number, "amount": "15.00"}]
        fact = bounce(paper, clerk, supervisor)
        reread(refund)
        assert (refund.state, fact.recovery_invoice) == ("withdrawn", None)
        assert_books_whole()

    def test_F40_a_refund_on_its_way_that_fails_afterwards_leaves_the_books_whole(
        self, paper, account, clerk, supervisor, manager
    ) -> None:
        clear(paper)
        refund = sent(refunded(paper.payment, "15.00", clerk, manager), account, clerk, settled=False)
        bounce(paper, clerk, supervisor)
        with transaction.atomic():
            paying_out.settle_attempt(
                attempt=refund.attempts.get(), outcome="declined", on=TODAY, note="returned", now=NOW, by=clerk
            )
        assert_books_whole()


class TestMovedMoney:
    def test_R127_money_moved_to_another_customer_comes_back(self, paper, school, clerk, supervisor, manager) -> None:
        ben = customer(school, "Ben")
        theirs = invoice(ben, 20, number="B-1")
        moved(paper.payment, ben, clerk, manager)
        reread(theirs, paper)
        assert theirs.open_amount == 0
        shown = preview_return(paper)
        assert [row["amount"] for row in shown["moved_back"]] == ["20.00"]
        assert {row["invoice"] for row in shown["reopens"]} == {"A-1", "B-1"}
        bounce(paper, clerk, supervisor)
        reread(theirs)
        assert (theirs.open_amount, CreditTransfer.objects.get().undone_on) == (20, TODAY)
        assert not CreditItem.objects.filter(unapplied_amount__gt=0).exists()
        assert_books_whole()


class TestConsequences:
    def test_R115_the_fee_is_billed_by_policy_and_names_the_cheque(self, paper, school, clerk, supervisor) -> None:
        policy(school, "cheques.return_fee", "25")
        assert preview_return(paper)["return_fee"] == "US$25.00"
        fee = bounce(paper, clerk, supervisor).fee_invoice
        assert (fee.kind, fee.open_amount, fee.due_on) == ("return_fee", 25, TODAY)
        assert "First Bank 000123" in fee.lines.get().explanation
        assert_posts([fee.entry], "2026-03-12  accounts_receivable Dr 25.00    service_fees Cr 25.00")

    def test_R115_without_a_policy_there_is_no_fee(self, paper, clerk, supervisor) -> None:
        assert preview_return(paper)["return_fee"] == ""
        assert bounce(paper, clerk, supervisor).fee_invoice is None
        assert Invoice.objects.count() == 1

    @pytest.mark.parametrize("reason", ["bank_error", "stale", "early"])
    def test_R115_what_the_drawer_did_not_do_costs_nothing(self, paper, school, clerk, supervisor, reason) -> None:
        policy(school, "cheques.return_fee", "25")
        policy(school, "cheques.hold_on_return", True)
        fact = bounce(paper, clerk, supervisor, reason=reason)
        customer_now = paper.customer
        reread(customer_now)
        assert (fact.fee_invoice, customer_now.is_on_hold) == (None, False)

    def test_R116_it_counts_against_the_next_cheque_and_a_mistake_of_the_bank_does_not(
        self, paper, account, ada, school, clerk, supervisor
    ) -> None:
        book = policies_for(school)
        assert bounces_after(paper, None, TODAY) == 1
        assert bounces_after(paper, Answer("bank_error", TODAY), TODAY) == 0
        bounce(paper, clerk, supervisor)
        assert bounces.bounce_history(ada, TODAY, book).count == 1
        second = held(ada, 30)
        at_bank(account, [second])
        bounce(second, clerk, supervisor, reason="bank_error")
        assert bounces.bounce_history(ada, TODAY, book).count == 1

    def test_R115_the_policy_puts_the_customer_on_hold_although_nothing_is_overdue_yet(
        self, paper, school, ada, clerk, supervisor
    ) -> None:
        policy(school, "cheques.hold_on_return", True)
        assert preview_return(paper)["set_hold"] is True
        bounce(paper, clerk, supervisor)
        reread(ada)
        assert ada.is_on_hold

    def test_R130_a_hold_is_kept_while_the_cheque_is_uncleared_and_still_after_it_came_back(
        self, account, ada, clerk, supervisor
    ) -> None:
        invoice(ada, 100, due_on=TODAY - DAY)
        set_hold(customer=ada, reason="late", now=NOW, by=None)
        late = held(ada, 100)
        at_bank(account, [late])
        bounce(late, clerk, supervisor)
        reread(ada)
        assert ada.is_on_hold

    def test_R115_the_customer_is_told_why_how_much_and_what_to_do(self, paper, school, clerk, supervisor) -> None:
        policy(school, "cheques.return_fee", "25")
        fact = bounce(paper, clerk, supervisor, reason="stopped")
        told = Notice.objects.get(kind="cheque_returned")
        assert (told.recipient, told.channel, told.fact) == ("ada@example.org", "email", f"presentation:{fact.pk}")
        for word in ("US$120.00", "payment stopped", "US$25.00", fact.fee_invoice.number, "bring another payment"):
            assert word in told.body

    def test_R115_without_an_address_the_office_is_told_to_call(self, account, school, clerk, supervisor) -> None:
        silent = held(customer(school, "Ben"), 50)
        at_bank(account, [silent])
        bounce(silent, clerk, supervisor)
        told = Notice.objects.get(kind="cheque_returned")
        assert told.channel == "office" and "Ben" in told.subject


class TestTwoPeople:
    def test_R173_a_clerk_asks_and_a_supervisor_approves_exactly_that(self, paper, ada, clerk, supervisor) -> None:
        asked = ask_return(paper, clerk)
        with pytest.raises(ApprovalNeeded):
            carry_out_return(paper, asked, supervisor)
        with pytest.raises(NotPermitted):
            decide(asked, user(paper.organization, "clerk"))
        decide(asked, supervisor)
        invoice(ada, 20, number="A-2")
        with transaction.atomic():
            allocate_credit(credit_item=paper.payment.credit_item, strategy="fifo", now=NOW, by=None)
        with pytest.raises(ShownChanged):
            carry_out_return(paper, asked, supervisor)
        reread(paper)
        assert paper.state == "deposited"

    def test_R173_nobody_approves_their_own_request(self, paper, clerk) -> None:
        with pytest.raises(OwnRequest):
            decide(ask_return(paper, clerk), clerk)

    def test_approved_once_it_is_carried_out_once(self, paper, clerk, supervisor) -> None:
        approval = decide(ask_return(paper, clerk), supervisor)
        carry_out_return(paper, approval, supervisor)
        with pytest.raises((NotReturnable, AlreadyDecided)):
            carry_out_return(paper, approval, supervisor)

    def test_two_cheques_of_one_payer_that_come_back_together_do_not_wait_for_each_other(
        self, paper, account, ada, clerk, supervisor
    ) -> None:
        second = held(ada, 30)
        at_bank(account, [second])
        requests = [ask_return(one, clerk) for one in (paper, second)]
        for one, asked in zip((paper, second), requests, strict=True):
            carry_out_return(one, decide(asked, supervisor), supervisor)
        assert set(Cheque.objects.values_list("state", flat=True)) == {"returned"}
        assert_books_whole()

    @pytest.mark.parametrize("days, code", [(-1, "before_deposit"), (1, "future_date")])
    def test_R112_the_banks_day_lies_between_the_deposit_and_today(self, paper, clerk, days, code) -> None:
        with pytest.raises(BadInput) as refusal:
            ask_return(paper, clerk, on=TODAY + days * DAY)
        assert (refusal.value.field, refusal.value.code) == ("returned_on", code)

    def test_a_reason_nobody_knows_is_refused(self, paper, clerk) -> None:
        with pytest.raises(BadInput) as refusal:
            ask_return(paper, clerk, reason="because")
        assert refusal.value.field == "reason"

    def test_R112_a_cheque_in_hand_cannot_come_back_from_the_bank(self, account, ada, clerk) -> None:
        in_hand = held(ada, 10)
        slip(account, [in_hand])
        with pytest.raises(NotReturnable):
            ask_return(in_hand, clerk)


def test_auto_apply_does_not_spend_money_that_is_gone(paper, school, clerk, supervisor) -> None:
    policy(school, "allocation.auto_apply_credit", True)
    policy(school, "cheques.return_fee", "25")
    pay(paper.customer, 10, strategy="none", lookalike_reason="-")
    fact = bounce(paper, clerk, supervisor)
    open_now = dict(Invoice.objects.values_list("kind", "open_amount"))
    assert sum(open_now.values()) == 115 and fact.fee_invoice is not None
    assert_books_whole()


def test_presented_again_its_receipt_is_another_and_the_first_stays_marked(paper, clerk, supervisor) -> None:
    bounce(paper, clerk, supervisor)
    taken = present_again(paper)
    first, second = Receipt.objects.order_by("id")
    assert (first.returned_on, second.returned_on, taken.receipt) == (TODAY, None, second)
