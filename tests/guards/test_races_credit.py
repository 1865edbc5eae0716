"""A family uses its credit in two tabs, and while the office applies or gives it back (invariants 16, 36, 40)."""

from typing import Any

import pytest

from billing.errors import DomainError
from billing.models import Allocation, Customer
from billing.office.models import User
from billing.services.allocating import allocate_credit
from payments.models import CreditUse
from payments.services.credit_using import ChangedMeanwhile, find_purse, use_credit
from payments.services.refunding import request_refund
from tests.assertions import assert_books_whole, reread
from tests.builders import NOW, credit_of, customer, invoice, organization, pay, user
from tests.conftest import RunInThreads
from tests.guards.test_races import in_one
from tests.payments.refund_cast import order

pytestmark = pytest.mark.django_db(transaction=True)
N = 8


@pytest.fixture
def ada() -> Customer:
    return customer(organization(), "Ada")


@pytest.fixture
def login(ada: Customer) -> User:
    return user(name="ada")


def seen(ada: Customer) -> str:
    purse = find_purse(ada, "USD", NOW)
    assert purse is not None
    return purse.seen()


def by_family(ada: Customer, login: User, key: str, chosen: list[int], shown: str) -> Any:
    return in_one(
        use_credit, customer=ada, currency="USD", invoice_ids=chosen, request_key=key, seen=shown, now=NOW, by=login
    )


def told(errors: list[BaseException]) -> bool:
    return all(isinstance(error, DomainError) for error in errors)


def test_40_one_form_is_used_once_however_often_it_is_sent(ada, login, run_in_threads: RunInThreads) -> None:
    bill = invoice(ada, "30.00")
    item = credit_of(pay(ada, "50.00", strategy="none").payment)
    shown = seen(ada)
    done = run_in_threads(lambda _n: by_family(ada, login, "form", [bill.pk], shown), N)
    assert (len(done.results), done.errors, CreditUse.objects.count()) == (N, [], 1)
    reread(item)
    assert (item.applied_amount, Allocation.objects.count()) == (30, 1)
    assert_books_whole()


def test_16_of_two_tabs_one_is_told_that_something_changed(ada, login, run_in_threads: RunInThreads) -> None:
    bills = [invoice(ada, "40.00") for _n in range(2)]
    item = credit_of(pay(ada, "50.00", strategy="none").payment)
    shown = seen(ada)
    done = run_in_threads(lambda n: by_family(ada, login, f"tab{n % 2}", [bills[n % 2].pk], shown), N)
    assert {type(error) for error in done.errors} == {ChangedMeanwhile}
    assert CreditUse.objects.count() == 1
    reread(item)
    assert item.applied_amount == 40
    assert_books_whole()


def test_16_the_family_and_the_office_share_what_is_there(ada, login, run_in_threads: RunInThreads) -> None:
    bills = [invoice(ada, "40.00") for _n in range(3)]
    item = credit_of(pay(ada, "50.00", strategy="none").payment)
    clerk, shown = user(ada.organization, "clerk"), seen(ada)

    def work(n: int) -> Any:
        if n % 2:
            return by_family(ada, login, f"tab{n}", [bills[2].pk], shown)
        return in_one(allocate_credit, credit_item=item, strategy="fifo", now=NOW, by=clerk)

    done = run_in_threads(work, N)
    assert told(done.errors), done.errors
    reread(item, *bills)
    assert (item.applied_amount, item.unapplied_amount) in ((50, 0), (40, 10))
    assert sum(bill.open_amount for bill in bills) == 120 - item.applied_amount
    assert_books_whole()


def test_36_what_is_asked_back_is_not_used_meanwhile(ada, login, run_in_threads: RunInThreads) -> None:
    bill = invoice(ada, "50.00")
    paid = pay(ada, "50.00", method="card", reference="C1", strategy="none").payment
    asked, shown = order(paid, "50.00", reason_code="overpaid", request_key="back"), seen(ada)

    def work(n: int) -> Any:
        if n % 2:
            return by_family(ada, login, f"tab{n}", [bill.pk], shown)
        return in_one(request_refund, organization=ada.organization, order=asked, now=NOW, by=login)

    done = run_in_threads(work, N)
    assert told(done.errors), done.errors
    item = credit_of(paid)
    reread(item)
    assert item.refunded_amount == 0 and item.applied_amount == 50 * CreditUse.objects.count()
    assert_books_whole()
