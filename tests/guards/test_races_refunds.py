"""Several people at one refund, or at the money of several (invariants 16, 36, 37; faults F29, F30, F31)."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.errors import DomainError, IllegalTransition
from billing.models import CreditItem, Invoice
from billing.office.approvals import AlreadyDecided, ShownChanged
from billing.office.models import ApprovalRequest, Notice, Organization
from billing.refusals import explained
from billing.services.allocating import allocate_credit
from payments.models import Refund, RefundAttempt
from payments.services.paying_out import AlreadySettled, AlreadySubmitted
from payments.services.refunding import NotEligible
from tests.assertions import assert_books_whole
from tests.builders import NOW, customer, invoice, organization, pay, policy, user
from tests.conftest import Outcomes, RunInThreads
from tests.payments.refund_cast import Office, again, approve, approved, ask, forward, office, send, settle, withdraw

pytestmark = pytest.mark.django_db(transaction=True)
N = 8


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


def money(school: Organization, amount: str | int = 100, *, billed: str | int = 0) -> Any:
    ada = customer(school, email="ada@example.com")
    if billed:
        invoice(ada, billed)
    return pay(ada, amount, method="card").payment


def one_won(done: Outcomes, *told: type[BaseException], won: int = 1) -> None:
    assert len(done.results) == won, (done.results, done.errors)
    assert all(isinstance(error, told) for error in done.errors), done.errors


def test_37_two_approvers_decide_on_one_request_once(
    school: Organization, desk: Office, run_in_threads: RunInThreads
) -> None:
    refund = ask(money(school), 60, desk.clerk)
    deciders = [user(school, "manager") for _n in range(N)]
    one_won(run_in_threads(lambda n: approve(refund, deciders[n]), N), AlreadyDecided, ApprovalRequest.DoesNotExist)
    item = CreditItem.objects.get()
    assert (item.refunded_amount, item.unapplied_amount) == (60, 40)
    assert Notice.objects.filter(kind="refund_approved").count() == 1
    assert_books_whole()


def test_36_eight_refunds_of_one_payment_never_exceed_it(
    school: Organization, desk: Office, run_in_threads: RunInThreads
) -> None:
    payment = money(school, 100, billed=70)
    asked = [ask(payment, 30, desk.clerk) for _n in range(N)]
    done = _approve_each(asked, desk, run_in_threads)
    one_won(done, NotEligible, ShownChanged)  # the others were shown more than is left now
    while len(done.results):
        for refund in Refund.objects.filter(state="requested"):
            _ask_anew(refund, desk)
        done = _approve_each(list(Refund.objects.filter(state="requested")), desk, run_in_threads)
    item = CreditItem.objects.get()
    assert item.refunded_amount == sum(r.gross_amount for r in Refund.objects.filter(state="approved")) == 90
    assert all("Only 10.00 of 100.00" in str(error) for error in done.errors), done.errors
    assert_books_whole()


def _approve_each(refunds: list[Refund], desk: Office, run_in_threads: RunInThreads) -> Outcomes:
    """All at once, one thread for each."""
    return run_in_threads(lambda n: approve(refunds[n], desk.manager), len(refunds))


def _ask_anew(refund: Refund, desk: Office) -> None:
    try:
        forward(refund, desk.clerk)
    except NotEligible:
        return


def test_F29_a_refund_and_an_allocation_meet_over_the_same_money(
    school: Organization, desk: Office, run_in_threads: RunInThreads
) -> None:
    for _round in range(4):
        payment = money(school, 100)
        refund = ask(payment, 80, desk.clerk)
        invoice(payment.customer, 60)

        def work(n: int, refund: Refund = refund, item: CreditItem = payment.credit_item) -> Any:
            if n == 0:
                return approve(refund, desk.manager)
            with explained(), transaction.atomic():
                return allocate_credit(credit_item=item, strategy="fifo", now=NOW, by=desk.clerk)

        done = run_in_threads(work, 2)
        assert all(isinstance(error, DomainError) for error in done.errors), done.errors
        payment.credit_item.refresh_from_db()
        item, due = payment.credit_item, Invoice.objects.get(customer=payment.customer)
        # Either way round: refunded first, 20 are applied; applied first, other facts than were approved.
        assert (item.refunded_amount, due.open_amount) in {(Decimal(80), Decimal(40)), (Decimal(0), Decimal(0))}
        assert_books_whole()


def test_one_form_sent_eight_times_is_one_refund(
    school: Organization, desk: Office, run_in_threads: RunInThreads
) -> None:
    payment = money(school)
    done = run_in_threads(lambda _n: ask(payment, 10, desk.clerk, request_key="one form"), N)
    assert done.errors == []
    assert len({refund.pk for refund in done.results}) == Refund.objects.count() == 1
    assert ApprovalRequest.objects.count() == Notice.objects.filter(kind="refund_requested").count() == 1
    assert_books_whole()


def test_26_one_refund_is_sent_once(school: Organization, desk: Office, run_in_threads: RunInThreads) -> None:
    refund = approved(money(school), 60, desk)
    one_won(run_in_threads(lambda _n: send(refund, desk.teller), N), AlreadySubmitted)
    assert RefundAttempt.objects.count() == 1


def test_cash_is_handed_out_once(school: Organization, desk: Office, run_in_threads: RunInThreads) -> None:
    policy(school, "refunds.cash_limit", "100")
    refund = approved(pay(customer(school), 100, method="cash").payment, 60, desk)
    done = run_in_threads(lambda _n: send(refund, desk.teller, "cash"), N)
    assert len(done.results) == 1
    assert {error.code for error in done.errors if isinstance(error, DomainError)} == {"not_approved"}
    assert_books_whole()


def test_an_outcome_is_booked_once_whoever_tells_it(
    school: Organization, desk: Office, run_in_threads: RunInThreads
) -> None:
    attempt = send(approved(money(school), 100, desk), desk.teller)
    said = ["succeeded", "declined", "unknown", "not_sent"] * 2
    done = run_in_threads(lambda n: settle(attempt, desk.teller, said[n]), N)
    assert all(isinstance(error, AlreadySettled) for error in done.errors), done.errors
    refund, item = Refund.objects.get(), CreditItem.objects.get()
    assert (refund.state, item.refunded_amount) in {("processed", Decimal(100)), ("failed", Decimal(0))}
    assert_books_whole()


def test_withdrawn_or_sent_but_not_both(school: Organization, desk: Office, run_in_threads: RunInThreads) -> None:
    refund = approved(money(school), 60, desk)
    done = run_in_threads(lambda n: send(refund, desk.teller) if n % 2 else withdraw(refund, desk.clerk), N)
    assert len(done.results) == 1
    assert all(isinstance(error, DomainError | IllegalTransition) for error in done.errors), done.errors
    assert Refund.objects.get().state in ("submitted", "withdrawn")
    assert_books_whole()


def test_a_failed_refund_is_taken_up_once(school: Organization, desk: Office, run_in_threads: RunInThreads) -> None:
    refund = settle(send(approved(money(school), 60, desk), desk.teller), desk.teller, "declined")
    done = run_in_threads(lambda _n: again(refund, desk.clerk), N)
    assert len(done.results) == 1
    assert not any(isinstance(error, IntegrityError) for error in done.errors)
    assert CreditItem.objects.get().refunded_amount == 60
    assert_books_whole()


def test_bills_of_two_families_are_reduced_without_deadlock(
    school: Organization, desk: Office, run_in_threads: RunInThreads
) -> None:
    refunds = []
    for _n in range(N):
        payment = money(school, 100, billed=100)
        bill = Invoice.objects.get(customer=payment.customer)
        refunds.append(ask(payment, 50, desk.clerk, reason_code="cancelled", invoice_id=bill.pk))
    done = run_in_threads(lambda n: approve(refunds[n], desk.manager), N)
    assert done.errors == []
    assert_books_whole()
