"""Bank lines become payments or are explained, and every step can be undone (R17, R18, R144, R146; §4 row 3)."""

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.errors import DomainError
from billing.ledger.models import JournalEntry, LedgerAccount, Role
from billing.models import Customer, Invoice
from billing.office.models import Organization, User
from billing.rules.controlled import CONTROLLED
from payments.models import BankAccount, DebitReturn, Payment, PaymentReconciliation, PaymentState
from payments.services.orders import PaymentOrder
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish, take_payment
from reconciliation.models import Match, MatchKind, StatementLine
from reconciliation.selectors.matching_rules import bookable_accounts
from reconciliation.services import explaining
from reconciliation.services.matching import PaymentMatch, match_payments
from reconciliation.services.tending import tend_matches
from reconciliation.services.undoing import unmatch
from tests import builders
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.bank_run import at_bank, bounce, held
from tests.builders import NOW, TODAY
from tests.deeds import accept, void
from tests.payments.services.tills import move
from tests.reconciliation.bank_desk import Booked, bank_account, lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def clerk(org: Organization) -> User:
    return builders.user(org, "supervisor")


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org, email="ada@example.org")


def post(account: BankAccount, *matches: PaymentMatch, by: User | None = None) -> list[Match | DomainError]:
    with transaction.atomic():
        return match_payments(bank_account=account, matches=matches, now=NOW, by=by)


def paid(account: BankAccount, line: StatementLine, customer: Customer, **facts: Any) -> Match:
    (made,) = post(account, PaymentMatch(line.pk, customer.pk, **facts))
    assert isinstance(made, Match), made
    return made


def test_R144_a_line_becomes_a_payment_with_receipt_allocation_entry_and_match(
    account: BankAccount, ada: Customer
) -> None:
    invoice = builders.invoice(ada, "120.00")
    (line,) = lines(account, Booked("120.00", name="Ada", text="thanks", ref="R1"))
    made = paid(account, line, ada, allocations=((invoice.pk, Decimal("120.00")),), score=Decimal("0.99"),
                is_automatic=True, evidence=[["number_found", {"number": invoice.number}]])  # fmt: skip
    payment, receipt = Payment.objects.get(), Receipt.objects.get()
    assert (payment.method, payment.bank_account, payment.reference) == ("bank_transfer", account, "R1")
    assert (receipt.payment, receipt.delivery) == (payment, "email")
    assert Invoice.objects.get().open_amount == 0
    line.refresh_from_db()
    assert (line.matched_amount, line.open_amount) == (120, 0)
    told = PaymentReconciliation.objects.get()
    assert (told.payment, told.reconciled_on, told.statement_reference) == (payment, line.booked_on, "1 #1")
    assert made.evidence[0][0] == "number_found"
    entries = JournalEntry.objects.filter(event__in=["payment_received", "credit_allocated"])
    assert_posts(entries, """
        2026-03-10  bank Dr 120.00    unapplied_cash Cr 120.00
        2026-03-10  unapplied_cash Dr 120.00    accounts_receivable Cr 120.00""")  # fmt: skip
    assert_books_whole()


def test_a_line_is_split_between_two_customers_and_not_a_cent_more(account: BankAccount, ada: Customer) -> None:
    ben = builders.customer(ada.organization, "Ben")
    (line,) = lines(account, Booked("100.00"))
    results = post(
        account, PaymentMatch(line.pk, ada.pk, amount=Decimal("60.00")),
        PaymentMatch(line.pk, ben.pk, amount=Decimal("40.01")), PaymentMatch(line.pk, ben.pk, amount=Decimal("40.00")),
        PaymentMatch(line.pk, ben.pk),
    )  # fmt: skip
    codes = [result.code if isinstance(result, DomainError) else result.amount for result in results]
    assert codes == [60, "already_explained", 40, "already_explained"]
    assert Payment.objects.count() == 2
    assert_books_whole()


def test_a_refused_allocation_leaves_nothing_behind(account: BankAccount, ada: Customer) -> None:
    invoice = builders.invoice(ada, "50.00")
    (line,) = lines(account, Booked("100.00"))
    (refused,) = post(account, PaymentMatch(line.pk, ada.pk, allocations=((invoice.pk, Decimal("50.01")),)))
    assert isinstance(refused, DomainError) and refused.code == "over_allocation"
    assert not Payment.objects.exists() and not Match.objects.exists()


def test_money_that_left_is_no_payment(account: BankAccount, ada: Customer) -> None:
    (line,) = lines(account, Booked("-10.00"), opening="50.00")
    (refused,) = post(account, PaymentMatch(line.pk, ada.pk))
    assert isinstance(refused, DomainError) and refused.code == "wrong_direction"


