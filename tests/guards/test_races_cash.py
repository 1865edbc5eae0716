"""Several people at one drawer and one safe (invariants 11, 36; faults F29, F30): real threads, real commits.

Whatever the order, the same cash is never taken twice, a closed drawer has counted all that went into it, and the
books are whole.
"""

from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import DomainError
from billing.ledger.posting import post_entries
from billing.office.models import Organization
from payments.models import Payment
from payments.models.cash import CashCount, CashMovement, DrawerSession
from payments.postings import refund_paid
from payments.selectors.cash import cash_in_house, drawer_expected, safe_balance
from payments.services.drawers import count_again, lock_pay_out, pay_out_cash
from tests.assertions import assert_books_whole, reread
from tests.builders import NOW, customer, organization, policy, user
from tests.conftest import Outcomes, RunInThreads
from tests.payments.services.tills import cash_in, closed, fetch, move, opened, point

pytestmark = pytest.mark.django_db(transaction=True)
N = 8


@pytest.fixture
def school() -> Organization:
    return organization()


def codes(outcomes: Outcomes) -> list[str]:
    assert all(isinstance(error, DomainError) for error in outcomes.errors), outcomes.errors
    return sorted(error.code for error in outcomes.errors if isinstance(error, DomainError))


def test_a_point_eight_people_open_is_open_once(school, run_in_threads: RunInThreads) -> None:
    clerks = [user(school, "clerk") for _n in range(N)]
    place = point(school)
    done = run_in_threads(lambda n: opened(place, clerks[n]), N)
    assert len(done.results) == 1
    assert codes(done) == ["drawer_open"] * (N - 1)
    assert DrawerSession.objects.count() == 1


def test_a_person_with_eight_hands_has_one_counter_drawer(school, run_in_threads: RunInThreads) -> None:
    clerk = user(school, "clerk")
    places = [point(school, f"Drawer {n}") for n in range(N)]
    done = run_in_threads(lambda n: opened(places[n], clerk), N)
    assert len(done.results) == 1
    assert codes(done) == ["has_drawer"] * (N - 1)


def test_11_floats_never_take_more_than_the_safe_has(school, run_in_threads: RunInThreads) -> None:
    clerks = [user(school, "clerk") for _n in range(N)]
    places = [point(school, f"Drawer {n}") for n in range(N)]
    fetch(school, 250, clerks[0])
    done = run_in_threads(lambda n: opened(places[n], clerks[n], 100), N)
    assert (len(done.results), codes(done)) == (2, ["not_in_safe"] * (N - 2))
    assert safe_balance(school, "USD") == 50
    assert_books_whole()


def test_11_all_that_went_into_a_drawer_before_its_close_is_expected_and_nothing_goes_in_after(
    school, run_in_threads: RunInThreads
) -> None:
    clerk = user(school, "clerk")
    payers = [customer(school) for _n in range(N)]
    session = opened(point(school), clerk)

    def deed(n: int) -> object:
        if n == 3:
            return closed(session, 0, clerk)
        return cash_in(session, 10, clerk, payer=payers[n])

    done = run_in_threads(deed, N)
    session.refresh_from_db()
    taken = Payment.objects.filter(drawer_session=session)
    assert session.state == "closed"
    assert session.expected_amount == 10 * taken.count() == drawer_expected(session)
    assert codes(done) == ["drawer_not_open"] * (N - 1 - taken.count())
    assert_books_whole()


def test_a_drawer_is_closed_once(school, run_in_threads: RunInThreads) -> None:
    clerk = user(school, "clerk")
    fetch(school, 100, clerk)
    session = opened(point(school), clerk, 100)
    done = run_in_threads(lambda n: closed(session, 100 + n, clerk), N)
    assert (len(done.results), codes(done)) == (1, ["drawer_not_open"] * (N - 1))
    assert CashCount.objects.count() == 1
    assert_books_whole()


def test_counting_again_and_closing_do_not_lose_each_other(school, run_in_threads: RunInThreads) -> None:
    policy(school, "cash.variance_limit", "5")
    clerk = user(school, "clerk")
    session = closed(opened(point(school), clerk), 10, clerk)

    def again(_n: int) -> object:
        with transaction.atomic():
            return count_again(session=session)

    done = run_in_threads(again, N)
    assert (len(done.results), codes(done)) == (1, ["not_counted"] * (N - 1))
    reread(session)
    assert session.state == "open"


def test_40_one_movement_sent_eight_times_moves_once(school, run_in_threads: RunInThreads) -> None:
    clerk = user(school, "clerk")
    fetch(school, 500, clerk)
    session = opened(point(school), clerk)
    done = run_in_threads(lambda _n: move(school, session, "from_safe", 100, clerk, key="form"), N)
    assert done.errors == []
    assert len({moved.pk for moved in done.results}) == 1
    assert safe_balance(school, "USD") == 400


def test_11_the_safe_pays_out_what_it_has_and_no_more(school, run_in_threads: RunInThreads) -> None:
    clerk = user(school, "clerk")
    fetch(school, 250, clerk)
    people = [customer(school) for _n in range(N)]
    bag = opened(point(school, "Bag", "driver"), clerk)

    def deed(n: int) -> object:
        if n % 2:
            return move(school, bag, "from_safe", 100, clerk)
        with transaction.atomic():
            lock_pay_out(school, None)
            draft = refund_paid(
                key=f"race:{n}", number=f"R{n}", customer_id=people[n].pk, method="cash", amount=Decimal(100),
                currency="USD", on=NOW.date(),
            )  # fmt: skip
            entry = post_entries(organization_id=school.pk, drafts=[draft], now=NOW, by_id=clerk.pk)[0]
            return pay_out_cash(
                organization=school, session=None, amount=Decimal(100), currency="USD", reason="refund",
                request_key=f"R{n}", entry=entry, now=NOW, by=clerk,
            )  # fmt: skip

    done = run_in_threads(deed, N)
    assert (len(done.results), codes(done)) == (2, ["not_in_safe"] * (N - 2))
    assert safe_balance(school, "USD") == 50
    assert CashMovement.objects.exclude(kind="from_bank").count() == 2


def test_11_payments_moves_and_closes_at_once_leave_no_cash_unaccounted(school, run_in_threads: RunInThreads) -> None:
    clerks = [user(school, "clerk") for _n in range(2)]
    payers = [customer(school) for _n in range(N)]
    fetch(school, 200, clerks[0])
    sessions = [opened(point(school, f"D{n}"), clerks[n], 50) for n in range(2)]

    def deed(n: int) -> object:
        session, clerk = sessions[n % 2], clerks[n % 2]
        if n < 4:
            return cash_in(session, 10, clerk, payer=payers[n])
        if n < 6:
            return move(school, session, "to_safe", 5, clerk)
        return closed(session, 60, clerk)

    done = run_in_threads(deed, N)
    assert set(codes(done)) <= {"drawer_not_open"}
    house = cash_in_house(school, "USD")
    assert house.in_drawers == 0
    assert house.in_safe == house.booked == house.free_in_safe
    assert_books_whole()
