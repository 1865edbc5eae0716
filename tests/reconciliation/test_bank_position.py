"""The bank's balance beside the books', taken apart without a rest whatever happened (R144; step 6.2)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.ledger.models import LedgerAccount, Role
from reconciliation.selectors.bank_position import items_of
from reconciliation.services import explaining
from reconciliation.services.undoing import unmatch
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY, pay
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, lines, load
from tests.reconciliation.reconciling import CLOSING, Bureau, amounts, bureau, paid, position, transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Bureau:
    return bureau()


def test_R144_a_matched_line_is_cleared_and_nothing_lies_between(office: Bureau) -> None:
    (line,) = lines(office.account, Booked("120.00"))
    assert amounts(position(office)) == {"open_in": "120.00"}
    paid(office, line)
    found = position(office)
    assert amounts(found) == {"cleared": "120.00"}
    assert (found.bank, found.books, found.difference) == (120, 120, 0)
    assert_books_whole()


def test_R144_what_the_bank_does_not_know_yet_is_outstanding_from_its_day_on(office: Bureau) -> None:
    lines(office.account, Booked("-3.00"), opening="3.00")
    transfer(office, "50.00", on=CLOSING + timedelta(days=1))
    before, after = position(office, CLOSING), position(office, CLOSING + timedelta(days=1))
    assert amounts(before) == {"open_out": "-3.00"}
    assert amounts(after) == {"open_out": "-3.00", "outstanding_in": "50.00"}
    assert (after.bank, after.books) == (0, 50)


def test_R144_a_line_counts_from_its_booking_day_not_a_day_before(office: Bureau) -> None:
    load(office.account, Sheet([Booked("10.00", day=date(2026, 3, 9)), Booked("5.00")], first=date(2026, 3, 9)))
    assert amounts(position(office, date(2026, 3, 8))) == {}
    assert amounts(position(office, date(2026, 3, 9))) == {"open_in": "10.00"}
    assert amounts(position(office, date(2026, 3, 10))) == {"open_in": "15.00"}
    assert position(office, date(2026, 3, 9)).bank == 10


def test_R144_a_cent_of_difference_is_a_cent(office: Bureau) -> None:
    """The statement says 0.01 more than its lines make."""
    load(office.account, Sheet([Booked("10.00")], closing="10.01"))
    found = position(office)
    assert (found.drift, found.difference, found.bank) == (Decimal("0.01"), Decimal("0.01"), Decimal("10.01"))


def test_R144_a_payment_matched_later_is_outstanding_until_its_line(office: Bureau) -> None:
    payment = transfer(office, "75.00", on=date(2026, 3, 9))
    load(office.account, Sheet([Booked("1.00", day=date(2026, 3, 9)), Booked("75.00")], first=date(2026, 3, 9)))
    line = office.account.lines.get(amount="75.00")
    with transaction.atomic():
        explaining.match_existing_payment(line=line, payment=payment, now=NOW, by=office.supervisor)
    assert amounts(position(office, date(2026, 3, 9))) == {"open_in": "1.00", "outstanding_in": "75.00"}
    assert amounts(position(office, date(2026, 3, 10))) == {"open_in": "1.00", "cleared": "75.00"}


def test_R144_suspense_undone_is_mirrored_and_the_mirror_clears_it(office: Bureau) -> None:
    (line,) = lines(office.account, Booked("33.00"))
    with transaction.atomic():
        held = explaining.send_to_suspense(line=line, now=NOW, by=office.supervisor)
    assert amounts(position(office)) == {"cleared": "33.00"}
    with transaction.atomic():
        unmatch(match=held, reason="Ada's", now=NOW, by=office.supervisor)
    paid(office, line)
    # On the 10th the mirror of the 12th was not in the books.
    assert amounts(position(office)) == {"cleared": "33.00", "outstanding_in": "33.00"}
    assert amounts(position(office, TODAY)) == {"cleared": "33.00"}


def test_R144_a_fee_a_transfer_and_a_duplicate(office: Bureau) -> None:
    other = bank_account(office.org, "SECOND", "DE89370400440532013000")
    fee, out, once, twice = lines(
        office.account, Booked("-2.50", text="fee"), Booked("-100.00"), Booked("7.00", text="a"),
        Booked("7.00", text="b"), opening="500.00",
    )  # fmt: skip
    (came,) = lines(other, Booked("100.00"))
    account = LedgerAccount.objects.get(organization=office.org, role=Role.SMALL_DIFFERENCES)
    with transaction.atomic():
        explaining.book_bank_item(line=fee, ledger_account=account, now=NOW, by=office.supervisor)
        explaining.match_own_transfer(line=out, other=came, now=NOW, by=office.supervisor)
        explaining.mark_posted_twice(line=twice, of=once, now=NOW, by=office.supervisor)
    paid(office, once)
    found = position(office)
    assert amounts(found) == {"cleared": "-95.50", "posted_twice": "7.00"}
    # 500.00 that the books do not know of lay in the account before its first statement.
    assert (found.taken_over, found.difference, found.bank, found.books) == (
        500,
        500,
        Decimal("411.50"),
        Decimal("-95.50"),
    )
    assert found.sums["cleared"].count == 3
    office.account = other
    assert amounts(position(office)) == {"cleared": "100.00"}


def test_R144_a_reversal_clears_what_it_takes_back(office: Bureau) -> None:
    came, left, open_in, open_out = lines(
        office.account, Booked("120.00"), Booked("-120.00", text="RETURN"), Booked("20.00"), Booked("-20.00")
    )
    paid(office, came)
    with transaction.atomic():
        explaining.mark_reversal(line=left, of=came, now=NOW, by=office.supervisor)
        explaining.mark_reversal(line=open_out, of=open_in, now=NOW, by=office.supervisor)
    # The return is booked on the day it was recorded.
    assert amounts(position(office)) == {"cleared": "120.00", "later": "-120.00"}
    found = position(office, TODAY)
    assert amounts(found) == {"cleared": "0.00"} and found.count("cleared") == 4
    assert (found.bank, found.books) == (0, 0)


def test_R144_a_line_taken_back_only_later_is_booked_later_until_then(office: Bureau) -> None:
    load(office.account, Sheet([Booked("20.00", day=date(2026, 3, 9)), Booked("-20.00")], first=date(2026, 3, 9)))
    came, left = office.account.lines.order_by("booked_on")
    with transaction.atomic():
        explaining.mark_reversal(line=left, of=came, now=NOW, by=office.supervisor)
    assert amounts(position(office, date(2026, 3, 9))) == {"later": "20.00"}
    assert amounts(position(office, date(2026, 3, 10))) == {"cleared": "0.00"}


def test_R144_a_payment_booked_to_another_account_is_named(office: Bureau) -> None:
    """Entered without a bank account, it lies in the default one: the difference is there for all to see."""
    payment = pay(office.ada, "40.00", method="bank_transfer", strategy="none").payment
    (line,) = lines(office.account, Booked("40.00"))
    with transaction.atomic():
        explaining.match_existing_payment(line=line, payment=payment, now=NOW, by=office.supervisor)
    found = position(office)
    assert amounts(found) == {"elsewhere": "40.00"} and found.difference == 40


def test_R144_what_was_in_the_books_before_the_first_statement_is_taken_over(office: Bureau) -> None:
    transfer(office, "200.00", on=date(2026, 3, 2))
    lines(office.account, Booked("1.00"), opening="200.00")
    found = position(office)
    assert amounts(found) == {"before": "200.00", "open_in": "1.00"}
    assert (found.opening, found.taken_over, found.difference) == (200, 0, 0)


def test_every_figure_opens_its_list(office: Bureau) -> None:
    lines(office.account, Booked("1.00"), Booked("2.00"), Booked("-4.00"), opening="4.00")
    found = position(office)
    for what in ("open_in", "open_out"):
        refs = items_of(office.account, CLOSING, [what], start=found.start)
        assert (len(refs), sum(ref.amount for ref in refs)) == (found.count(what), found.amount(what))
    assert [ref.amount for ref in items_of(office.account, CLOSING, ["open_in"], start=found.start, offset=1)] == [2]
