"""What a void takes with it, and what stands in its way: all of it is shown, and only that is approved (R102-R105)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.errors import DomainError
from billing.ledger.models import LedgerAccount, Role
from billing.models import CreditTransfer, Customer
from billing.office.models import Notice, Organization, User
from billing.services.credit_control import set_hold
from payments.models import BankAccount, Cheque, Payment, PaymentReconciliation, PaymentVoid
from payments.services.clearing import clear_cheques
from payments.services.deposits import cancel_deposit, prepare_deposit, record_deposited
from payments.services.reconciling import mark_reconciled
from payments.services.refunding import RefundOrder, request_refund, withdraw_refund
from payments.services.voiding import VOID_RECONCILED, ask_for_void, preview_void
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish
from receipts.services.papers import hand_out
from tests.assertions import assert_books_whole, reread
from tests.billing.services.test_moving import move
from tests.builders import NOW, TODAY, cheque, credit_of, customer, invoice, organization, pay, policy, user
from tests.deeds import ask_to_void, carry_out_void, decide, void

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada Lovelace", email="ada@example.org")


@pytest.fixture
def ben(school: Organization) -> Customer:
    return customer(school, "Ben Short")


@pytest.fixture
def clerk(school: Organization) -> User:
    return user(school, "clerk")


@pytest.fixture
def supervisor(school: Organization) -> User:
    return user(school, "supervisor")


@pytest.fixture
def manager(school: Organization) -> User:
    return user(school, "manager")


@pytest.fixture
def finance(school: Organization) -> User:
    return user(school, "finance_manager")


@contextmanager
def refusal(code: str, words: str = "") -> Iterator[None]:
    with pytest.raises(DomainError) as refused:
        yield
    assert refused.value.code == code
    assert words in str(refused.value), str(refused.value)


def again(payment: Payment) -> Payment:
    return Payment.objects.select_related("organization", "customer", "credit_item").get(pk=payment.pk)


class TestBlastRadius:
    def test_R102_moved_money_is_fetched_back_and_what_it_paid_reopens(self, ada, ben, clerk, manager) -> None:
        hers, his = invoice(ada, "50.00", number="A-1"), invoice(ben, "30.00", number="B-1")
        payment = pay(ada, "100.00", by=clerk).payment
        moved = move(credit_of(payment), ben, "30.00", clerk, manager, strategy="fifo")
        shown = preview_void(again(payment))
        assert shown["reopens"] == [{"invoice": "A-1", "kind": "credit", "amount": "50.00"}]
        assert shown["reopens_there"] == [
            {"customer": f"{ben.code} Ben Short", "invoice": "B-1", "kind": "credit", "amount": "30.00"}
        ]
        assert shown["transfers_undone"] == [
            {"transfer": moved.number, "customer": f"{ben.code} Ben Short", "amount": "30.00"}
        ]
        assert shown["entries_reversed"] == 4
        void(payment, clerk, manager)
        reread(hers, his, moved)
        assert (hers.open_amount, his.open_amount, moved.undone_on) == (50, 30, TODAY)
        assert_books_whole()

    def test_R102_a_hold_of_the_other_customer_is_judged_anew(self, school, ada, ben, clerk, manager) -> None:
        payment = pay(ada, "100.00", by=clerk).payment
        move(credit_of(payment), ben, "30.00", clerk, manager)
        with transaction.atomic():
            set_hold(customer=ben, reason="late", now=NOW, by=manager)
        void(payment, clerk, manager)
        assert ben.hold_events.count() == 2

    def test_37_money_moved_after_asking_must_be_seen_again(self, ada, ben, clerk, manager) -> None:
        payment = pay(ada, "100.00", by=clerk).payment
        request = decide(ask_to_void(payment, clerk), manager)
        move(credit_of(payment), ben, "30.00", clerk, manager)
        with refusal("changed_since_shown"):
            carry_out_void(payment, request, manager)
        assert not PaymentVoid.objects.exists()

    def test_37_a_receipt_mailed_after_asking_must_be_seen_again(self, ada, clerk, manager) -> None:
        taken = pay(ada, "100.00", by=clerk, wish=ReceiptWish("email"))
        request = decide(ask_to_void(taken.payment, clerk), manager)
        hand_out(taken.receipt, how="email", now=NOW, by=None)
        with refusal("changed_since_shown"):
            carry_out_void(taken.payment, request, manager)
        assert preview_void(again(taken.payment))["receipt_mailed"] == 1

    def test_R102_the_receipt_and_who_is_told_are_in_what_is_approved(self, ada, ben, clerk) -> None:
        hers, his = pay(ada, "10.00", by=clerk), pay(ben, "11.00", by=clerk)
        shown = ask_to_void(hers.payment, clerk).shown
        assert (shown["receipt"], shown["tells"]) == (hers.receipt.number, "ada@example.org")
        assert "office_tells" not in shown
        assert ask_to_void(his.payment, clerk).shown["office_tells"] is True

    def test_R102_without_an_address_the_office_is_told_to_tell(self, ben, clerk, manager) -> None:
        taken = pay(ben, "11.00", by=clerk)
        void(taken.payment, clerk, manager)
        told = Notice.objects.get(kind="receipt_void")
        assert (told.channel, told.party) == ("office", ben.pk)
        assert taken.receipt.number in told.subject

    def test_R102_a_cheque_may_be_entered_again(self, ada, clerk, manager) -> None:
        payment = pay(ada, "5.00", method="cheque", cheque=cheque(), by=clerk).payment
        assert preview_void(again(payment))["cheque_free"] == "First Bank 000123"
        void(payment, clerk, manager)
        assert pay(ada, "5.00", method="cheque", cheque=cheque(), by=clerk).payment.state == "processed"
        assert_books_whole()

    def test_R102_cash_that_lies_in_the_safe_is_counted_again(self, ada, clerk) -> None:
        assert preview_void(again(pay(ada, "5.00", by=clerk).payment))["count_safe"] is True
        card = pay(ada, "6.00", method="card", reference="x", by=clerk).payment
        assert "count_safe" not in preview_void(again(card))

    def test_R103_of_a_provisional_payment_what_was_asked_is_withdrawn(self, school, ada, clerk, manager) -> None:
        policy(school, "payments.verify_above", "100")
        payment = pay(ada, "100.01", by=clerk).payment
        shown = preview_void(again(payment))
        assert (shown["withdrawn"], shown["reopens"]) == (["verify_large_payment"], [])
        void(payment, clerk, manager)
        assert again(payment).state == "cancelled"
        assert_books_whole()


@pytest.fixture
def by_cheque(ada: Customer, clerk: User) -> Payment:
    return pay(ada, "100.00", method="cheque", cheque=cheque(), by=clerk).payment


@pytest.fixture
def slip(school: Organization, by_cheque: Payment, clerk: User) -> Any:
    account = BankAccount.objects.create(
        organization=school, code="MAIN", name="Main", currency="USD",
        ledger_account=LedgerAccount.objects.get(organization=school, role=Role.BANK),
    )  # fmt: skip
    with transaction.atomic():
        return prepare_deposit(
            organization=school, bank_account=account, cheque_ids=[Cheque.objects.get().pk], cash_amount=Decimal(0),
            denominations=(), note="", request_key="slip", now=NOW, by=clerk,
        )  # fmt: skip


class TestCheques:
    def test_row_73_on_a_slip_it_names_the_slip(self, by_cheque, slip, clerk, manager) -> None:
        with refusal("on_slip", f"is on deposit slip {slip.number}; cancel the slip first"):
            ask_to_void(by_cheque, clerk)
        with transaction.atomic():
            cancel_deposit(deposit=slip, now=NOW, by=clerk)
        void(by_cheque, clerk, manager)
        assert_books_whole()

    def test_row_73_at_the_bank_it_says_what_to_do_instead(self, school, by_cheque, slip, clerk) -> None:
        with transaction.atomic():
            record_deposited(deposit=slip, deposited_on=TODAY, slip_reference="1", now=NOW, by=clerk)
        with refusal("cheque_at_bank", "Record what the bank says (return), or refund it."):
            ask_to_void(by_cheque, clerk)
        with transaction.atomic():
            clear_cheques(
                organization=school, cheque_ids=[Cheque.objects.get().pk], cleared_on=TODAY, now=NOW, by=clerk
            )  # fmt: skip
        with refusal("cheque_at_bank"):
            ask_to_void(by_cheque, clerk)

    def test_put_on_a_slip_after_asking_it_is_not_voided(self, school, by_cheque, clerk, manager, request) -> None:
        asked = decide(ask_to_void(by_cheque, clerk), manager)
        request.getfixturevalue("slip")
        with refusal("on_slip"):
            carry_out_void(by_cheque, asked, manager)


class TestRefunds:
    @pytest.fixture
    def paid(self, ada: Customer, clerk: User) -> Payment:
        return pay(ada, "100.00", method="card", reference="C1", by=clerk).payment

    def refund(self, paid: Payment, by: User) -> Any:
        order = RefundOrder(
            customer_id=paid.customer_id, credit_item_id=credit_of(paid).pk, gross_amount=Decimal("10.00"),
            reason_code="other", reason="x", request_key="r1",
        )  # fmt: skip
        with transaction.atomic():
            return request_refund(organization=paid.organization, order=order, now=NOW, by=by)

    def test_row_73_a_refund_that_waits_is_named_and_settled_first(self, paid, clerk, manager) -> None:
        refund = self.refund(paid, clerk)
        with refusal("partly_refunded", f"has refund {refund.number} (requested); withdraw or reject it first"):
            ask_to_void(paid, clerk)
        with transaction.atomic():
            withdraw_refund(refund=refund, reason="mistake", now=NOW, by=clerk)
        void(paid, clerk, manager)
        assert_books_whole()

    def test_row_73_asked_after_the_void_was_asked_it_stops_it(self, paid, clerk, manager) -> None:
        request = decide(ask_to_void(paid, clerk), manager)
        self.refund(paid, clerk)
        with refusal("partly_refunded"):
            carry_out_void(paid, request, manager)


class TestReconciled:
    @pytest.fixture
    def paid(self, ada: Customer, clerk: User, supervisor: User) -> Payment:
        invoice(ada, "100.00", number="A-1")
        payment = pay(ada, "100.00", by=clerk).payment
        with transaction.atomic():
            mark_reconciled(
                payment=payment, reconciled_on=date(2026, 3, 3), statement_reference="ST-9", now=NOW, by=supervisor
            )
        return payment

    def ask(self, paid: Payment, by: User, action: str = VOID_RECONCILED) -> Any:
        with transaction.atomic():
            return ask_for_void(payment=paid, reason="not ours", by=by, now=NOW, action=action)

    def test_44_a_plain_void_is_refused(self, paid, clerk) -> None:
        words = "Matched to the bank on 2026-03-03 (statement ST-9); needs the finance manager."
        with refusal("already_reconciled", words):
            ask_to_void(paid, clerk)

    def test_44_the_finance_manager_opens_the_match_and_voids_in_one(self, paid, supervisor, finance) -> None:
        request = self.ask(paid, supervisor)
        assert (request.shown["reconciled_on"], request.shown["statement_reference"]) == ("2026-03-03", "ST-9")
        fact = carry_out_void(paid, decide(request, finance), finance)
        match = PaymentReconciliation.objects.get()
        assert (match.opened_at, match.opened_by, match.open_reason) == (NOW, finance, "not ours")
        assert (match.open_approval, fact.approval, again(paid).state) == (request, request, "voided")
        assert_books_whole()

    @pytest.mark.parametrize("role", ["manager", "supervisor", "clerk"])
    def test_44_nobody_else_approves(self, school, paid, supervisor, role: str) -> None:
        with refusal("not_permitted"):
            decide(self.ask(paid, supervisor), user(school, role))

    def test_44_a_clerk_does_not_ask(self, paid, clerk) -> None:
        with refusal("not_permitted"):
            self.ask(paid, clerk)

    def test_44_reconciled_after_asking_the_plain_approval_is_not_enough(self, ada, clerk, manager, supervisor) -> None:
        payment = pay(ada, "7.00", by=clerk).payment
        request = decide(ask_to_void(payment, clerk), manager)
        with transaction.atomic():
            mark_reconciled(
                payment=payment, reconciled_on=TODAY, statement_reference="ST-1", now=NOW, by=supervisor
            )  # fmt: skip
        with refusal("already_reconciled"):
            carry_out_void(payment, request, manager)

    def test_44_what_is_not_matched_is_voided_plainly(self, ada, clerk, supervisor) -> None:
        with refusal("not_reconciled"):
            self.ask(pay(ada, "7.00", by=clerk).payment, supervisor)

    def test_44_the_database_is_the_last_fence(self, paid) -> None:
        with pytest.raises(IntegrityError, match="is reconciled"), transaction.atomic():
            Payment.objects.filter(pk=paid.pk).update(state="voided")

    def test_44_an_opened_match_does_not_count_and_another_may_follow(self, paid, supervisor, finance, ada) -> None:
        carry_out_void(paid, decide(self.ask(paid, supervisor), finance), finance)
        with refusal("not_reconcilable"), transaction.atomic():
            mark_reconciled(payment=again(paid), reconciled_on=TODAY, statement_reference="x", now=NOW, by=supervisor)
        assert Receipt.objects.get(payment=paid).voided_at == NOW
        assert CreditTransfer.objects.count() == 0
