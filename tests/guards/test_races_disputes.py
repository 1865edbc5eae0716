"""Eight people at once about one contested payment (invariants 36, 37; fault F29): the sum never exceeds."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.models import CreditItem
from billing.office.models import Organization, User
from billing.refusals import explained
from billing.services.allocating import allocate_credit
from payments.models import Dispute, DisputeEvent, Payment, Refund
from payments.selectors.disputes import disputed_amount
from payments.services.dispute_work import add_contact
from payments.services.refunding import RefundOrder, approve_refund, put_forward, request_refund
from tests.assertions import assert_books_whole, reread
from tests.builders import NOW, customer, invoice, organization, pay, user
from tests.conftest import RunInThreads
from tests.deeds import decide
from tests.payments.dispute_cast import approve_loss, complete, contest, settle

pytestmark = pytest.mark.django_db(transaction=True)
N = 8
TOLD = {"more_than_left", "not_contestable", "already_contested", "dispute_closed", "changed_since_shown",
        "already_decided", "approval_needed", "stale", "contested"}  # fmt: skip


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def boss(school: Organization) -> User:
    return user(school, "supervisor")


@pytest.fixture
def card(school: Organization) -> Payment:
    """100 paid by card, of which 60 pays a bill."""
    ada = customer(school)
    invoice(ada, "60.00")
    return pay(ada, "100.00", method="card").payment


def codes(errors: list[BaseException]) -> set[str]:
    return {getattr(error, "code", repr(error)) for error in errors}


def test_36_eight_chargebacks_at_once_never_contest_more_than_the_payment(card, boss, run_in_threads: RunInThreads):
    done = run_in_threads(lambda n: contest(card, "30.00", boss, processor_reference=f"CB-{n}"), N)
    assert len(done.results) == 3
    assert codes(done.errors) == {"more_than_left"}
    assert disputed_amount(card) == 90
    assert_books_whole()


def test_one_key_or_one_case_eight_times_is_one_dispute(card, boss, run_in_threads: RunInThreads) -> None:
    same: dict[str, Any] = {"request_key": "form", "processor_reference": "CB-1"}
    done = run_in_threads(lambda _n: contest(card, "30.00", boss, **same), N)
    assert done.errors == []
    assert len({dispute.pk for dispute in done.results}) == Dispute.objects.count() == 1
    other = run_in_threads(lambda n: contest(card, "30.00", boss, processor_reference="CB-2", request_key=f"k{n}"), N)
    assert (len(other.results), codes(other.errors)) == (1, {"already_contested"})
    assert_books_whole()


def test_eight_contest_one_invoice_and_one_file_is_opened(school, boss, run_in_threads: RunInThreads) -> None:
    due = invoice(customer(school), "50.00")
    done = run_in_threads(lambda _n: contest(due, "20.00", boss), N)
    assert (len(done.results), codes(done.errors)) == (1, {"already_contested"})


def test_eight_settle_one_chargeback_and_it_ends_once(card, boss, run_in_threads: RunInThreads) -> None:
    dispute = complete(contest(card, "30.00", boss), boss)
    done = run_in_threads(lambda n: settle(dispute, ("won", "withdrawn")[n % 2], boss), N)
    assert (len(done.results), codes(done.errors)) == (1, {"dispute_closed"})
    assert_books_whole()


def test_37_lost_and_won_at_once_end_it_once(school, card, boss, run_in_threads: RunInThreads) -> None:
    dispute = complete(contest(card, "80.00", boss), boss)
    asked = settle(dispute, "lost", boss, lost="80.00")
    managers = [user(school, "manager") for _n in range(N)]

    def end(n: int) -> Any:
        return settle(dispute, "won", boss) if n % 2 else approve_loss(asked, managers[n])

    done = run_in_threads(end, N)
    assert len(done.results) == 1
    assert codes(done.errors) <= TOLD
    assert_books_whole()


def test_36_a_loss_while_its_credit_is_applied_takes_no_more_than_there_is(school, card, boss, run_in_threads):
    ada = card.customer
    more = [invoice(ada, "40.00") for _n in range(4)]
    dispute = complete(contest(card, "100.00", boss), boss)
    asked = settle(dispute, "lost", boss, lost="100.00")
    boss_of_all = user(school, "manager")

    def race(n: int) -> Any:
        if n == 0:
            return approve_loss(asked, boss_of_all)
        with explained(), transaction.atomic():
            chosen = [(more[n % 4].pk, Decimal(40))]
            return allocate_credit(credit_item=card.credit_item, strategy="manual", by_hand=chosen, now=NOW, by=boss)

    done = run_in_threads(race, N)
    assert codes(done.errors) <= TOLD | {"nothing_free", "more_than_paid", "over_allocation", "not_open_here"}
    assert done.results
    item = CreditItem.objects.get(pk=card.credit_item_id)
    assert item.applied_amount + item.refunded_amount + item.unapplied_amount == 100
    assert_books_whole()


def test_36_refunds_against_chargebacks_never_take_more_than_the_payment(school, card, boss, run_in_threads) -> None:
    clerk, managers = user(school, "clerk"), [user(school, "manager") for _n in range(4)]
    asked = []
    for n in range(4):
        order = RefundOrder(
            customer_id=card.customer_id, credit_item_id=card.credit_item_id, gross_amount=Decimal("30.00"),
            reason_code="overpaid", reason="paid twice", request_key=f"refund-{n}",
        )  # fmt: skip
        with transaction.atomic():
            refund = request_refund(organization=school, order=order, now=NOW, by=clerk)
            asked.append((refund, put_forward(refund=refund, now=NOW, by=clerk)))

    def race(n: int) -> Any:
        if n % 2:
            return contest(card, "30.00", boss, processor_reference=f"CB-{n}")
        refund, request = asked[n // 2]
        manager = managers[n // 2]
        with explained(), transaction.atomic():
            return approve_refund(refund=refund, approval=decide(request, manager), by=manager, now=NOW)

    done = run_in_threads(race, N)
    reread(card.credit_item)
    held = disputed_amount(card)
    assert card.credit_item.refunded_amount + held <= 100
    assert card.credit_item.refunded_amount + held == 30 * len(done.results)
    assert len(done.results) == 3, (done.results, done.errors)
    assert Refund.objects.filter(state="approved").count() == card.credit_item.refunded_amount / 30
    assert_books_whole()


def test_a_double_click_from_eight_windows_is_one_line(card, boss, run_in_threads: RunInThreads) -> None:
    dispute = contest(card, "30.00", boss)

    def log(_n: int) -> Any:
        with transaction.atomic():
            return add_contact(dispute=dispute, channel="phone", text="She rang back.", now=NOW, by=boss)

    done = run_in_threads(log, N)
    assert done.errors == []
    assert DisputeEvent.objects.filter(kind="contact").count() == 1