def test_unmatching_leaves_the_payment_and_opens_line_and_reconciliation(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    (line,) = lines(account, Booked("120.00"))
    made = paid(account, line, ada)
    with pytest.raises(DomainError), transaction.atomic():
        unmatch(match=made, reason=" ", now=NOW, by=clerk)
    with transaction.atomic():
        unmatch(match=made, reason="wrong family", now=NOW, by=clerk)
    line.refresh_from_db()
    told = PaymentReconciliation.objects.get()
    assert (line.open_amount, told.open_reason, told.opened_by) == (120, "wrong family", clerk)
    payment = Payment.objects.get()
    assert payment.state == PaymentState.PROCESSED
    with pytest.raises(DomainError), transaction.atomic():
        unmatch(match=made, reason="again", now=NOW, by=clerk)
    with transaction.atomic():
        explaining.match_existing_payment(line=line, payment=payment, now=NOW, by=clerk)
    assert PaymentReconciliation.objects.filter(opened_at__isnull=True).count() == 1
    assert_books_whole()


def test_R146_a_payment_a_clerk_had_entered_is_matched_and_nothing_is_posted(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    order = PaymentOrder(customer_id=ada.pk, method="bank_transfer", amount=Decimal("75.00"), currency="USD",
                         received_on=TODAY, request_key="k", bank_account=account)  # fmt: skip
    with transaction.atomic():
        take_payment(organization=ada.organization, order=order, wish=ReceiptWish(), now=NOW, by=clerk)
    before = JournalEntry.objects.count()
    small, line = lines(account, Booked("74.99"), Booked("75.00"))
    payment = Payment.objects.get()
    with pytest.raises(explaining.Differs), transaction.atomic():
        explaining.match_existing_payment(line=small, payment=payment, now=NOW, by=clerk)
    with transaction.atomic():
        explaining.match_existing_payment(line=line, payment=payment, now=NOW, by=clerk)
    assert JournalEntry.objects.count() == before
    assert_books_whole()


def test_suspense_holds_money_until_its_owner_is_known(account: BankAccount, ada: Customer, clerk: User) -> None:
    (line,) = lines(account, Booked("33.00"))
    with transaction.atomic():
        held = explaining.send_to_suspense(line=line, now=NOW, by=clerk, note="asked the bank")
    line.refresh_from_db()
    assert line.open_amount == 0
    with transaction.atomic():
        unmatch(match=held, reason="Ada's", now=NOW, by=clerk)
    paid(account, line, ada)
    assert_posts(JournalEntry.objects.all(), """
        2026-03-10  bank Dr 33.00    suspense Cr 33.00
        2026-03-12  bank Cr 33.00    suspense Dr 33.00
        2026-03-10  bank Dr 33.00    unapplied_cash Cr 33.00""")  # fmt: skip
    assert_books_whole()


def test_R144_a_fee_is_booked_to_an_account_that_mirrors_nothing_else(account: BankAccount, clerk: User) -> None:
    (line,) = lines(account, Booked("-2.50", text="fee"), opening="10.00")
    accounts = {one.role: one for one in LedgerAccount.objects.filter(organization=account.organization)}
    for role in CONTROLLED:
        with pytest.raises(explaining.NotHere), transaction.atomic():
            explaining.book_bank_item(line=line, ledger_account=accounts[role], now=NOW, by=clerk)
    assert not set(bookable_accounts(account.organization_id)) & {accounts[r] for r in CONTROLLED}
    with transaction.atomic():
        explaining.book_bank_item(line=line, ledger_account=accounts[Role.BANK_CHARGES], now=NOW, by=clerk)
    assert_posts(JournalEntry.objects.all(), "2026-03-10  bank_charges Dr 2.50    bank Cr 2.50")
    assert_books_whole()


def test_R115_a_reversal_takes_the_payment_back_and_reopens_its_invoice(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    invoice = builders.invoice(ada, "120.00")
    came, left = lines(account, Booked("120.00"), Booked("-120.00", text="RETURN"))
    paid(account, came, ada, allocations=((invoice.pk, Decimal("120.00")),))
    with transaction.atomic():
        explaining.mark_reversal(line=left, of=came, now=NOW, by=clerk)
    invoice.refresh_from_db()
    assert (invoice.open_amount, Payment.objects.get().state) == (120, PaymentState.RETURNED)
    assert DebitReturn.objects.get().attempt is None
    assert Receipt.objects.get().returned_on == left.booked_on
    with pytest.raises(DomainError), transaction.atomic():
        explaining.mark_reversal(line=left, of=came, now=NOW, by=clerk)
    assert_books_whole()


def test_R115_one_line_takes_a_payment_back_whichever_verb_is_used(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    came, left, again = lines(account, Booked("12.00"), Booked("-12.00", text="a"), Booked("-12.00", text="b"))
    payment = paid(account, came, ada).payment
    assert payment is not None
    with transaction.atomic():
        first = explaining.match_returned_payment(line=left, payment=payment, now=NOW, by=clerk)
    for verb in (
        lambda: explaining.match_returned_payment(line=again, payment=payment, now=NOW, by=clerk),
        lambda: explaining.mark_reversal(line=again, of=came, now=NOW, by=clerk),
    ):
        with pytest.raises(explaining.ExplainedElsewhere, match=f"{payment.number} explains"), transaction.atomic():
            verb()
    with transaction.atomic():
        unmatch(match=first, reason="the other one", now=NOW, by=clerk)
    with transaction.atomic():
        explaining.mark_reversal(line=again, of=came, now=NOW, by=clerk)
    with pytest.raises(explaining.ExplainedElsewhere), transaction.atomic():
        explaining.match_returned_payment(line=left, payment=payment, now=NOW, by=clerk)
    assert DebitReturn.objects.count() == 1
    assert_books_whole()


def test_R115_a_payment_is_not_returned_by_a_line_of_another_account(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    second = bank_account(account.organization, "second", number="DE89370400440532013000")  # a published example
    (came,), (left,) = lines(second, Booked("12.00")), lines(account, Booked("-12.00"), opening="100.00")
    payment = paid(second, came, ada).payment
    assert payment is not None
    with pytest.raises(explaining.NotHere), transaction.atomic():
        explaining.match_returned_payment(line=left, payment=payment, now=NOW, by=clerk)
    assert not DebitReturn.objects.exists()


def test_R115_the_return_of_a_cheque_explains_one_line(account: BankAccount, ada: Customer, clerk: User) -> None:
    paper = held(ada, 120, "000123")
    at_bank(account, [paper])
    reread(paper)
    bounce(paper, builders.user(account.organization, "clerk"), clerk)
    reread(paper)
    left, again = lines(account, Booked("-120.00", text="a"), Booked("-120.00", text="b"), opening="500.00")
    with transaction.atomic():
        explaining.match_returned_cheque(line=left, cheque=paper, now=NOW, by=clerk)
    with pytest.raises(IntegrityError, match="match_returned_cheque_once"), transaction.atomic():
        explaining.match_returned_cheque(line=again, cheque=paper, now=NOW, by=clerk)
    assert Match.objects.get().line == left


def test_a_reversal_of_a_line_still_open_explains_both(account: BankAccount, clerk: User) -> None:
    came, left = lines(account, Booked("20.00"), Booked("-20.00"))
    with transaction.atomic():
        made = explaining.mark_reversal(line=left, of=came, now=NOW, by=clerk)
    assert not StatementLine.objects.to_match().exists()
    with transaction.atomic():
        unmatch(match=made, reason="not that one", now=NOW, by=clerk)
    assert StatementLine.objects.to_match().count() == 2
    assert_books_whole()


def test_what_the_bank_posted_twice_is_explained_without_a_posting(account: BankAccount, clerk: User) -> None:
    first, second = lines(account, Booked("50.00", ref="R7", text="a"), Booked("50.00", ref="R7", text="b"))
    with transaction.atomic():
        explaining.mark_posted_twice(line=second, of=first, now=NOW, by=clerk)
    assert not JournalEntry.objects.exists()
    assert Match.objects.get().kind == MatchKind.DUPLICATE


def test_a_transfer_between_our_accounts_moves_bank_to_bank_and_is_undone_at_both_ends(
    org: Organization, account: BankAccount, clerk: User
) -> None:
    other = bank_account(org, "SECOND", "DE89370400440532013000")
    (out,), (came,) = lines(account, Booked("-500.00"), opening="900.00"), lines(other, Booked("500.00"))
    with transaction.atomic():
        made = explaining.match_own_transfer(line=out, other=came, now=NOW, by=clerk)
    assert not StatementLine.objects.to_match().exists()
    assert_posts(JournalEntry.objects.all(), "2026-03-10  bank Dr 500.00    bank Cr 500.00")
    with transaction.atomic():
        unmatch(match=made, reason="no", now=NOW, by=clerk)
    assert StatementLine.objects.to_match().count() == 2
    assert_books_whole()


def test_R144_what_something_else_booked_to_the_bank_is_matched_once_and_never_mirrored(
    account: BankAccount, clerk: User
) -> None:
    entry = move(account.organization, None, "from_bank", "40.00", clerk, bank_account=account).entry
    assert entry is not None
    less, line, again = lines(account, Booked("-39.99"), Booked("-40.00", text="a"), Booked("-40.00", text="b"),
                              opening="200.00")  # fmt: skip
    with pytest.raises(explaining.Differs), transaction.atomic():
        explaining.match_entry(line=less, entry=entry, now=NOW, by=clerk)
    with transaction.atomic():
        made = explaining.match_entry(line=line, entry=entry, now=NOW, by=clerk)
    with pytest.raises(IntegrityError), transaction.atomic():
        explaining.match_entry(line=again, entry=entry, now=NOW, by=clerk)
    with transaction.atomic():
        unmatch(match=made, reason="the other one", now=NOW, by=clerk)
    assert JournalEntry.objects.count() == 1
    with transaction.atomic():
        explaining.match_entry(line=again, entry=entry, now=NOW, by=clerk)
    assert_books_whole()


def test_R13_a_large_payment_waits_for_a_second_person_and_is_reconciled_once_they_agreed(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    manager = builders.user(account.organization, "manager")
    made = _large(account, ada, clerk)
    assert tend_matches(now=NOW) == 0 and not PaymentReconciliation.objects.exists()
    accept(made, manager)
    assert tend_matches(now=NOW) == 1
    assert PaymentReconciliation.objects.get().payment == made
    assert tend_matches(now=NOW) == 0
    assert_books_whole()


def test_R13_the_line_of_a_large_payment_that_was_voided_is_to_be_explained_again(
    account: BankAccount, ada: Customer, clerk: User
) -> None:
    manager = builders.user(account.organization, "manager")
    made = _large(account, ada, clerk)
    void(made, builders.user(account.organization, "supervisor"), manager)
    assert StatementLine.objects.get().open_amount == StatementLine.objects.get().amount
    assert tend_matches(now=NOW) == 0
    assert_books_whole()


def _large(account: BankAccount, customer: Customer, by: User) -> Payment:
    builders.policy(account.organization, "payments.verify_above", "100")
    (line,) = lines(account, Booked("100.01"))
    (made,) = post(account, PaymentMatch(line.pk, customer.pk, verified=False), by=by)
    assert isinstance(made, Match) and made.payment is not None
    assert made.payment.state == PaymentState.PENDING
    return made.payment


def test_a_payment_is_not_matched_by_its_entry(account: BankAccount, ada: Customer, clerk: User) -> None:
    came, other = lines(account, Booked("40.00", text="a"), Booked("40.00", text="b"))
    made = paid(account, came, ada)
    assert made.payment is not None and made.payment.entry is not None
    with pytest.raises(explaining.NotHere), transaction.atomic():
        explaining.match_entry(line=other, entry=made.payment.entry, now=NOW, by=clerk)


def test_two_persons_explain_one_line_and_one_wins(run_in_threads: Any) -> None:
    org = builders.organization("race")
    account, ada = bank_account(org), builders.customer(org)
    (line,) = lines(account, Booked("10.00"))

    def work(index: int) -> Any:
        with transaction.atomic():
            if index % 2:
                return explaining.send_to_suspense(line=line, now=NOW, by=None)
            (made,) = match_payments(
                bank_account=account, matches=[PaymentMatch(line.pk, ada.pk)], now=NOW, by=None
            )  # fmt: skip
            if isinstance(made, DomainError):
                raise made
            return made

    run_in_threads(work, 4)
    assert Match.objects.count() == 1
    assert_books_whole()


def test_a_part_is_matched_while_the_payment_of_the_other_is_voided(run_in_threads: Any) -> None:
    org = builders.organization("race")
    account, ada, bob = bank_account(org), builders.customer(org), builders.customer(org)
    (line,) = lines(account, Booked("100.00"))
    builders.policy(org, "payments.verify_above", "50")
    payment = paid(account, line, ada, amount=Decimal(60), verified=False).payment
    assert payment is not None
    asker, manager = builders.user(org, "supervisor"), builders.user(org, "manager")
    holds = threading.Event()

    def work(index: int) -> None:
        if index:
            assert holds.wait(30)
            void(payment, asker, manager)
            return
        with transaction.atomic():
            (made,) = match_payments(
                bank_account=account, matches=[PaymentMatch(line.pk, bob.pk, amount=Decimal(40))], now=NOW, by=None
            )  # fmt: skip
            assert isinstance(made, Match)
            holds.set()
            wait_until_blocked()

    assert run_in_threads(work, 2).errors == []
    assert StatementLine.objects.get().matched_amount == 40
    assert_books_whole()


def wait_until_blocked() -> None:
    """Until another connection waits for what this one holds."""
    for _try in range(300):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")
