"""What the books have already is matched and never booked twice (R144, R146); the amount alone is not enough."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.ledger.models import JournalEntry
from billing.models import Customer
from billing.office.models import Organization
from payments.models import BankAccount, Payment
from payments.services.orders import PaymentOrder
from receipts.services.counter import ReceiptWish, take_payment
from reconciliation.models import Match, MatchProposal, StatementLine
from reconciliation.selectors.own_records import amounts_entered, find_own, is_near
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.services.own_records import match_own_records
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY
from tests.payments.services.tills import move
from tests.reconciliation.bank_desk import Booked, bank_account, lines

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 10)


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org)


def entered(account: BankAccount, customer: Customer, amount: str = "75.00", **facts: Any) -> Payment:
    order = PaymentOrder(customer_id=customer.pk, method="bank_transfer", amount=Decimal(amount), currency="USD",
                         received_on=facts.pop("on", DAY), request_key=f"k{Payment.objects.count()}",
                         bank_account=account, lookalike_reason="another one", **facts)  # fmt: skip
    with transaction.atomic():
        return take_payment(
            organization=customer.organization, order=order, wish=ReceiptWish(), now=NOW, by=None
        ).payment


def own(account: BankAccount, *rows: StatementLine) -> list[tuple[str, str]]:
    return [(one.record.number, one.says) for one in find_own(account, rows) if isinstance(one.record, Payment)]


def test_R146_a_transfer_entered_with_its_reference_is_found_and_nothing_is_posted(
    account: BankAccount, ada: Customer
) -> None:
    payment = entered(account, ada, reference="REF-77812")
    (line,) = lines(account, Booked("75.00", name="somebody", text="thanks REF 77812"))
    before = JournalEntry.objects.count()
    assert match_own_records(bank_account=account, lines=[line], now=NOW) == 1
    match = Match.objects.get()
    assert (match.payment, match.made_payment, match.is_automatic) == (payment, False, True)
    assert match.evidence == [["own_reference", {"number": payment.number}]]
    assert JournalEntry.objects.count() == before
    assert match_own_records(bank_account=account, lines=[line], now=NOW) == 0
    assert_books_whole()


def test_a_payer_of_the_same_name_is_enough_where_it_is_the_only_one(account: BankAccount, ada: Customer) -> None:
    payment = entered(account, ada)
    (line,) = lines(account, Booked("75.00", name="ADA LOVELACE"))
    assert own(account, line) == [(payment.number, "name")]


@pytest.mark.parametrize(("name", "amount"), [("Ben Nevis", "75.00"), ("Ada Lovelace", "75.01"), ("", "75.00")])
def test_amount_alone_or_name_alone_is_not(account: BankAccount, ada: Customer, name: str, amount: str) -> None:
    entered(account, ada)
    (line,) = lines(account, Booked(amount, name=name))
    assert own(account, line) == []


def test_two_lines_or_two_payments_that_would_do_are_left_to_a_person(account: BankAccount, ada: Customer) -> None:
    entered(account, ada)
    one, two = lines(account, Booked("75.00", name="Ada Lovelace", text="a"),
                     Booked("75.00", name="Ada Lovelace", text="b"))  # fmt: skip
    assert own(account, one, two) == []
    entered(account, ada)
    assert own(account, one) == []


@pytest.mark.parametrize(("days", "found"), [(-8, 0), (-7, 1), (7, 1), (8, 0)])
def test_the_day_is_near_within_seven_days(account: BankAccount, ada: Customer, days: int, found: int) -> None:
    payment = entered(account, ada, on=date(2026, 3, 3))
    (line,) = lines(account, Booked("75.00", payment.received_on + timedelta(days=days), name="Ada Lovelace"))
    assert len(own(account, line)) == found
    assert is_near(payment, line.booked_on) == bool(found)


def test_what_was_entered_is_told_by_customer_and_amount_until_it_is_matched(
    account: BankAccount, ada: Customer
) -> None:
    payment = entered(account, ada, reference="REF-77812")
    assert amounts_entered(account, DAY) == {(ada.pk, Decimal("75.00")): [payment]}
    assert amounts_entered(account, DAY + timedelta(days=1)) == {}
    (line,) = lines(account, Booked("75.00", text="REF-77812"))
    match_own_records(bank_account=account, lines=[line], now=NOW)
    assert amounts_entered(account, DAY) == {}


def test_nothing_of_a_statement_that_does_not_add_up_is_matched_by_itself(account: BankAccount, ada: Customer) -> None:
    entered(account, ada, reference="REF-77812")
    (line,) = lines(account, Booked("75.00", text="REF-77812"))
    line.statement.is_flagged = True
    assert match_own_records(bank_account=account, lines=[line], now=NOW) == 0


@pytest.mark.parametrize(("text", "found"), [("Cash fetched: change", 1), ("cash withdrawal", 0)])
def test_R144_what_else_booked_to_the_bank_is_found_by_its_own_words(
    org: Organization, account: BankAccount, text: str, found: int
) -> None:
    moved = move(org, None, "from_bank", "40.00", builders.user(org, "supervisor"), bank_account=account)
    assert moved.entry is not None
    words = f"{text} {moved.entry.memo}" if found else text
    (line,) = lines(account, Booked("-40.00", TODAY, text=words), opening="100.00")
    assert match_own_records(bank_account=account, lines=[line], now=NOW) == found
    assert [match.entry for match in Match.objects.all()] == [moved.entry] * found
    assert match_own_records(bank_account=account, lines=[line], now=NOW) == 0
    assert_books_whole()


def test_R144_money_a_clerk_entered_is_never_booked_twice(account: BankAccount, ada: Customer) -> None:
    builders.invoice(ada, "75.00")
    payment = entered(account, ada, strategy="none")
    late = payment.received_on + timedelta(days=2)
    invoice = builders.invoice(ada, "75.00", issued_on=DAY)
    lines(account, Booked("75.00", late, name="Somebody Else", text=f"{invoice.number} Ada Lovelace"))
    match_open_lines(bank_account=account, now=NOW)
    assert list(Payment.objects.all()) == [payment]
    proposal = MatchProposal.objects.get()
    assert (proposal.action, proposal.evidence[-1]) == ("suggest", ["entered_already", {"payment": payment.number}])


def test_what_is_in_the_books_is_matched_first_and_the_rest_decided(account: BankAccount, ada: Customer) -> None:
    entered(account, ada, reference="REF-77812")
    invoice = builders.invoice(ada, "75.00")
    lines(account, Booked("75.00", text="REF-77812"), Booked("75.00", name="Ada Lovelace", text=invoice.number))
    outcome = match_open_lines(bank_account=account, now=NOW)
    assert (outcome.own, outcome.lines) == (1, 1)
    assert Payment.objects.count() == 2 and Match.objects.count() == 2
    assert_books_whole()
