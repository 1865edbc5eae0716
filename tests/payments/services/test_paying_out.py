"""Approved refunds leave the house: by which way, with what outcome, how often (R94, R96, R98, R101, F40)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.errors import BadInput, NotPermitted
from billing.ledger.models import Role
from billing.models import CreditItem, Customer, Invoice
from billing.office.calendar import add_business_days
from billing.office.models import Notice, Organization
from billing.services.allocating import allocate_credit
from billing.services.freeing import MoreThanIsThere
from payments.models import Payment, Refund, RefundAttempt
from payments.models.cash import CashMovement
from payments.selectors.cash import safe_balance
from payments.selectors.refunds import late_refunds, origin_of, queue, queue_figures, refund_status, refunds_of
from payments.services.paying_out import (
    AlreadySettled,
    AlreadySubmitted,
    NotApproved,
    OwnApproval,
    TooLate,
    TooManyTries,
    WrongWay,
    settle_attempt,
    ways_to_pay_out,
)
from payments.services.refunding import NotEligible
from payments.services.safe import NotInDrawer, NotInSafe
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.bank_run import at_bank, bank, bounce, clear, held, payment_of
from tests.builders import NOW, TODAY, credit_of, customer, invoice, organization, pay, policy
from tests.payments.refund_cast import (
    Office,
    again,
    approved,
    ask,
    look,
    office,
    paid,
    reject,
    send,
    settle,
    withdraw,
)
from tests.payments.services.tills import cash_in, opened, point

DAY = timedelta(days=1)
KEEP = {"destination": "credit", "consent": "Ada agreed by telephone on 12 March"}


@pytest.fixture
def school(db: None) -> Iterator[Organization]:
    yield organization()
    assert_books_whole()


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, email="ada@example.com")


def taken(payer: Customer, amount: str | int = "120.00", **details: Any) -> Payment:
    details.setdefault("method", "card")
    return pay(payer, amount, **details).payment


# On its way, and back


def test_a_card_refund_is_written_down_before_it_is_sent_and_settled_afterwards(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    refund = approved(payment, 50, desk)
    attempt = send(refund, desk.teller, reference="POS 0042")
    assert (attempt.state, attempt.ordinal, attempt.reference) == ("sent", 1, "POS 0042")
    assert refund.__class__.objects.get().state == "submitted"
    assert balance(ada.organization, Role.REFUNDS_PAYABLE, party=ada.pk) == -50
    refund = settle(attempt, desk.teller)
    assert (refund.state, refund.processed_on) == ("processed", TODAY)
    assert_posts([refund.paid_entry], "2026-03-12  refunds_payable Dr 50.00    card_clearing Cr 50.00")
    assert balance(ada.organization, Role.REFUNDS_PAYABLE) == 0
    assert "US$50.00 was sent" in Notice.objects.get(kind="refund_paid").body
    assert settle(attempt, desk.teller).state == "processed"  # told twice, done once
    assert RefundAttempt.objects.count() == 1


@pytest.mark.parametrize("method", ["bank_transfer", "cheque"])
def test_the_bank_pays_from_the_account_that_was_chosen(
    method: str, school: Organization, ada: Customer, desk: Office
) -> None:
    account = bank(school)
    details = {"payee_account": "12345678"} if method == "bank_transfer" else {}
    refund = approved(taken(ada), 50, desk, destination=method, destination_reason="card stolen", **details)
    assert ways_to_pay_out(refund) == (method,)
    unfit: tuple[dict[str, Any], ...] = (
        {}, {"bank_account": bank(organization())}, {"bank_account": bank(school, "EUR")},
    )  # fmt: skip
    for wrong in unfit:
        with pytest.raises(BadInput) as refusal:
            send(refund, desk.teller, method, **wrong)
        assert refusal.value.field == "bank_account"
    refund = settle(send(refund, desk.teller, method, bank_account=account), desk.teller)
    line = refund.paid_entry.lines.get(credit__gt=0)
    assert line.account_id == account.ledger_account_id


def test_without_a_reference_it_could_not_be_found_again(ada: Customer, desk: Office) -> None:
    with pytest.raises(BadInput) as refusal:
        send(approved(taken(ada), 50, desk), desk.teller, reference=" ")
    assert refusal.value.field == "reference"
    assert not RefundAttempt.objects.exists()


def test_38_it_goes_the_way_that_was_approved(school: Organization, ada: Customer, desk: Office) -> None:
    refund = approved(taken(ada), 50, desk)
    assert ways_to_pay_out(refund) == ("card",)
    for method in ("cash", "bank_transfer", "cheque", "credit", "ach"):
        with pytest.raises(WrongWay):
            send(refund, desk.teller, method)


def test_only_what_is_approved_leaves_and_only_once(ada: Customer, desk: Office) -> None:
    refund = ask(taken(ada), 50, desk.clerk)
    with pytest.raises(NotApproved):
        send(refund, desk.teller)
    reject(refund, desk.manager)
    with pytest.raises(NotApproved):
        send(refund, desk.teller)
    other = approved(taken(ada, 60), 50, desk)
    send(other, desk.teller)
    with pytest.raises(AlreadySubmitted):
        send(other, desk.teller)


def test_a_declined_refund_gives_its_money_back_and_may_be_sent_again(ada: Customer, desk: Office) -> None:
    due = invoice(ada, 120)
    payment = taken(ada)
    refund = settle(send(approved(payment, 50, desk), desk.teller), desk.teller, "declined", note="Card closed")
    reread(credit_of(payment), due)
    assert refund.state == "failed"
    assert (payment.credit_item.refunded_amount, payment.credit_item.unapplied_amount, due.open_amount) == (0, 50, 50)
    assert balance(ada.organization, Role.REFUNDS_PAYABLE) == 0
    told = Notice.objects.get(kind="refund_failed").body
    assert "Card closed." in told
    assert "another way" in told
    refund = again(refund, desk.clerk)
    assert refund.state == "approved"
    payment.credit_item.refresh_from_db()
    assert payment.credit_item.refunded_amount == 50
    refund = settle(send(refund, desk.teller), desk.teller)
    assert refund.state == "processed"
    assert [a.state for a in refund.attempts.all()] == ["declined", "succeeded"]


def test_not_sent_is_as_declined(ada: Customer, desk: Office) -> None:
    refund = settle(send(approved(taken(ada), 50, desk), desk.teller), desk.teller, "not_sent")
    assert refund.state == "failed"


def test_101_three_tries_and_no_more(ada: Customer, desk: Office) -> None:
    refund = approved(taken(ada), 50, desk)
    for _n in range(2):
        refund = again(settle(send(refund, desk.teller), desk.teller, "declined"), desk.clerk)
    refund = settle(send(refund, desk.teller), desk.teller, "declined")
    with pytest.raises(TooManyTries):
        again(refund, desk.clerk)
    assert Notice.objects.filter(kind="refund_failed").count() == 3


@pytest.mark.parametrize(("days", "ok"), [(30, True), (31, False)])
def test_R98_no_try_after_30_business_days(
    days: int, ok: bool, school: Organization, ada: Customer, desk: Office
) -> None:
    refund = settle(send(approved(taken(ada), 50, desk), desk.teller), desk.teller, "declined")
    later = NOW + (add_business_days(school, TODAY, days) - TODAY)
    if ok:
        assert again(refund, desk.clerk, now=later).state == "approved"
    else:
        with pytest.raises(TooLate):
            again(refund, desk.clerk, now=later)


def test_a_try_needs_the_money_and_the_right(ada: Customer, desk: Office) -> None:
    invoice(ada, 120)
    payment = taken(ada)
    refund = settle(send(approved(payment, 50, desk), desk.teller), desk.teller, "declined")
    with pytest.raises(NotPermitted):
        again(refund, desk.finance)
    with transaction.atomic():
        allocate_credit(credit_item=credit_of(payment), strategy="fifo", now=NOW, by=desk.clerk)
    with pytest.raises(MoreThanIsThere, match="still unapplied"):
        again(refund, desk.clerk)
    with pytest.raises(NotApproved):
        again(approved(taken(ada, 7), 5, desk), desk.clerk)


def test_30_an_unknown_outcome_waits_and_nothing_is_sent_meanwhile(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    refund = approved(payment, 50, desk)
    attempt = send(refund, desk.teller)
    refund = settle(attempt, desk.teller, "unknown", note="The line went dead")
    assert refund.state == "submitted"
    assert list(queue(ada.organization, "unknown", TODAY)) == [refund]
    assert list(queue(ada.organization, "submitted", TODAY)) == []
    with pytest.raises(AlreadySubmitted):
        send(refund, desk.teller)
    with pytest.raises(IntegrityError, match="refund_one_live_or_won"), transaction.atomic():
        RefundAttempt.objects.create(
            refund=refund, ordinal=2, method="card", sent_on=TODAY, sent_at=NOW, sent_by=desk.teller
        )
    assert settle(attempt, desk.teller).state == "processed"
    with pytest.raises(AlreadySettled):
        settle(attempt, desk.teller, "declined")


def test_an_unknown_outcome_may_turn_out_declined(ada: Customer, desk: Office) -> None:
    attempt = send(approved(taken(ada), 50, desk), desk.teller)
    settle(attempt, desk.teller, "unknown")
    assert settle(attempt, desk.teller, "declined").state == "failed"


@pytest.mark.parametrize(
    ("outcome", "on", "note", "field"),
    [
        ("succeeded", TODAY + DAY, "", "on"),
        ("succeeded", TODAY - DAY, "", "on"),
        ("declined", TODAY, " ", "note"),
        ("unknown", TODAY, " ", "note"),
        ("perhaps", TODAY, "x", "outcome"),
        ("sent", TODAY, "x", "outcome"),
    ],
)
def test_an_outcome_has_a_day_and_a_word(
    outcome: str, on: date, note: str, field: str, ada: Customer, desk: Office
) -> None:
    attempt = send(approved(taken(ada), 50, desk), desk.teller)
    with pytest.raises(BadInput) as refusal, transaction.atomic():
        settle_attempt(attempt=attempt, outcome=outcome, on=on, note=note, now=NOW, by=desk.teller)
    assert refusal.value.field == field
    attempt.refresh_from_db()
    assert attempt.state == "sent"


# Cash


@pytest.fixture
def cash_desk(school: Organization) -> None:
    policy(school, "refunds.cash_limit", "100.00")


@pytest.mark.usefixtures("cash_desk")
def test_cash_leaves_the_drawer_at_once(school: Organization, ada: Customer, desk: Office) -> None:
    drawer = opened(point(school), desk.teller)
    payment = cash_in(drawer, 120, desk.teller, payer=ada)
    refund = approved(payment, 50, desk)
    attempt = send(refund, desk.teller, "cash", drawer_session=drawer)
    refund.refresh_from_db()
    assert (attempt.state, refund.state) == ("succeeded", "processed")
    assert_posts([refund.paid_entry], "2026-03-12  refunds_payable Dr 50.00    cash Cr 50.00")
    moved = CashMovement.objects.get()
    assert (moved.kind, moved.amount, moved.session, moved.entry) == ("refund", 50, drawer, refund.paid_entry)


@pytest.mark.usefixtures("cash_desk")
def test_no_more_cash_than_is_there(school: Organization, ada: Customer, desk: Office) -> None:
    payment = taken(ada, method="cash")
    assert safe_balance(school, "USD") == 120
    drawer = opened(point(school), desk.teller)
    refund = approved(payment, 50, desk)
    with pytest.raises(NotInDrawer):
        send(refund, desk.teller, "cash", drawer_session=drawer)
    refund.refresh_from_db()
    assert (refund.state, RefundAttempt.objects.count()) == ("approved", 0)
    send(refund, desk.teller, "cash")
    assert safe_balance(school, "USD") == 70


@pytest.mark.usefixtures("cash_desk")
def test_an_empty_safe_says_so(school: Organization, ada: Customer, desk: Office) -> None:
    refund = approved(taken(ada), 50, desk, destination="cash", destination_reason="at the counter")
    with pytest.raises(NotInSafe):
        send(refund, desk.teller, "cash")


@pytest.mark.usefixtures("cash_desk")
def test_who_approved_does_not_hand_the_cash_out(school: Organization, ada: Customer, desk: Office) -> None:
    refund = approved(taken(ada, method="cash"), 50, desk)
    with pytest.raises(OwnApproval):
        send(refund, desk.manager, "cash")
    assert send(refund, desk.supervisor, "cash").state == "succeeded"


# Kept as credit


def test_R96_kept_as_credit_it_can_be_set_against_the_next_bill(ada: Customer, desk: Office) -> None:
    due = invoice(ada, 120)
    payment = taken(ada)
    refund = approved(payment, 50, desk, **KEEP)
    assert send(refund, desk.teller, "credit").state == "succeeded"
    refund.refresh_from_db()
    item = CreditItem.objects.get(number=refund.number)
    assert (refund.state, item.kind, item.unapplied_amount, item.available_on) == ("processed", "transfer", 50, TODAY)
    assert_posts([refund.paid_entry], "2026-03-12  refunds_payable Dr 50.00    unapplied_cash Cr 50.00")
    assert origin_of(item) == payment
    with transaction.atomic():
        allocate_credit(credit_item=item, strategy="fifo", now=NOW, by=desk.clerk)
    due.refresh_from_db()
    assert due.open_amount == 0
    assert "kept as credit" in Notice.objects.get(kind="refund_kept").body


def test_kept_credit_goes_back_another_way_later_with_the_fee_of_its_payment(
    school: Organization, ada: Customer, desk: Office
) -> None:
    policy(school, "refunds.fee", "5.00")
    payment = taken(ada, received_on=TODAY - 31 * DAY)
    refund = approved(payment, 50, desk, **KEEP)
    send(refund, desk.teller, "credit")
    item = CreditItem.objects.get(number=refund.number)
    assert (item.amount, look(item, 45).fee) == (45, 5)
    assert {check.code for check in look(item, 45).failed} == {"way"}
    assert look(item, 45, destination="cheque", destination_reason="moved away").eligible


# A payment refunded


def test_R94_source_1_status_is_pending_while_a_rest_is_left_and_processed_at_0(ada: Customer, desk: Office) -> None:
    """Source 1 §4.3: of 100, 40 leave a rest of 60: pending; 60 more leave 0: processed."""
    payment = taken(ada, 100)
    assert refund_status(payment) == ""
    paid(payment, 40, desk)
    payment.refresh_from_db()
    assert (refund_status(payment), payment.state) == ("pending", "processed")
    second = approved(payment, 60, desk)
    assert refund_status(payment) == "pending"  # nothing is left, but not all has arrived
    attempt = send(second, desk.teller)
    assert refund_status(payment) == "pending"
    settle(attempt, desk.teller)
    payment.refresh_from_db()
    assert (refund_status(payment), payment.state, payment.amount) == ("processed", "refunded", 100)
    assert list(refunds_of(ada)) == [second, Refund.objects.order_by("id").first()]


def test_a_refund_that_failed_leaves_no_status(ada: Customer, desk: Office) -> None:
    payment = taken(ada, 100)
    settle(send(approved(payment, 100, desk), desk.teller), desk.teller, "declined")
    assert refund_status(payment) == ""


# The cheque bounced meanwhile (F40)


@pytest.fixture
def bounced(school: Organization, ada: Customer, desk: Office) -> tuple[Payment, RefundAttempt]:
    """50 of a cleared cheque of 120 were sent back when the cheque came back after all."""
    account = bank(school)
    paper = held(ada, 120)
    at_bank(account, [paper])
    clear(paper)
    refund = approved(payment_of(paper), 50, desk)
    attempt = send(refund, desk.teller, "cheque", bank_account=account)
    bounce(paper, desk.clerk, desk.supervisor)
    return payment_of(paper), attempt


def test_F40_what_was_sent_stays_refunded_and_is_owed(bounced: Any, ada: Customer, desk: Office) -> None:
    payment, attempt = bounced
    assert settle(attempt, desk.teller).state == "processed"
    payment.credit_item.refresh_from_db()
    assert (payment.credit_item.refunded_amount, payment.credit_item.unapplied_amount) == (50, 0)
    assert Invoice.objects.get(kind="recovery").open_amount == 50


def test_F40_what_then_fails_becomes_credit_that_settles_the_recovery(
    bounced: Any, ada: Customer, desk: Office
) -> None:
    payment, attempt = bounced
    refund = settle(attempt, desk.teller, "declined", note="Stopped")
    attempt.refresh_from_db()
    assert (refund.state, attempt.state) == ("processed", "declined")
    item = CreditItem.objects.get(number=f"{refund.number}-back")
    assert (item.kind, item.customer, item.unapplied_amount) == ("transfer", ada, 50)
    with transaction.atomic():
        allocate_credit(credit_item=item, strategy="fifo", now=NOW, by=desk.clerk)
    assert Invoice.objects.get(kind="recovery").open_amount == 0
    assert origin_of(item) == payment
    assert balance(ada.organization, Role.REFUNDS_PAYABLE) == 0


def test_nothing_is_refunded_of_a_returned_cheque(bounced: Any, desk: Office) -> None:
    payment, _attempt = bounced
    payment.refresh_from_db()
    with pytest.raises(NotEligible, match="was reversed on 2026-03-12"):
        ask(payment, 1, desk.clerk)


# Late


@pytest.mark.parametrize(
    ("days", "level"),
    [(0, ""), (5, ""), (6, "late"), (15, "late"), (16, "breach"), (30, "breach"), (31, "hard")],
)
def test_row_8_alarms_at_5_15_and_30_business_days(
    days: int, level: str, school: Organization, ada: Customer, desk: Office
) -> None:
    refund = ask(taken(ada), 50, desk.clerk)
    today = add_business_days(school, TODAY, days)
    found = late_refunds(school, today)
    assert [(one.refund, one.days, one.level) for one in found] == ([(refund, days, level)] if level else [])
    assert list(queue(school, "late", today)) == ([refund] if level else [])


def test_a_request_of_a_saturday_counts_from_monday(school: Organization, ada: Customer, desk: Office) -> None:
    saturday = datetime(2026, 3, 14, 16, tzinfo=NOW.tzinfo)
    refund = ask(taken(ada), 50, desk.clerk, now=saturday)
    assert refund.expected_on == date(2026, 3, 23)
    assert late_refunds(school, date(2026, 3, 23)) == []
    assert [one.days for one in late_refunds(school, date(2026, 3, 24))] == [6]


def test_the_promise_is_a_setting_and_what_is_done_is_not_late(
    school: Organization, ada: Customer, desk: Office
) -> None:
    policy(school, "refunds.promise_days", 0)
    done, given_up, failed = (approved(taken(ada, n), 5, desk) for n in (10, 20, 30))
    settle(send(done, desk.teller), desk.teller)
    withdraw(given_up, desk.clerk)
    settle(send(failed, desk.teller), desk.teller, "declined")
    assert [one.refund for one in late_refunds(school, TODAY + DAY)] == [failed]


def test_queues_are_counted_by_currency(school: Organization, ada: Customer, desk: Office) -> None:
    ask(taken(ada), 50, desk.clerk)
    ask(taken(ada, 30), 30, desk.clerk)
    send(approved(taken(ada, 20), 20, desk), desk.teller)
    figures = queue_figures(school, TODAY)
    assert figures["requested"] == [("USD", 2, Decimal(80))]
    assert figures["submitted"] == [("USD", 1, Decimal(20))]
    assert figures["approved"] == figures["failed"] == figures["late"] == figures["unknown"] == []


def test_TWD_refunds_have_whole_dollars(db: None) -> None:
    gas = organization(currency="TWD")
    desk = office(gas)
    policy(gas, "refunds.fee", "30")
    refund = paid(taken(customer(gas), 1200, received_on=TODAY - 31 * DAY), 500, desk)
    assert (refund.currency, refund.paid_amount, refund.fee_amount) == ("TWD", 470, 30)
    assert_books_whole()
