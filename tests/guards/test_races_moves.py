"""Moves and voids at once with everything that wants the same money (R127, invariants 16, 36, 37; faults F29, F30)."""

from decimal import Decimal
from typing import Any

import pytest

from billing.errors import DomainError
from billing.models import CreditItem, CreditTransfer, Customer, Invoice
from billing.office.models import ApprovalRequest, Organization, User
from billing.services.allocating import allocate_credit
from billing.services.move_requests import carry_out_move
from billing.services.moving import lock_touched, undo_transfers
from payments.models import Payment, PaymentVoid, Refund
from payments.services.refunding import RefundOrder, approve_refund, request_refund
from receipts.services.voiding import void_with_receipt
from tests.assertions import assert_books_whole, reread
from tests.billing.services.test_moving import ask, move
from tests.builders import NOW, credit_of, customer, invoice, organization, pay, user
from tests.conftest import RunInThreads
from tests.deeds import ask_to_void, decide
from tests.guards.test_races import in_one

pytestmark = pytest.mark.django_db(transaction=True)
N = 8


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada")


@pytest.fixture
def ben(school: Organization) -> Customer:
    return customer(school, "Ben")


@pytest.fixture
def clerk(school: Organization) -> User:
    return user(school, "clerk")


@pytest.fixture
def manager(school: Organization) -> User:
    return user(school, "manager")


def told(errors: list[BaseException]) -> bool:
    """Whoever lost was told by a sentence, not by a crash or a deadlock."""
    return all(isinstance(error, DomainError) for error in errors)


def test_37_one_approval_moves_once_however_often_it_is_used(ada, ben, clerk, manager, run_in_threads: RunInThreads):
    item = credit_of(pay(ada, "100.00", strategy="none").payment)
    request = decide(ask(item, ben, "60.00", clerk), manager)
    done = run_in_threads(
        lambda _n: in_one(carry_out_move, request=request, credit_item=item, by=manager, now=NOW), N
    )  # fmt: skip
    assert (len(done.results), told(done.errors)) == (1, True), done.errors
    reread(item)
    assert (item.moved_amount, CreditTransfer.objects.count()) == (60, 1)
    assert_books_whole()


def test_16_moves_and_allocations_share_what_is_there(ada, ben, clerk, manager, run_in_threads: RunInThreads) -> None:
    for _n in range(4):
        invoice(ada, "30.00")
    items = [credit_of(pay(ada, f"{100 + n}.00", strategy="none").payment) for n in range(2)]
    approved = [decide(ask(item, ben, "90.00", clerk), manager) for item in items]

    def work(n: int) -> Any:
        item = items[n % 2]
        if n < 4:
            return in_one(carry_out_move, request=approved[n % 2], credit_item=item, by=manager, now=NOW)
        return in_one(allocate_credit, credit_item=item, strategy="fifo", now=NOW, by=None)

    done = run_in_threads(work, N)
    assert told(done.errors), done.errors
    for item in CreditItem.objects.all():
        assert item.applied_amount + item.moved_amount + item.unapplied_amount == item.amount
    assert_books_whole()


def test_36_the_same_money_is_moved_or_refunded_but_not_both(
    school, ada, ben, clerk, manager, run_in_threads: RunInThreads
):
    paid = pay(ada, "100.00", method="card", reference="C1", strategy="none").payment
    item = credit_of(paid)
    order = RefundOrder(
        customer_id=ada.pk, credit_item_id=item.pk, gross_amount=Decimal("70.00"), reason_code="other", reason="x",
        request_key="r1",
    )  # fmt: skip
    refund = in_one(request_refund, organization=school, order=order, now=NOW, by=clerk)
    asked = ApprovalRequest.objects.get(subject=f"refund:{refund.pk}")
    approval = decide(asked, manager)
    request = decide(ask(item, ben, "70.00", clerk), manager)

    def work(n: int) -> Any:
        if n % 2:
            return in_one(approve_refund, refund=refund, approval=approval, by=manager, now=NOW)
        return in_one(carry_out_move, request=request, credit_item=item, by=manager, now=NOW)

    done = run_in_threads(work, N)
    assert (len(done.results), told(done.errors)) == (1, True), (done.results, done.errors)
    reread(item)
    assert item.moved_amount + item.refunded_amount == 70
    assert_books_whole()


