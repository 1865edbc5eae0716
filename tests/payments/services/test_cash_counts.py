"""Counting the safe: blind, posted up to the limit, put before a second person above it (R12)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, DomainError
from billing.ledger.models import JournalEntry, Role
from billing.office.models import ApprovalRequest, Organization, User
from payments.models.cash import CashCount
from payments.selectors.cash import safe_balance
from payments.services.cash_counts import accept_safe_difference, count_safe, explain_safe_count
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.builders import NOW, customer, organization, pay, policy, user
from tests.deeds import decide
from tests.payments.services.tills import cash_in, coins, fetch, opened, point

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def clerk(school: Organization) -> User:
    made = user(school, "clerk")
    fetch(school, 500, made)
    return made


def counted(org: Organization, amount: str | int, by: User, *, note: str = "", minutes: int = 0) -> CashCount:
    with transaction.atomic():
        return count_safe(
            organization=org, currency=org.currency, denominations=coins(amount, org.currency), note=note,
            now=NOW + timedelta(minutes=minutes), by=by,
        )  # fmt: skip


def asked() -> ApprovalRequest:
    return ApprovalRequest.objects.get(state="requested")


def carried_out(count: CashCount, request: ApprovalRequest, by: User) -> JournalEntry:
    with transaction.atomic():
        return accept_safe_difference(count=count, approval=request, by=by, now=NOW)


def test_R12_open_drawers_are_not_part_of_the_safe(school, clerk) -> None:
    drawer = opened(point(school), clerk, 100)
    cash_in(drawer, 30)
    pay(customer(school), 7)  # into no drawer, so into the safe
    count = counted(school, 407, clerk)
    assert (count.expected_amount, count.counted_amount, count.entry) == (407, 407, None)
    assert_books_whole()


@pytest.mark.parametrize(
    ("amount", "posts"),
    [
        ("499.99", "2026-03-12  cash Cr 0.01  cash_over_short Dr 0.01"),
        ("500.01", "2026-03-12  cash Dr 0.01  cash_over_short Cr 0.01"),
    ],
)
def test_R12_one_cent_over_or_short_is_posted_and_the_next_count_adds_up(school, clerk, amount, posts) -> None:
    assert_posts([counted(school, amount, clerk).entry], posts)
    assert safe_balance(school, "USD") == D(amount)
    assert counted(school, amount, clerk, minutes=1).entry is None
    assert_books_whole()


def test_R12_one_dollar_short_in_twd() -> None:
    gas = organization(currency="TWD", zone="Asia/Taipei")
    clerk = user(gas, "clerk")
    fetch(gas, 5000, clerk)
    assert counted(gas, 4999, clerk).entry is not None
    assert balance(gas, Role.CASH_OVER_SHORT) == 1
    assert_books_whole()


@pytest.mark.parametrize("sign", [-1, 1])
def test_R12_the_limit_is_posted_at_once_a_cent_more_waits(school, clerk, sign) -> None:
    policy(school, "cash.variance_limit", "5")
    assert counted(school, 500 + sign * 5, clerk).entry is not None
    above = counted(school, 500 + sign * D("10.01"), clerk, minutes=1)
    assert (above.entry, above.counted_amount - above.expected_amount) == (None, sign * D("5.01"))
    assert safe_balance(school, "USD") == 500 + sign * 5
    assert not ApprovalRequest.objects.exists()
    assert_books_whole()


def test_37_a_second_person_accepts_once(school, clerk) -> None:
    policy(school, "cash.variance_limit", "5")
    supervisor = user(school, "supervisor")
    count = counted(school, 490, clerk, note="the change box was borrowed from")
    request = decide(asked(), supervisor)
    assert (request.shown["expected"], request.shown["difference"]) == ("500.00", "-10.00")
    entry = carried_out(count, request, supervisor)
    assert_posts([entry], "2026-03-12  cash Cr 10.00  cash_over_short Dr 10.00")
    assert safe_balance(school, "USD") == 490
    assert_books_whole()
    with pytest.raises(DomainError) as again:
        carried_out(count, request, supervisor)
    assert again.value.code == "nothing_to_accept"
    with pytest.raises(DomainError), transaction.atomic():
        explain_safe_count(count=count, reason="once more", now=NOW, by=clerk)


def test_37_who_counted_does_not_accept(school, clerk) -> None:
    policy(school, "cash.variance_limit", "5")
    supervisor = user(school, "supervisor")
    count = counted(school, 490, supervisor)
    with transaction.atomic():
        explain_safe_count(count=count, reason="no idea", now=NOW, by=clerk)
    request = decide(asked(), supervisor)
    with pytest.raises(DomainError) as refusal:
        carried_out(count, request, supervisor)
    assert refusal.value.code == "own_count"
    assert safe_balance(school, "USD") == 500


def test_a_new_count_takes_the_place_of_one_that_waits(school, clerk) -> None:
    policy(school, "cash.variance_limit", "5")
    first = counted(school, 490, clerk, note="?")
    request = asked()
    counted(school, 500, clerk, minutes=1)
    request.refresh_from_db()
    assert request.state == "withdrawn"
    with pytest.raises(DomainError) as refusal, transaction.atomic():
        explain_safe_count(count=first, reason="it is so", now=NOW, by=clerk)
    assert refusal.value.code == "counted_since"


def test_a_reason_is_needed_to_ask(school, clerk) -> None:
    policy(school, "cash.variance_limit", "5")
    count = counted(school, 490, clerk)
    with pytest.raises(BadInput) as refusal, transaction.atomic():
        explain_safe_count(count=count, reason=" ", now=NOW, by=clerk)
    assert (refusal.value.field, refusal.value.code) == ("reason", "reason_required")


def test_not_counting_is_not_a_count(school, clerk) -> None:
    with pytest.raises(BadInput) as refusal, transaction.atomic():
        count_safe(organization=school, currency="USD", denominations=(), note="", now=NOW, by=clerk)
    assert (refusal.value.field, refusal.value.code) == ("denominations", "required")
    assert not CashCount.objects.exists()
