"""Two people at one cheque (faults F29, F40): one wins, the other reads what changed, the books stay whole."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import DomainError, Refusals
from billing.models import CreditItem
from billing.office.approvals import AlreadyDecided
from billing.office.models import Organization
from billing.refusals import explained
from billing.services.allocating import allocate_credit
from payments.models import BankAccount, Cheque, Deposit, Refund
from payments.services import refunding
from payments.services.deposits import SlipIsDone
from payments.services.refunding import RefundOrder
from payments.services.return_facts import NotReturnable
from payments.services.safe import NotInSafe
from receipts.services.redepositing import NotRedepositable
from tests.assertions import assert_books_whole, reread
from tests.bank_run import (
    ask_return,
    at_bank,
    bank,
    bounce,
    cancel,
    carry_out_return,
    clear,
    hand_in,
    held,
    present_again,
    slip,
)
from tests.builders import NOW, customer, invoice, organization, pay, user
from tests.conftest import RunInThreads
from tests.deeds import decide

pytestmark = pytest.mark.django_db(transaction=True)
N = 6


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def account(school) -> BankAccount:
    return bank(school)


@pytest.fixture
def paper(account) -> Cheque:
    """120 at the bank and cleared, 100 of it set against an invoice."""
    ada = customer(account.organization)
    invoice(ada, 100)
    found = held(ada, 120)
    at_bank(account, [found])
    clear(found)
    reread(found)
    return found


def told(deed: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with explained():
        return deed(*arguments, **options)


def test_two_deposits_of_one_cheque_and_the_loser_reads_which_slip_has_it(
    account, run_in_threads: RunInThreads
) -> None:
    ada = customer(account.organization)
    wanted, others = held(ada, 120, "W1"), [held(ada, 10 + n) for n in range(N)]
    done = run_in_threads(lambda n: told(slip, account, [wanted, others[n]]), N)
    winner = Deposit.objects.get()
    assert [made.pk for made in done.results] == [winner.pk]
    assert {str(error) for error in done.errors} == {f"First Bank W1 is on deposit slip {winner.number} already."}
    assert all(isinstance(error, Refusals) for error in done.errors)
    assert_books_whole()


def test_slips_over_the_same_cheques_in_opposite_order_do_not_lock_up(account, run_in_threads: RunInThreads) -> None:
    cheques = [held(customer(account.organization), 10 + n) for n in range(8)]
    done = run_in_threads(lambda n: told(slip, account, cheques if n % 2 else cheques[::-1]), N)
    assert len(done.results) == 1
    assert all(isinstance(error, Refusals) for error in done.errors), done.errors


def test_one_request_pressed_by_many_is_one_slip(account, run_in_threads: RunInThreads) -> None:
    cheque = held(customer(account.organization), 120)
    done = run_in_threads(lambda _n: told(slip, account, [cheque], key="same"), N)
    assert (done.errors, {made.pk for made in done.results}) == ([], {Deposit.objects.get().pk})


def test_R12_the_cash_of_the_safe_goes_once(account, run_in_threads: RunInThreads) -> None:
    pay(customer(account.organization), 100)
    done = run_in_threads(lambda _n: told(slip, account, cash="60.00"), N)
    assert len(done.results) == 1
    assert all(isinstance(error, NotInSafe) for error in done.errors), done.errors
    assert_books_whole()


def test_a_slip_is_handed_in_or_cancelled_but_not_both(account, run_in_threads: RunInThreads) -> None:
    cheque = held(customer(account.organization), 120)
    made = slip(account, [cheque])
    done = run_in_threads(lambda n: told(cancel, made) if n % 2 else told(hand_in, made), N)
    assert all(isinstance(error, SlipIsDone) for error in done.errors), done.errors
    reread(made, cheque)
    assert (made.state, cheque.state) in {("deposited", "deposited"), ("cancelled", "due")}
    assert_books_whole()


def test_F40_a_cheque_comes_back_once_however_many_carry_it_out(paper, school, run_in_threads: RunInThreads) -> None:
    clerk, supervisor = user(school, "clerk"), user(school, "supervisor")
    approval = decide(ask_return(paper, clerk), supervisor)
    done = run_in_threads(lambda _n: told(carry_out_return, paper, approval, supervisor), N)
    assert len(done.results) == 1
    assert all(isinstance(error, NotReturnable | AlreadyDecided) for error in done.errors), done.errors
    assert_books_whole()


def test_F29_bounce_against_allocation(paper, school, run_in_threads: RunInThreads) -> None:
    clerk, supervisor = user(school, "clerk"), user(school, "supervisor")
    invoice(paper.customer, 15)
    approval = decide(ask_return(paper, clerk), supervisor)

    def work(n: int) -> Any:
        if n % 2:
            with transaction.atomic():
                return allocate_credit(credit_item=paper.payment.credit_item, strategy="fifo", now=NOW, by=None)
        return carry_out_return(paper, approval, supervisor)

    done = run_in_threads(work, 4)
    assert all(isinstance(error, DomainError) for error in done.errors), done.errors
    reread(paper)
    item = CreditItem.objects.get()
    assert (paper.state == "returned") == (item.reversed_on is not None)
    assert paper.state == "cleared" or item.applied_amount == 0
    assert_books_whole()


def test_F29_bounce_against_refund_approval(paper, school, run_in_threads: RunInThreads) -> None:
    clerk, supervisor, manager = user(school, "clerk"), user(school, "supervisor"), user(school, "manager")
    with transaction.atomic():
        refund = refunding.request_refund(
            organization=school, now=NOW, by=clerk, order=RefundOrder(
                customer_id=paper.customer_id, credit_item_id=paper.payment.credit_item_id,
                gross_amount=Decimal("20.00"), reason_code="overpaid", reason="too much", request_key="r1",
            ),
        )  # fmt: skip
        asked = refunding.put_forward(refund=refund, now=NOW, by=clerk)
    granted = decide(asked, manager)
    approval = decide(ask_return(paper, clerk), supervisor)

    def work(n: int) -> Any:
        if n % 2:
            with transaction.atomic():
                return refunding.approve_refund(refund=refund, approval=granted, by=manager, now=NOW)
        return carry_out_return(paper, approval, supervisor)

    done = run_in_threads(work, 4)
    assert all(isinstance(error, DomainError) for error in done.errors), done.errors
    reread(paper)
    refund = Refund.objects.get()
    # Whoever came first decided: money given back of a cheque that is gone is never left standing.
    assert (paper.state, refund.state) in {("returned", "withdrawn"), ("cleared", "approved")}
    assert_books_whole()


def test_a_returned_cheque_is_presented_again_once(paper, school, run_in_threads: RunInThreads) -> None:
    bounce(paper, user(school, "clerk"), user(school, "supervisor"))
    done = run_in_threads(lambda _n: told(present_again, paper), N)
    assert len(done.results) == 1
    assert all(isinstance(error, NotRedepositable) for error in done.errors), done.errors
    assert_books_whole()
