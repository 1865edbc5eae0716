"""The counter: one save, its receipt, and payments that wait for a second person (R13-R15, R18, R20, R153)."""

from datetime import timedelta

import pytest
from django.db import transaction

from billing.errors import BadInput, NotPermitted
from billing.models import Allocation, CreditItem
from billing.office.approvals import ApprovalExpired, ShownChanged
from billing.office.models import ApprovalRequest, Membership, Notice, Organization
from billing.office.models.user import Role
from billing.services.invoicing import mark_disputed
from payments.models import Payment
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish, accept_pending, shown_of
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy, user
from tests.deeds import accept, decide, void, waiting_for

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


@pytest.fixture
def gas() -> Organization:
    """Verifies what is above NT$1,000,000; cards are unusual there; US dollars may be taken if approved."""
    org = organization(currency="TWD", zone="Asia/Taipei")
    policy(org, "payments.verify_above", "1000000")
    policy(org, "payments.unusual_methods", ["card"])
    policy(org, "payments.currencies", ["USD"])
    return org


@pytest.fixture
def wang(gas):
    return customer(gas, "Wang")


@pytest.fixture
def clerk(gas):
    return user(gas, Role.CLERK)


class TestOneSave:
    def test_R18_R20_payment_allocation_receipt_and_trail_are_of_one_transaction(self, wang, clerk) -> None:
        due = invoice(wang, 500)
        taken = pay(wang, 500, by=clerk, wish=ReceiptWish("print"))
        due.refresh_from_db()
        assert (due.open_amount, taken.payment.state, taken.payment.recorded_by) == (0, "processed", clerk)
        assert (taken.receipt.payment, taken.receipt.is_provisional) == (taken.payment, False)
        assert taken.receipt.content["amount"]
        assert_books_whole()

    def test_the_same_request_gives_the_same_receipt(self, wang) -> None:
        first = pay(wang, 5, request_key="k", wish=ReceiptWish("email", email="wang@example.org"))
        again = pay(wang, 5, request_key="k", wish=ReceiptWish("email", email="wang@example.org"))
        assert (first.receipt, Receipt.objects.count(), Notice.objects.count()) == (again.receipt, 1, 1)