def test_F29_fetched_back_while_it_is_moved_on(school, ada, ben, clerk, manager, run_in_threads: RunInThreads) -> None:
    cleo = customer(school, "Cleo")
    item = credit_of(pay(ada, "100.00", strategy="none").payment)
    first = move(item, ben, "60.00", clerk, manager)
    onward = decide(ask(first.to_item, cleo, "60.00", clerk), manager)

    def fetch() -> Any:
        lock_touched(school, [item])
        return undo_transfers(credit_item=CreditItem.objects.get(pk=item.pk), now=NOW, by=manager, reason="returned")

    def work(n: int) -> Any:
        if n % 2:
            return in_one(fetch)
        return in_one(carry_out_move, request=onward, credit_item=first.to_item, by=manager, now=NOW)

    done = run_in_threads(work, N)
    assert told(done.errors), done.errors
    reread(item)
    assert (item.moved_amount, item.unapplied_amount) == (0, 100)
    assert not CreditItem.objects.filter(kind="transfer", reversed_on=None).exists()
    assert_books_whole()


def test_37_a_payment_is_voided_once(ada, clerk, manager, run_in_threads: RunInThreads) -> None:
    invoice(ada, "60.00")
    payment = pay(ada, "100.00", by=clerk).payment
    request = decide(ask_to_void(payment, clerk), manager)
    done = run_in_threads(
        lambda _n: in_one(void_with_receipt, payment=payment, approval=request, by=manager, now=NOW), N
    )  # fmt: skip
    assert (len(done.results), told(done.errors)) == (1, True), done.errors
    assert PaymentVoid.objects.count() == 1
    assert_books_whole()


def test_F30_a_payment_is_voided_or_its_money_moved(ada, ben, clerk, manager, run_in_threads: RunInThreads) -> None:
    due = invoice(ben, "60.00")
    payment = pay(ada, "100.00", by=clerk).payment
    item = credit_of(payment)
    void = decide(ask_to_void(payment, clerk), manager)
    moved = decide(ask(item, ben, "60.00", clerk, strategy="fifo"), manager)

    def work(n: int) -> Any:
        if n % 2:
            return in_one(void_with_receipt, payment=payment, approval=void, by=manager, now=NOW)
        return in_one(carry_out_move, request=moved, credit_item=item, by=manager, now=NOW)

    done = run_in_threads(work, N)
    assert (len(done.results), told(done.errors)) == (1, True), (done.results, done.errors)
    voided = Payment.objects.get(pk=payment.pk).state == "voided"
    assert Invoice.objects.get(pk=due.pk).open_amount == (60 if voided else 0)
    assert_books_whole()


def test_36_a_payment_is_voided_or_its_refund_approved(
    school, ada, clerk, manager, run_in_threads: RunInThreads
) -> None:
    payment = pay(ada, "100.00", method="card", reference="C1", by=clerk).payment
    void = decide(ask_to_void(payment, clerk), manager)
    order = RefundOrder(
        customer_id=ada.pk, credit_item_id=credit_of(payment).pk, gross_amount=Decimal("70.00"), reason_code="other",
        reason="x", request_key="r1",
    )  # fmt: skip

    def work(n: int) -> Any:
        if n % 2:
            return in_one(void_with_receipt, payment=payment, approval=void, by=manager, now=NOW)
        return in_one(request_refund, organization=school, order=order, now=NOW, by=clerk)

    done = run_in_threads(work, N)
    assert told(done.errors), done.errors
    voided = Payment.objects.get(pk=payment.pk).state == "voided"
    assert Refund.objects.exists() != voided
    assert_books_whole()
