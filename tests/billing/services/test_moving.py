"""Moving money of one customer to another, with consent and on approval, and taking it back (R127, invariant 18)."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import DomainError
from billing.models import CreditItem, CreditTransfer, Customer
from billing.office.models import ApprovalRequest, Organization, User
from billing.services.invoicing import issue_credit_memo
from billing.services.move_requests import ask_to_move, carry_out_move
from billing.services.moving import MoveOrder, customers_touched, lock_touched, undo_transfers
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy, user
from tests.deeds import decide

CONSENT = "Ada on the phone, 12 March 14:20"


@pytest.fixture
def school(db: None) -> Organization:
    return organization()


@pytest.fixture
def clerk(school: Organization) -> User:
    return user(school, "clerk")


@pytest.fixture
def manager(school: Organization) -> User:
    return user(school, "manager")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada Lovelace")


@pytest.fixture
def ben(school: Organization) -> Customer:
    return customer(school, "Ben Short")


@contextmanager
def refusal(code: str) -> Iterator[pytest.ExceptionInfo[DomainError]]:
    with pytest.raises(DomainError) as refused:
        yield refused
    assert refused.value.code == code


def ask(item: CreditItem, to: Customer, amount: str, by: User, **details: Any) -> ApprovalRequest:
    reason = details.pop("reason", "paid for the brother")
    order = MoveOrder(to_customer_id=to.pk, amount=Decimal(amount), consent=details.pop("consent", CONSENT), **details)
    with transaction.atomic():
        return ask_to_move(credit_item=item, order=order, reason=reason, by=by, now=NOW)


def carry_out(item: CreditItem, request: ApprovalRequest, by: User) -> CreditTransfer:
    with transaction.atomic():
        return carry_out_move(request=request, credit_item=item, by=by, now=NOW)


def move(item: CreditItem, to: Customer, amount: str, clerk: User, manager: User, **details: Any) -> CreditTransfer:
    return carry_out(item, decide(ask(item, to, amount, clerk, **details), manager), manager)


def undo(item: CreditItem, by: User) -> list[CreditTransfer]:
    with transaction.atomic():
        lock_touched(item.organization, [item])
        return undo_transfers(credit_item=item, now=NOW, by=by, reason="the cheque came back")


def item_of(payer: Customer, amount: str, **details: Any) -> CreditItem:
    item = pay(payer, amount, **details).payment.credit_item
    assert item is not None
    return item


def test_R127_moved_money_leaves_one_customer_and_pays_the_other(ada, ben, clerk, manager, school) -> None:
    hers, his = invoice(ada, "100.00"), invoice(ben, "30.00")
    item = item_of(ada, "100.00")
    moved = move(item, ben, "40.00", clerk, manager, strategy="fifo")
    reread(item, hers, his, moved.approval)
    assert (item.applied_amount, item.moved_amount, item.unapplied_amount) == (60, 40, 0)
    assert (hers.open_amount, his.open_amount, moved.to_item.unapplied_amount) == (40, 0, 10)
    assert (moved.number, moved.to_item.number, moved.to_item.kind) == ("TRF-2026-00000001",) * 2 + ("transfer",)
    assert (moved.consent, moved.reason, moved.approval.state) == (CONSENT, "paid for the brother", "used")
    assert item.payment.customer == ada and item.payment.amount == 100
    assert_posts(
        [moved.entry], "2026-03-12  unapplied_cash Dr 40.00    unapplied_cash Cr 40.00",
    )  # fmt: skip
    assert_books_whole()


def test_R127_what_is_unapplied_goes_first_and_nothing_reopens(ada, ben, clerk, manager) -> None:
    due = invoice(ada, "100.00")
    item = item_of(ada, "150.00")
    request = ask(item, ben, "50.00", clerk)
    assert request.shown["reopens"] == [] and request.shown["pays"] == []
    carry_out(item, decide(request, manager), manager)
    reread(item, due)
    assert (due.open_amount, item.unapplied_amount, item.moved_amount) == (0, 0, 50)
    assert_books_whole()


def test_R127_what_is_approved_names_both_the_consent_what_reopens_and_what_is_paid(ada, ben, clerk) -> None:
    invoice(ada, "100.00", number="A1")
    his = invoice(ben, "30.00", number="B1")
    request = ask(item_of(ada, "100.00"), ben, "30.00", clerk, strategy="manual", by_hand=((his.pk, Decimal("20")),))
    shown = request.shown
    assert (request.action, shown["deed"], shown["consent"]) == ("reallocate_to_other", "move_credit", CONSENT)
    assert (shown["customer"], shown["to_customer"]) == (f"{ada.code} Ada Lovelace", f"{ben.code} Ben Short")
    assert shown["reopens"] == [{"invoice": "A1", "kind": "credit", "amount": "30.00"}]
    assert [(row["invoice"], row["amount"]) for row in shown["pays"]] == [("B1", "20.00")]


def test_R127_by_hand_pays_what_was_chosen_there(ada, ben, clerk, manager) -> None:
    first, second = invoice(ben, "30.00"), invoice(ben, "30.00")
    item = item_of(ada, "100.00")
    move(item, ben, "30.00", clerk, manager, strategy="manual", by_hand=((second.pk, Decimal("30.00")),))
    reread(first, second)
    assert (first.open_amount, second.open_amount) == (30, 0)
    assert_books_whole()


@pytest.mark.parametrize(("amount", "fits"), [("99.99", True), ("100.00", True), ("100.01", False)])
def test_R127_18_no_more_moves_than_is_left(ada, ben, clerk, amount: str, fits: bool) -> None:
    invoice(ada, "60.00")
    item = item_of(ada, "100.00")
    if fits:
        assert ask(item, ben, amount, clerk).amount == Decimal(amount)
        return
    with pytest.raises(DomainError) as refused:
        ask(item, ben, amount, clerk)
    assert (refused.value.code, refused.value.field) == ("more_than_left", "amount")
    assert "Only 100.00" in str(refused.value)


def test_R127_moved_twice_never_more_than_the_whole(ada, ben, clerk, manager) -> None:
    item = item_of(ada, "100.00")
    move(item, ben, "60.00", clerk, manager)
    with refusal("more_than_left"):
        ask(CreditItem.objects.get(pk=item.pk), ben, "40.01", clerk)
    move(CreditItem.objects.get(pk=item.pk), ben, "40.00", clerk, manager)
    reread(item)
    assert (item.moved_amount, item.unapplied_amount) == (100, 0)
    assert_books_whole()


@pytest.mark.parametrize(
    ("details", "field", "code"),
    [
        ({"amount": "0"}, "amount", "not_positive"),
        ({"amount": "-5"}, "amount", "not_positive"),
        ({"amount": "1.001"}, "amount", "too_many_decimals"),
        ({"consent": ""}, "consent", "consent_required"),
        ({"consent": "  "}, "consent", "consent_required"),
        ({"reason": ""}, "reason", "required"),
        ({"strategy": "random"}, "strategy", "unknown_strategy"),
    ],
)
def test_R127_refused_beside_its_field(ada, ben, clerk, details: dict[str, str], field: str, code: str) -> None:
    item = item_of(ada, "100.00")
    with pytest.raises(DomainError) as refused:
        ask(item, ben, details.pop("amount", "10.00"), clerk, **details)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert not ApprovalRequest.objects.exists()


def test_R127_inside_one_customer_it_is_called_redistributing(ada, clerk) -> None:
    with refusal("same_customer") as refused:
        ask(item_of(ada, "10.00"), ada, "10.00", clerk)
    assert "Redistribute" in str(refused.value)


def test_R127_a_closed_customer_takes_nothing(ada, ben, clerk) -> None:
    Customer.objects.filter(pk=ben.pk).update(is_active=False)
    with refusal("customer_closed"):
        ask(item_of(ada, "10.00"), ben, "10.00", clerk)


def test_18_a_customer_of_another_organization_is_nobody(ada, clerk) -> None:
    with refusal("unknown_customer"):
        ask(item_of(ada, "10.00"), customer(organization()), "10.00", clerk)


def test_18_an_invoice_in_another_currency_is_not_paid(ada, ben, clerk, school) -> None:
    policy(school, "payments.currencies", ["TWD"])
    foreign = invoice(ben, "300", currency="TWD", number="B-TWD")
    with refusal("not_open_here") as refused:
        ask(item_of(ada, "10.00"), ben, "10.00", clerk, strategy="manual", by_hand=((foreign.pk, Decimal("10")),))
    assert "B-TWD is in TWD; this money is in USD" in str(refused.value)


def test_R127_a_credit_memo_does_not_move(ada, ben, clerk, school) -> None:
    with transaction.atomic():
        memo = issue_credit_memo(
            organization=school, customer_id=ada.pk, net=Decimal("20.00"), tax=Decimal("0"), currency="USD",
            issued_on=TODAY, reason="goodwill", now=NOW, by=None,
        )  # fmt: skip
    with refusal("not_movable") as refused:
        ask(memo.credit_item, ben, "10.00", clerk)
    assert "Issue one to the other customer" in str(refused.value)


def test_R127_37_the_maker_does_not_check(ada, ben, manager) -> None:
    request = ask(item_of(ada, "10.00"), ben, "10.00", manager)
    with refusal("own_request"):
        decide(request, manager)


def test_R127_a_supervisor_may_ask_but_not_approve(ada, ben, clerk, school) -> None:
    request = ask(item_of(ada, "10.00"), ben, "10.00", clerk)
    with refusal("not_permitted"):
        decide(request, user(school, "supervisor"))


def test_37_what_changed_since_it_was_shown_is_not_done(ada, ben, clerk, manager) -> None:
    item = item_of(ada, "100.00")
    request = decide(ask(item, ben, "80.00", clerk, strategy="fifo"), manager)
    invoice(ben, "30.00")  # now it would pay something nobody saw
    with refusal("changed_since_shown"):
        carry_out(item, request, manager)
    assert not CreditTransfer.objects.exists()


def test_37_an_approval_moves_money_once(ada, ben, clerk, manager) -> None:
    item = item_of(ada, "100.00")
    request = decide(ask(item, ben, "40.00", clerk), manager)
    carry_out(item, request, manager)
    with refusal("already_decided"):
        carry_out(item, request, manager)
    assert CreditTransfer.objects.count() == 1


# Taking back


def test_F29_taken_back_both_are_as_if_it_had_not_been(ada, ben, clerk, manager) -> None:
    his = invoice(ben, "30.00")
    item = item_of(ada, "100.00")
    moved = move(item, ben, "40.00", clerk, manager, strategy="fifo")
    [undone] = undo(item, manager)
    reread(item, his, moved, moved.to_item)
    assert undone == moved and moved.undone_on == TODAY and moved.undo_entry is not None
    assert (item.moved_amount, item.unapplied_amount, his.open_amount) == (0, 100, 30)
    assert (moved.to_item.unapplied_amount, moved.to_item.reversed_on) == (0, TODAY)
    assert_posts([moved.undo_entry], "2026-03-12  unapplied_cash Cr 40.00    unapplied_cash Dr 40.00")
    assert_books_whole()


def test_F29_what_was_moved_on_comes_back_first(ada, ben, clerk, manager, school) -> None:
    cleo = customer(school, "Cleo")
    hers = invoice(cleo, "25.00")
    item = item_of(ada, "100.00")
    first = move(item, ben, "40.00", clerk, manager)
    second = move(first.to_item, cleo, "25.00", clerk, manager, strategy="fifo")
    assert customers_touched(item) == {ada.pk, ben.pk, cleo.pk}
    assert undo(item, manager) == [second, first]
    reread(hers, item)
    assert (hers.open_amount, item.unapplied_amount) == (25, 100)
    assert_books_whole()


def test_F29_moved_there_and_back_again_is_taken_back_too(ada, ben, clerk, manager) -> None:
    item = item_of(ada, "100.00")
    there = move(item, ben, "40.00", clerk, manager)
    move(there.to_item, ada, "15.00", clerk, manager)
    assert len(undo(item, manager)) == 2
    reread(item)
    assert item.unapplied_amount == 100
    assert_books_whole()


def test_F29_undoing_what_nothing_was_moved_of_changes_nothing(ada, manager) -> None:
    assert undo(item_of(ada, "10.00"), manager) == []
    assert_books_whole()