class TestWishes:
    """R7, R155, R175, requirements §2 row 32."""

    @pytest.mark.parametrize("delivery", ["email", "both"])
    def test_R7_an_address_is_needed_only_to_mail_it(self, wang, delivery: str) -> None:
        with pytest.raises(BadInput, match="Enter the e-mail address for the receipt") as refusal:
            pay(wang, 5, wish=ReceiptWish(delivery))
        assert (refusal.value.field, Payment.objects.count()) == ("email", 0)
        assert pay(wang, 5, wish=ReceiptWish("print")).receipt.email == ""

    def test_R155_it_goes_to_the_address_given_or_the_customers_own(self, gas) -> None:
        li = customer(gas, "Li", email="li@example.org")
        pay(li, 5, wish=ReceiptWish("email"))
        pay(li, 6, wish=ReceiptWish("both", email="boss@example.org"))
        assert list(Notice.objects.order_by("id").values_list("recipient", flat=True)) == [
            "li@example.org", "boss@example.org",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            (ReceiptWish("pigeon"), "delivery"),
            (ReceiptWish("email", email="a@b.example\r\nBcc: c@d.example"), "email"),
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_is_written(self, wang, wish: ReceiptWish, field: str) -> None:
        with pytest.raises(BadInput) as refusal:
            pay(wang, 5, wish=wish)
        assert (refusal.value.field, Payment.objects.count(), Notice.objects.count()) == (field, 0, 0)

    def test_R153_a_pre_printed_form_is_used_once(self, wang, gas) -> None:
        assert pay(wang, 5, wish=ReceiptWish(form_number="A-7")).receipt.form_number == "A-7"
        with pytest.raises(BadInput, match=r"Form A-7 was already used\.") as refusal:
            pay(wang, 6, wish=ReceiptWish(form_number="A-7"))
        assert refusal.value.field == "form_number"
        assert pay(customer(organization()), 6, wish=ReceiptWish(form_number="A-7")).receipt.form_number == "A-7"


class TestLargeSums:
    """R13, requirements §2 row 22: 1,000,000 passes, 1,000,001 waits for a second person."""

    def test_R13_a_million_passes(self, wang, clerk) -> None:
        taken = pay(wang, 1_000_000, by=clerk)
        assert (taken.payment.state, taken.receipt.is_provisional) == ("processed", False)
        assert not ApprovalRequest.objects.exists()

    def test_R13_a_dollar_more_is_stored_but_neither_booked_nor_applied(self, wang, clerk) -> None:
        due = invoice(wang, 500)
        taken = pay(wang, 1_000_001, by=clerk)
        due.refresh_from_db()
        assert (taken.payment.state, taken.payment.pending_for) == ("pending", "verify_large_payment")
        assert (taken.receipt.is_provisional, due.open_amount) == (True, 500)
        assert not CreditItem.objects.exists() and not Allocation.objects.exists()
        assert_posts(wang.organization, "2026-02-12  accounts_receivable Dr 500  revenue Cr 500")
        (request,) = waiting_for(taken.payment)
        assert (request.action, request.amount, request.requested_by) == ("verify_large_payment", 1_000_001, clerk)
        assert request.shown["amount"] == "1000001.00"
        assert_books_whole()

    def test_R13_once_verified_it_is_booked_on_the_day_it_was_received(self, wang, clerk, gas) -> None:
        due = invoice(wang, 500)
        taken = pay(wang, 1_000_001, by=clerk, received_on=TODAY - timedelta(days=2))
        done = accept(taken.payment, user(gas, Role.SUPERVISOR), now=LATER)
        due.refresh_from_db()
        assert done is not None
        assert (done.payment.state, done.payment.processed_at, due.open_amount) == ("processed", LATER, 0)
        assert (done.receipt.number, done.receipt.is_provisional) == (taken.receipt.number, False)
        assert_posts(wang.organization, """
            2026-02-12  accounts_receivable Dr 500  revenue Cr 500
            2026-03-10  cash Dr 1000001             unapplied_cash Cr 1000001
            2026-03-10  unapplied_cash Dr 500       accounts_receivable Cr 500""")  # fmt: skip
        assert ApprovalRequest.objects.get().state == "used"
        assert_books_whole()

    @pytest.mark.parametrize("role", [Role.CLERK, Role.ACCOUNTANT, Role.SCHOOL_ADMIN, Role.PLATFORM_ADMIN])
    def test_R13_only_those_who_may_verify_it(self, wang, clerk, gas, role: Role) -> None:
        taken = pay(wang, 1_000_001, by=clerk)
        with pytest.raises(NotPermitted):
            accept(taken.payment, user(gas, role))
        assert Payment.objects.get().state == "pending"

    def test_R13_it_cannot_be_booked_unverified(self, wang, clerk, gas) -> None:
        taken = pay(wang, 1_000_001, by=clerk)
        manager = user(gas, Role.MANAGER)
        with transaction.atomic():
            assert accept_pending(payment=taken.payment, now=NOW, by=manager) is None
        (request,) = waiting_for(taken.payment)
        decide(request, manager, approve=False, reason="who is this?")
        with transaction.atomic():
            assert accept_pending(payment=taken.payment, now=NOW, by=manager) is None
        assert Payment.objects.get().state == "pending"

    def test_R13_it_is_booked_once(self, wang, clerk, gas) -> None:
        taken = pay(wang, 1_000_001, by=clerk)
        manager = user(gas, Role.MANAGER)
        accept(taken.payment, manager)
        with transaction.atomic():
            assert accept_pending(payment=taken.payment, now=NOW, by=manager) is None
        assert CreditItem.objects.count() == 1

    def test_R13_the_plan_of_the_clerk_is_kept(self, wang, clerk, gas) -> None:
        first, second = invoice(wang, 500), invoice(wang, 700)
        taken = pay(wang, 1_000_001, by=clerk, by_hand=[(second, "600")])
        accept(taken.payment, user(gas, Role.MANAGER))
        reread(first, second)
        assert (first.open_amount, second.open_amount) == (500, 100)

    def test_R13_where_the_plan_can_no_longer_be_kept_the_money_is_kept_as_credit(self, wang, clerk, gas) -> None:
        due = invoice(wang, 500)
        taken = pay(wang, 1_000_001, by=clerk, by_hand=[(due, "500")])
        mark_disputed(invoice=due, is_disputed=True)
        done = accept(taken.payment, user(gas, Role.MANAGER))
        assert done is not None and done.payment.credit_item is not None
        assert done.payment.credit_item.unapplied_amount == 1_000_001
        assert_books_whole()

    def test_an_approval_of_other_facts_does_not_book_it(self, wang, clerk, gas) -> None:
        taken = pay(wang, 1_000_001, by=clerk)
        (request,) = waiting_for(taken.payment)
        decide(request, user(gas, Role.MANAGER))
        wang.name = "Somebody else"
        wang.save(update_fields=["name"])
        assert shown_of(Payment.objects.get())["customer"].endswith("Somebody else")
        with pytest.raises(ShownChanged), transaction.atomic():
            accept_pending(payment=taken.payment, now=NOW, by=user(gas, Role.MANAGER))
        assert Payment.objects.get().state == "pending"

    def test_an_approval_that_lapsed_unused_gives_way_to_a_new_one(self, wang, clerk, gas) -> None:
        taken = pay(wang, 1_000_001, by=clerk)
        manager, much_later = user(gas, Role.MANAGER), NOW + timedelta(days=9)
        decide(waiting_for(taken.payment)[0], manager)
        with pytest.raises(ApprovalExpired), transaction.atomic():
            accept_pending(payment=taken.payment, now=much_later, by=manager)
        from receipts.services.counter import ask_for_approvals

        with transaction.atomic():
            ask_for_approvals(taken.payment, now=much_later, by=clerk)
        assert accept(taken.payment, manager, now=much_later) is not None

    def test_a_waiting_payment_can_be_called_off(self, wang, clerk, gas) -> None:
        taken = pay(wang, 1_000_001, by=clerk)
        manager = user(gas, Role.MANAGER)
        void(taken.payment, clerk, manager)
        assert (Payment.objects.get().state, Receipt.objects.get().voided_at) == ("cancelled", NOW)
        with transaction.atomic():
            assert accept_pending(payment=taken.payment, now=NOW, by=manager) is None
        assert not CreditItem.objects.exists()
        assert_books_whole()


class TestUnusualWays:
    """R14, R15."""

    def test_R14_an_unusual_way_waits_for_a_manager(self, wang, clerk, gas) -> None:
        taken = pay(wang, 5, method="card", by=clerk)
        assert taken.payment.pending_for == "accept_unusual_method"
        with pytest.raises(NotPermitted):
            accept(taken.payment, user(gas, Role.SUPERVISOR))
        assert accept(taken.payment, user(gas, Role.MANAGER)) is not None

    def test_R15_another_currency_waits_for_a_manager(self, wang, clerk, gas) -> None:
        taken = pay(wang, "10.50", currency="USD", by=clerk)
        assert (taken.payment.state, taken.payment.pending_for) == ("pending", "accept_unusual_method")
        accept(taken.payment, user(gas, Role.MANAGER))
        assert_posts(gas, "2026-03-12  cash Dr 10.50  unapplied_cash Cr 10.50")
        assert_books_whole()

    def test_R13_R14_large_and_unusual_needs_both(self, wang, clerk, gas) -> None:
        taken = pay(wang, 1_000_001, method="card", by=clerk)
        assert taken.payment.pending_for == "verify_large_payment,accept_unusual_method"
        unusual, large = waiting_for(taken.payment)
        manager = user(gas, Role.MANAGER)
        decide(large, user(gas, Role.SUPERVISOR))
        with transaction.atomic():
            assert accept_pending(payment=taken.payment, now=NOW, by=manager) is None
        assert Payment.objects.get().state == "pending"
        decide(unusual, manager)
        with transaction.atomic():
            assert accept_pending(payment=taken.payment, now=NOW, by=manager) is not None
        assert set(ApprovalRequest.objects.values_list("state", flat=True)) == {"used"}

    def test_an_approver_who_lost_the_right_meanwhile_does_not_count(self, wang, clerk, gas) -> None:
        taken = pay(wang, 5, method="card", by=clerk)
        manager = user(gas, Role.MANAGER)
        decide(waiting_for(taken.payment)[0], manager)
        Membership.objects.filter(user=manager).update(withdrawn_at=NOW)
        with pytest.raises(NotPermitted), transaction.atomic():
            accept_pending(payment=taken.payment, now=NOW, by=user(gas, Role.MANAGER))
        assert Payment.objects.get().state == "pending"
