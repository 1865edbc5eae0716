"""Eight people at once (invariants 12, 14, 16, 17, 36, 37, 39, 40; faults F29, F30): one wins, the others are told.

Real threads, real commits. Whatever the order, nothing is over-applied, nothing deadlocks, and the books are whole.
"""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.errors import DomainError, KeyReused
from billing.ledger.models import JournalEntry, Period
from billing.ledger.periods import close_period
from billing.models import Allocation, CreditItem, Invoice
from billing.office import approvals
from billing.office.approvals import AlreadyDecided
from billing.office.models import ApprovalRequest, Organization
from billing.office.models.user import Role
from billing.refusals import explained
from billing.services.allocating import AlreadyUndone, NothingFree, allocate_credit, reallocate, unallocate
from billing.services.invoicing import void_invoice
from payments.models import Payment
from payments.services.duplicates import LooksAlike, TrueDouble
from payments.services.orders import PastDailyCashLimit
from payments.services.voiding import NotVoidable
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish, accept_pending, take_payments
from tests.assertions import assert_books_whole, reread
from tests.builders import NOW, cheque, customer, invoice, order, organization, pay, policy, user
from tests.conftest import Outcomes, RunInThreads
from tests.deeds import accept, ask_to_void, carry_out_void, decide, waiting_for

pytestmark = pytest.mark.django_db(transaction=True)
N = 8


@pytest.fixture
def school() -> Organization:
    return organization()


def only(kind: type[BaseException] | tuple[type[BaseException], ...], outcomes: Outcomes, *, won: int = 1) -> None:
    """So many got through; the others were told this, and nothing worse."""
    assert len(outcomes.results) == won, (outcomes.results, outcomes.errors)
    assert all(isinstance(error, kind) for error in outcomes.errors), outcomes.errors


