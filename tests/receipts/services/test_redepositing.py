"""A returned cheque presented again: a payment of its own, the chain kept, not for ever (requirements §2 row 38)."""

from datetime import timedelta

import pytest

from billing.errors import BadInput
from billing.models import Invoice
from payments.models import Cheque, Payment
from payments.selectors.deposits import chain_of, depositable_cheques
from receipts.models import Receipt
from receipts.services.redepositing import NotRedepositable, PresentedTooOften
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.bank_run import at_bank, bank, bounce, clear, held, present_again
from tests.builders import NOW, TODAY, customer, invoice, organization, policy, user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def school():
    return organization()


@pytest.fixture
def account(school):
    return bank(school)


@pytest.fixture
def people(school):
    return user(school, "clerk"), user(school, "supervisor")


@pytest.fixture
def returned(school, account, people) -> Cheque:
    ada = customer(school)
    invoice(ada, 100, number="A-1")
    paper = held(ada, 120, "000123")
    at_bank(account, [paper])
    bounce(paper, *people)
    reread(paper)
    return paper


def test_112_it_is_money_again_with_a_payment_and_a_receipt_of_its_own(returned, school) -> None:
    first = returned.payment
    taken = present_again(returned, now=NOW + DAY)
    reread(returned, first)
    assert (returned.state, returned.payment, first.state) == ("due", taken.payment, "returned")
    assert (taken.payment.amount, taken.payment.received_on, taken.payment.state) == (120, TODAY + DAY, "processed")
    assert_posts([taken.payment.entry], "2026-03-13  cheques_in_hand Dr 120.00    unapplied_cash Cr 120.00")
    assert Invoice.objects.get(number="A-1").open_amount == 0
    assert Receipt.objects.count() == 2
    assert [row.payment for row in chain_of(returned)] == [first, taken.payment]
    assert list(depositable_cheques(school, "USD")) == [returned]
    assert_books_whole()


def test_it_clears_the_second_time_and_the_chain_tells_both(returned, account) -> None:
    present_again(returned)
    at_bank(account, [returned])
    clear(returned)
    assert [(row.ordinal, row.result) for row in chain_of(returned)] == [(1, "returned"), (2, "cleared")]
    assert_books_whole()


def test_it_is_presented_twice_and_the_third_time_is_refused(returned, account, people) -> None:
    present_again(returned)
    at_bank(account, [returned])
    bounce(returned, *people)
    with pytest.raises(PresentedTooOften) as refusal:
        present_again(returned)
    assert "presented 2 times" in str(refusal.value) and "Ada Lovelace" in str(refusal.value)
    assert (Payment.objects.count(), Receipt.objects.count()) == (2, 2)
    assert_books_whole()


def test_the_policy_may_allow_a_third(returned, account, people, school) -> None:
    policy(school, "cheques.presentations", 3)
    present_again(returned)
    at_bank(account, [returned])
    bounce(returned, *people)
    assert present_again(returned).payment.state == "processed"
    assert_books_whole()


def test_pressed_twice_it_is_presented_once(returned) -> None:
    present_again(returned)
    with pytest.raises(NotRedepositable):
        present_again(returned)
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("days, goes", [(30, True), (31, False)])
def test_R110_a_cheque_gone_stale_meanwhile_is_not_presented(returned, school, days, goes) -> None:
    policy(school, "cheques.stale_days", 30)
    later = NOW + days * DAY
    if goes:
        assert present_again(returned, now=later).payment.received_on == TODAY + days * DAY
    else:
        with pytest.raises(BadInput) as refusal:
            present_again(returned, now=later)
        assert refusal.value.code == "stale_cheque"
        assert Payment.objects.count() == 1
