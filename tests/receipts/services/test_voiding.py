"""Voiding: asked with a reason, approved on its exact consequences, reversed today (R102-R105, invariants 13, 37)."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from billing.errors import BadInput, NotPermitted
from billing.ledger.models import JournalEntry
from billing.ledger.periods import close_period
from billing.models import Allocation
from billing.office.approvals import AlreadyDecided, ApprovalExpired, ApprovalNeeded, OwnRequest, ShownChanged
from billing.office.models import ApprovalRequest, Notice, Organization
from billing.office.models.user import Role
from billing.services.allocating import allocate_credit, unallocate
from payments.models import Cheque, Payment, PaymentVoid
from payments.services.voiding import NotVoidable, OwnEntry, preview_void
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish
from tests.assertions import assert_books_whole, assert_posts
from tests.builders import NOW, cheque, customer, invoice, organization, pay, policy, user
from tests.deeds import ask_to_void, carry_out_void, decide, void

pytestmark = pytest.mark.django_db
APRIL = NOW + timedelta(days=20)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def ada(school):
    return customer(school, email="ada@example.org")


@pytest.fixture
def clerk(school):
    return user(school, Role.CLERK)


@pytest.fixture
def manager(school):
    return user(school, Role.MANAGER)


@pytest.fixture
def payment(ada, clerk) -> Payment:
    """120 received, 100 of it applied."""
    invoice(ada, 100, number="A-1")
    return pay(ada, 120, by=clerk, wish=ReceiptWish("email")).payment


class TestConsequences:
    def test_R102_everything_it_did_is_taken_back_today(self, payment, clerk, manager, school) -> None:
        fact = void(payment, clerk, manager, now=APRIL)
        payment.refresh_from_db()
        item = payment.credit_item
        assert (payment.state, item.unapplied_amount, item.applied_amount, item.reversed_on) == (
            "voided", 0, 0, date(2026, 4, 1),
        )  # fmt: skip
        assert (payment.amount, payment.number) == (120, "PAY-2026-03-00000001")
        assert (fact.reason, fact.voided_by, fact.voided_on) == ("entered twice", manager, date(2026, 4, 1))
        assert_posts(JournalEntry.objects.exclude(reverses=None), """
            2026-04-01  unapplied_cash Cr 100  accounts_receivable Dr 100
            2026-04-01  cash Cr 120            unapplied_cash Dr 120""")  # fmt: skip
        assert fact.entry.reverses == payment.entry
        assert_books_whole()

    def test_the_invoice_reopens_with_its_discount(self, ada, clerk, manager) -> None:
        due = invoice(ada, 100, issued_on=date(2026, 3, 10), terms="2/10 net 30")
        payment = pay(ada, 98, by=clerk).payment
        void(payment, clerk, manager)
        due.refresh_from_db()
        assert (due.open_amount, due.discounted_amount) == (100, 0)
        assert_books_whole()

    def test_the_receipt_keeps_its_number_and_is_marked_and_the_customer_told(self, payment, clerk, manager) -> None:
        void(payment, clerk, manager)
        receipt = Receipt.objects.get()
        assert (receipt.number, receipt.voided_at) == ("RCP-2026-00000001", NOW)
        told = Notice.objects.get(kind="receipt_void")
        assert (told.recipient, told.subject) == ("ada@example.org", "Receipt RCP-2026-00000001 is void")

    def test_the_number_is_not_given_again(self, payment, clerk, manager, ada) -> None:
        void(payment, clerk, manager)
        again = pay(ada, 120)
        assert (again.payment.number, again.receipt.number) == ("PAY-2026-03-00000002", "RCP-2026-00000002")

    def test_a_cheque_is_freed(self, ada, clerk, manager) -> None:
        payment = pay(ada, 5, method="cheque", cheque=cheque(), by=clerk).payment
        void(payment, clerk, manager)
        assert Cheque.objects.get().state == "cancelled"

    @pytest.mark.parametrize(("closed", "on"), [((3,), "2026-04-01"), ((3, 4), "2026-05-01")])
    def test_pain_11_a_closed_month_is_not_touched(self, payment, clerk, manager, school, closed, on: str) -> None:
        close_period(organization_id=school.pk, month=date(2026, 2, 1), now=APRIL, by_id=None)
        for month in closed:
            close_period(organization_id=school.pk, month=date(2026, month, 1), now=APRIL, by_id=None)
        void(payment, clerk, manager, now=APRIL)
        assert {f"{e.entry_date}" for e in JournalEntry.objects.exclude(reverses=None)} == {on}
        assert_books_whole()

    def test_money_that_was_moved_meanwhile_is_found_where_it_is(self, payment, clerk, manager, ada) -> None:
        second = invoice(ada, 15, number="A-2")
        unallocate(allocations=Allocation.objects.all(), now=NOW, by=None, reason="moved")
        allocate_credit(
            credit_item=payment.credit_item,
            strategy="fifo",
            by_hand=[(second.pk, second.open_amount)],
            now=NOW,
            by=None,
        )
        assert preview_void(Payment.objects.get())["reopens"] == [
            {"invoice": "A-2", "kind": "credit", "amount": "15.00"}
        ]
        void(payment, clerk, manager)
        second.refresh_from_db()
        assert second.open_amount == 15
        assert_books_whole()


class TestWhoMay:
    def test_R102_a_reason_is_needed(self, payment, clerk) -> None:
        with pytest.raises(BadInput, match=r"A reason is needed\."):
            ask_to_void(payment, clerk, reason=" ")
        assert not ApprovalRequest.objects.exists()

    @pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.SCHOOL_ADMIN, Role.PLATFORM_ADMIN, Role.PARENT])
    def test_R102_others_cannot_even_ask(self, payment, school, role: Role) -> None:
        with pytest.raises(NotPermitted):
            ask_to_void(payment, user(school, role))

    @pytest.mark.parametrize("role", [Role.CLERK, Role.SUPERVISOR, Role.ACCOUNTANT, Role.PLATFORM_ADMIN])
    def test_R102_only_managers_approve(self, payment, clerk, school, role: Role) -> None:
        request = ask_to_void(payment, clerk)
        with pytest.raises(NotPermitted):
            decide(request, user(school, role))

    def test_a_manager_of_another_organization_does_not(self, payment, clerk) -> None:
        request = ask_to_void(payment, clerk)
        with pytest.raises(NotPermitted):
            decide(request, user(organization(), Role.MANAGER))

    def test_invariant_37_nobody_approves_their_own_request(self, payment, manager) -> None:
        with pytest.raises(OwnRequest, match="You asked for this; another person must approve"):
            decide(ask_to_void(payment, manager), manager)

    def test_who_recorded_it_neither_carries_it_out_nor_approves(self, ada, school, clerk, manager) -> None:
        recorder = user(school, Role.MANAGER)
        payment = pay(ada, 5, by=recorder).payment
        request = decide(ask_to_void(payment, clerk), manager)
        with pytest.raises(OwnEntry):
            carry_out_void(payment, request, recorder)
        second = pay(ada, 6, by=recorder).payment
        approved = decide(ask_to_void(second, clerk), recorder)
        with pytest.raises(OwnEntry):
            carry_out_void(second, approved, manager)
        assert not PaymentVoid.objects.exists()

    def test_without_an_approval_nothing_happens(self, payment, clerk, manager) -> None:
        request = ask_to_void(payment, clerk)
        with pytest.raises(ApprovalNeeded):
            carry_out_void(payment, request, manager)
        assert Payment.objects.get().state == "processed"

    def test_an_approval_of_another_payment_is_none(self, payment, clerk, manager, ada) -> None:
        other = pay(ada, 7, by=clerk).payment
        request = decide(ask_to_void(other, clerk), manager)
        with pytest.raises(ApprovalNeeded):
            carry_out_void(payment, request, manager)

    def test_an_approval_lapses(self, payment, clerk, manager, school) -> None:
        policy(school, "approvals.valid_hours", 24)
        request = decide(ask_to_void(payment, clerk), manager)
        with pytest.raises(ApprovalExpired):
            carry_out_void(payment, request, manager, now=NOW + timedelta(hours=24))

    def test_what_changed_after_asking_must_be_seen_again(self, payment, clerk, manager, ada) -> None:
        request = decide(ask_to_void(payment, clerk), manager)
        invoice(ada, 10, number="A-2")
        with transaction.atomic():
            allocate_credit(credit_item=payment.credit_item, strategy="fifo", now=NOW, by=None)
        with pytest.raises(ShownChanged):
            carry_out_void(payment, request, manager)
        assert Payment.objects.get().state == "processed"
        void(payment, clerk, manager)
        assert_books_whole()


class TestTwice:
    def test_a_voided_payment_is_not_voided_again(self, payment, clerk, manager) -> None:
        void(payment, clerk, manager)
        with pytest.raises(NotVoidable, match="PAY-2026-03-00000001 is void; only a processed or provisional"):
            ask_to_void(payment, clerk)

    def test_an_approval_is_spent_once(self, payment, clerk, manager) -> None:
        request = decide(ask_to_void(payment, clerk), manager)
        carry_out_void(payment, request, manager)
        with pytest.raises((NotVoidable, AlreadyDecided)):
            carry_out_void(payment, request, manager)
        assert PaymentVoid.objects.count() == 1