def in_one(deed: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with explained(), transaction.atomic():
        return deed(*arguments, **options)


class TestPaying:
    def test_eight_pay_the_same_invoice_in_full_and_it_is_paid_once(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        due = invoice(ada, 100)
        done = run_in_threads(lambda n: pay(ada, 100, lookalike_reason=f"desk {n}"), N)
        assert done.errors == []
        due.refresh_from_db()
        assert (due.open_amount, due.applied_amount) == (0, 100)
        assert sorted(CreditItem.objects.values_list("unapplied_amount", flat=True)) == [0] + [100] * (N - 1)
        assert Allocation.objects.count() == 1
        assert_books_whole()

    def test_parts_of_eight_meet_in_the_middle_without_passing_it(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        due = invoice(ada, 100)
        done = run_in_threads(lambda n: pay(ada, "33.33", lookalike_reason=f"desk {n}"), N)
        assert done.errors == []
        due.refresh_from_db()
        assert due.open_amount == 0
        assert sum(CreditItem.objects.values_list("unapplied_amount", flat=True)) == Decimal("166.64")
        assert_books_whole()

    def test_40_one_key_eight_times_is_one_payment(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        invoice(ada, 100)
        done = run_in_threads(lambda _n: pay(ada, 100, request_key="one form"), N)
        assert done.errors == []
        assert len({taken.payment.pk for taken in done.results}) == len({t.receipt.pk for t in done.results}) == 1
        assert sum(taken.received.is_new for taken in done.results) == 1
        assert (Payment.objects.count(), Receipt.objects.count()) == (1, 1)
        assert_books_whole()

    def test_40_one_key_for_eight_customers_is_one_payment_too(self, school, run_in_threads: RunInThreads) -> None:
        people = [customer(school) for _n in range(N)]
        done = run_in_threads(lambda n: in_one(pay, people[n], 100, request_key="one form"), N)
        assert len(done.results) == 1
        assert {error.code for error in done.errors if isinstance(error, DomainError)} == {"key_reused"}
        assert (len(done.errors), Payment.objects.count()) == (N - 1, 1)
        assert KeyReused.code == "key_reused"
        assert_books_whole()

    def test_without_a_reason_only_the_first_of_eight_look_alikes_is_taken(self, school, run_in_threads) -> None:
        ada = customer(school)
        only(LooksAlike, run_in_threads(lambda _n: pay(ada, 100), N))

    def test_one_line_of_a_bank_is_booked_once(self, school, run_in_threads: RunInThreads) -> None:
        people = [customer(school) for _n in range(4)]
        done = run_in_threads(lambda n: in_one(pay, people[n % 4], 100 + n, source_reference="line 7"), N)
        assert len(done.results) == 1
        assert {getattr(error, "code", error) for error in done.errors} == {TrueDouble.code}
        assert Payment.objects.count() == 1

    def test_one_cheque_is_taken_once(self, school, run_in_threads: RunInThreads) -> None:
        people = [customer(school) for _n in range(4)]
        done = run_in_threads(
            lambda n: in_one(pay, people[n % 4], 100 + n, method="cheque", cheque=cheque(drawer="Dov")), N
        )
        assert len(done.results) == 1
        assert {getattr(error, "code", error) for error in done.errors} == {"duplicate_cheque"}

    def test_the_cash_limit_of_a_day_is_not_passed_together(self, school, run_in_threads: RunInThreads) -> None:
        policy(school, "payments.daily_cash_limit", "300")
        ada = customer(school)
        done = run_in_threads(lambda n: pay(ada, 100, lookalike_reason=f"desk {n}"), N)
        only(PastDailyCashLimit, done, won=3)


class TestApplying:
    def test_16_eight_apply_the_same_credit(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        dues = [invoice(ada, 60) for _n in range(N)]
        item = pay(ada, 100, strategy="none").payment.credit_item

        def apply(n: int) -> Any:
            chosen = [(dues[n].pk, Decimal(60))]
            return in_one(allocate_credit, credit_item=item, strategy="manual", by_hand=chosen, now=NOW, by=None)

        done = run_in_threads(apply, N)
        assert len(done.results) == 1
        assert {getattr(error, "code", error) for error in done.errors} == {"more_than_paid"}
        assert sum(Invoice.objects.values_list("applied_amount", flat=True)) == 60
        assert_books_whole()

    def test_16_17_eight_apply_it_by_the_rule(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        for _n in range(N):
            invoice(ada, 30)
        item = pay(ada, 100, strategy="none").payment.credit_item
        done = run_in_threads(
            lambda _n: in_one(allocate_credit, credit_item=item, strategy="fifo", now=NOW, by=None), N
        )
        only(NothingFree, done)
        assert_books_whole()

    def test_two_payments_of_one_customer_race_for_one_invoice(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        due = invoice(ada, 100)
        items = [pay(ada, 40 + n, strategy="none").payment.credit_item for n in range(N)]
        run_in_threads(lambda n: in_one(allocate_credit, credit_item=items[n], strategy="fifo", now=NOW, by=None), N)
        due.refresh_from_db()
        assert (due.open_amount, due.applied_amount) == (0, 100)
        assert_books_whole()

    def test_19_eight_undo_the_same_allocation(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        due = invoice(ada, 100)
        pay(ada, 100)
        row = Allocation.objects.get()
        done = run_in_threads(lambda _n: in_one(unallocate, allocations=[row], now=NOW, by=None, reason="x"), N)
        only(AlreadyUndone, done)
        due.refresh_from_db()
        assert due.open_amount == 100
        assert_books_whole()

    def test_apply_undo_and_move_at_once_leave_the_sums_right(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        first, second = invoice(ada, 70), invoice(ada, 70)
        item = pay(ada, 100, strategy="none", first=(first.number,)).payment.credit_item

        def work(n: int) -> Any:
            if n % 3 == 0:
                return in_one(allocate_credit, credit_item=item, strategy="fifo", now=NOW, by=None)
            if n % 3 == 1:
                standing = Allocation.objects.filter(reverses=None, reversed_by=None).select_related("organization")
                return in_one(unallocate, allocations=standing[:1], now=NOW, by=None, reason="x")
            chosen = [(second.pk, Decimal(50))]
            return in_one(reallocate, credit_item=item, by_hand=chosen, now=NOW, by=None, reason="x")

        done = run_in_threads(work, 9)
        assert all(isinstance(error, DomainError) for error in done.errors), done.errors
        assert_books_whole()

    def test_an_invoice_is_voided_or_paid_but_not_both(self, school, run_in_threads: RunInThreads) -> None:
        ada = customer(school)
        due = invoice(ada, 100)

        def work(n: int) -> Any:
            if n % 2:
                return in_one(void_invoice, invoice=due, reason="x", now=NOW, by=None)
            return pay(ada, 100, lookalike_reason=f"desk {n}")

        done = run_in_threads(work, N)
        assert all(isinstance(error, DomainError) for error in done.errors), done.errors
        due.refresh_from_db()
        assert (due.voided_on is None) == (due.applied_amount == 100)
        assert_books_whole()


class TestTakingBack:
    def test_allocate_against_void(self, school, run_in_threads: RunInThreads) -> None:
        clerk, manager, ada = user(school, Role.CLERK), user(school, Role.MANAGER), customer(school)
        payment = pay(ada, 100, by=clerk).payment
        due = invoice(ada, 100)
        request = decide(ask_to_void(payment, clerk), manager)

        def work(n: int) -> Any:
            if n % 2:
                return in_one(allocate_credit, credit_item=payment.credit_item, strategy="fifo", now=NOW, by=None)
            return carry_out_void(payment, request, manager)

        done = run_in_threads(work, 4)
        assert all(isinstance(error, DomainError) for error in done.errors), done.errors
        reread(payment, due)
        assert (payment.state == "voided") == (due.open_amount == 100)
        assert_books_whole()

    def test_37_an_approval_is_used_once_by_eight(self, school, run_in_threads: RunInThreads) -> None:
        clerk, manager = user(school, Role.CLERK), user(school, Role.MANAGER)
        payment = pay(customer(school), 100, by=clerk).payment
        request = decide(ask_to_void(payment, clerk), manager)
        done = run_in_threads(lambda _n: carry_out_void(payment, request, manager), N)
        only((NotVoidable, AlreadyDecided), done)
        assert JournalEntry.objects.filter(event="payment_received_reversed").count() == 1
        assert_books_whole()

    def test_37_eight_decide_and_one_is_heard(self, school, run_in_threads: RunInThreads) -> None:
        clerk = user(school, Role.CLERK)
        managers = [user(school, Role.MANAGER) for _n in range(N)]
        request = ask_to_void(pay(customer(school), 100, by=clerk).payment, clerk)
        done = run_in_threads(lambda n: decide(request, managers[n], approve=bool(n % 2), reason="so"), N)
        only(AlreadyDecided, done)

    def test_eight_ask_and_one_request_waits(self, school, run_in_threads: RunInThreads) -> None:
        clerks = [user(school, Role.CLERK) for _n in range(N)]
        payment = pay(customer(school), 100, by=clerks[0]).payment
        done = run_in_threads(lambda n: ask_to_void(payment, clerks[n]), N)
        assert (done.errors, {request.pk for request in done.results}) == ([], {ApprovalRequest.objects.get().pk})


class TestSecondPersons:
    @pytest.fixture
    def waiting(self, school) -> Payment:
        policy(school, "payments.verify_above", "1000")
        policy(school, "payments.unusual_methods", ["card"])
        return pay(customer(school), 2000, method="card", by=user(school, Role.CLERK)).payment

    def test_two_approve_their_halves_at_once_and_it_is_booked_once(self, school, waiting, run_in_threads) -> None:
        managers = [user(school, Role.MANAGER), user(school, Role.MANAGER)]
        requests = waiting_for(waiting)

        def approve(n: int) -> Any:
            with transaction.atomic():
                request = requests[n]
                approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=managers[n], now=NOW)
                return accept_pending(payment=waiting, now=NOW, by=managers[n])

        done = run_in_threads(approve, 2)
        assert done.errors == []
        assert sorted(taken is None for taken in done.results) == [False, True]
        waiting.refresh_from_db()
        assert (waiting.state, CreditItem.objects.count()) == ("processed", 1)
        assert_books_whole()

    def test_accepting_against_calling_off_never_locks_up(self, school, waiting, run_in_threads: RunInThreads) -> None:
        clerk, manager = user(school, Role.CLERK), user(school, Role.MANAGER)
        request = decide(ask_to_void(waiting, clerk), manager)
        for one in waiting_for(waiting):
            if one.pk != request.pk:
                decide(one, manager)

        def work(n: int) -> Any:
            if n % 2:
                return carry_out_void(waiting, request, manager)
            with transaction.atomic():
                return accept_pending(payment=waiting, now=NOW, by=manager)

        done = run_in_threads(work, N)
        assert all(isinstance(error, DomainError) for error in done.errors), done.errors
        waiting.refresh_from_db()
        assert waiting.state in ("processed", "cancelled")
        assert_books_whole()

    def test_accepted_by_eight_it_is_booked_once(self, school, waiting, run_in_threads: RunInThreads) -> None:
        manager = user(school, Role.MANAGER)
        for one in waiting_for(waiting):
            decide(one, manager)
        done = run_in_threads(lambda _n: accept(waiting, manager), N)
        assert done.errors == []
        assert sum(taken is not None for taken in done.results) == 1
        assert_books_whole()


class TestMonths:
    def test_12_closing_waits_for_posts_in_flight_and_later_ones_go_to_the_next_month(
        self, school, run_in_threads
    ) -> None:
        people = [customer(school) for _n in range(N)]
        pay(people[0], 1)

        def work(n: int) -> Any:
            if n == 0:
                time.sleep(0.02)
                return in_one(close_period, organization_id=school.pk, month=date(2026, 3, 1), now=NOW, by_id=None)
            return [in_one(pay, people[n], 10 + k) for k in range(5)]

        done = run_in_threads(work, N)
        assert {getattr(error, "code", error) for error in done.errors} <= {"period_closed"}
        assert Period.objects.get(month=date(2026, 3, 1)).state == "closed"
        closed_at = JournalEntry.objects.filter(entry_date=date(2026, 4, 1))
        march = JournalEntry.objects.filter(entry_date__lt=date(2026, 4, 1))
        assert march.count() + closed_at.count() == JournalEntry.objects.count() == Payment.objects.count()
        assert_books_whole()

    def test_eight_first_posts_of_a_month_open_it_once(self, school, run_in_threads: RunInThreads) -> None:
        people = [customer(school) for _n in range(N)]
        done = run_in_threads(lambda n: pay(people[n], 5), N)
        assert (done.errors, Period.objects.count()) == ([], 1)


class TestLocksAndNumbers:
    def test_batches_over_the_same_customers_in_opposite_order_do_not_deadlock(self, school, run_in_threads) -> None:
        people = [customer(school) for _n in range(12)]
        for payer in people:
            invoice(payer, 50)

        def work(n: int) -> Any:
            rows = [(order(payer, 5 + n), ReceiptWish()) for payer in (people if n % 2 else people[::-1])]
            return in_one(take_payments, organization=school, orders=rows, now=NOW, by=None, at_counter=False)

        done = run_in_threads(work, N)
        assert done.errors == []
        assert all(not isinstance(row, DomainError) for rows in done.results for row in rows)
        assert Payment.objects.count() == 12 * N
        assert_books_whole()

    def test_14_39_numbers_have_no_holes_whatever_is_rolled_back(self, school, run_in_threads: RunInThreads) -> None:
        people = [customer(school) for _n in range(N)]

        def work(n: int) -> int:
            chance, kept = random.Random(n), 0
            for k in range(6):
                try:
                    with transaction.atomic():
                        pay(people[n], 1 + k)
                        if chance.random() < 0.4:
                            raise ZeroDivisionError
                        kept += 1
                except ZeroDivisionError:
                    continue
            return kept

        done = run_in_threads(work, N)
        kept = sum(done.results)
        assert done.errors == [] and 0 < kept < 6 * N
        for numbers in (
            Payment.objects.values_list("number", flat=True),
            Payment.objects.values_list("transaction_number", flat=True),
            Receipt.objects.values_list("number", flat=True),
        ):
            assert sorted(int(number.rpartition("-")[2]) for number in numbers) == list(range(1, kept + 1))
        assert sorted(JournalEntry.objects.values_list("number", flat=True)) == list(range(1, kept + 1))
        assert_books_whole()

    def test_eight_desks_and_one_customer_take_25_payments_each(self, school, run_in_threads, capsys) -> None:
        """The hardest case there is; how long each takes is printed, and judged by the benchmark."""
        ada = customer(school)
        for n in range(40):
            invoice(ada, 20, issued_on=date(2026, 1, 1) + timedelta(days=n))
        took: list[float] = []

        def work(n: int) -> None:
            for k in range(25):
                started = time.perf_counter()
                pay(ada, 5, request_key=f"{n}/{k}", lookalike_reason="-")
                took.append(time.perf_counter() - started)

        done = run_in_threads(work, N)
        assert done.errors == []
        assert Payment.objects.count() == 25 * N
        assert sum(Invoice.objects.values_list("open_amount", flat=True)) == 0
        assert sum(CreditItem.objects.values_list("unapplied_amount", flat=True)) == 200
        assert_books_whole()
        took.sort()
        with capsys.disabled():
            print(f"\n8 desks, one customer: p50 {took[100] * 1000:.0f} ms, p99 {took[197] * 1000:.0f} ms")


def test_what_the_database_refuses_in_a_race_is_never_a_bare_error(school) -> None:
    with pytest.raises(DomainError), explained():
        raise IntegrityError("somebody was quicker")
