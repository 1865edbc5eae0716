"""Policies with several people at them: one fee, one loan, one bill (R74, invariants 4, 37)."""

from decimal import Decimal
from typing import Any

import pytest

from billing.errors import DomainError
from billing.models import Charge, Invoice, LateFee, PolicyLoan
from billing.office import approvals
from billing.services.insurance.extras import ExtraOrder, bill_extra_premium
from billing.services.insurance.loans import LoanOrder, ask_for_loan, bill_loan, fingerprint_of, lend
from billing.services.insurance.revival_bills import prepare_revival
from tests.assertions import assert_books_whole
from tests.billing.insurance.cast import JANUARY, at, billed, lapsed
from tests.billing.insurance.test_loans import APRIL, lent
from tests.builders import user
from tests.conftest import RunInThreads
from tests.guards.test_races import in_one

pytestmark = pytest.mark.django_db(transaction=True)
N = 6


def told(errors: list[BaseException]) -> bool:
    return all(isinstance(error, DomainError) for error in errors)


def test_R74_revival_asked_for_by_many_charges_one_late_fee(run_in_threads: RunInThreads) -> None:
    policy = lapsed(frequency="quarterly", premium="3000.00", tax="0")
    on = APRIL
    done = run_in_threads(lambda _n: in_one(prepare_revival, agreement=policy, on=on, now=at(on), by=None), N)
    assert (len(done.results), done.errors) == (N, [])
    # 15 January: 3,000 × 1 % × 3 = 90; the premium of 15 April was missed
    assert [f"{fee.amount}" for fee in LateFee.objects.all()] == ["90.00"]
    assert Invoice.objects.filter(kind="sale").count() == 2
    assert_books_whole()


def test_37_one_approval_lends_once(run_in_threads: RunInThreads) -> None:
    policy = billed()
    clerk, manager = user(policy.organization, "clerk"), user(policy.organization, "manager")
    order = LoanOrder(Decimal(100), Decimal("0.09"), JANUARY)
    asked: Any = in_one(
        ask_for_loan, agreement=policy, order=order, reason="x", request_key="k", now=at(JANUARY), by=clerk
    )
    in_one(approvals.decide, request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=at(JANUARY))
    done = run_in_threads(lambda _n: in_one(lend, agreement=policy, request=asked, now=at(JANUARY), by=manager), N)
    assert (len(done.results), told(done.errors), PolicyLoan.objects.count()) == (1, True, 1), done.errors
    assert_books_whole()


def test_of_many_clicks_one_bills_a_loan_back(run_in_threads: RunInThreads) -> None:
    loan = lent(billed())
    seen = fingerprint_of(loan)
    done = run_in_threads(
        lambda _n: in_one(bill_loan, loan=loan, principal=Decimal(100), on=APRIL, now=at(APRIL), by=None, seen=seen), N
    )
    loan.refresh_from_db()
    assert (len(done.results), told(done.errors), loan.repaid_amount) == (1, True, 100), done.errors
    assert_books_whole()


def test_4_a_rider_sent_many_times_is_charged_once(run_in_threads: RunInThreads) -> None:
    policy = billed()
    order = ExtraOrder("rider", Decimal(1000), "k", rider="accident")
    done = run_in_threads(
        lambda _n: in_one(bill_extra_premium, agreement=policy, order=order, now=at(JANUARY), by=None), N
    )
    assert (len(done.results), done.errors, Charge.objects.count()) == (N, [], 1)
    assert_books_whole()
