"""Refunds from the request to the decision: who asks, who decides, what it does to the books (R91-R101, R105)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.errors import BadInput, IllegalTransition, KeyReused, NotPermitted, Refusals
from billing.ledger.models import Period, PeriodState, Role
from billing.models import CreditItem, Customer, Invoice
from billing.office import approvals
from billing.office.approvals import AlreadyDecided, ApprovalExpired, OwnRequest, ShownChanged
from billing.office.models import ApprovalRequest, Notice, Organization
from billing.refusals import explained
from billing.services.allocating import reallocate
from billing.services.invoicing import issue_credit_memo
from payments.models import Payment, Refund
from payments.selectors.refunds import refund_status
from payments.services.refunding import NotEligible, approve_refund, refund_facts, subject_of
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.builders import NOW, TODAY, credit_of, customer, invoice, organization, pay, policy, user
from tests.deeds import decide
from tests.payments.refund_cast import (
    Office,
    approve,
    approved,
    ask,
    forward,
    office,
    owner,
    reject,
    waiting,
    withdraw,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def school(db: None) -> Organization:
    return organization()


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, email="ada@example.com")


def taken(payer: Customer, amount: str | int = "120.00", **details: Any) -> Payment:
    details.setdefault("method", "card")
    return pay(payer, amount, **details).payment


# Asking


def test_R91_a_request_keeps_what_was_found_and_reserves_nothing(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    refund = ask(payment, 50, desk.clerk, reason="sister's school")
    assert refund.number == "REF-2026-03-00000001"
    assert (refund.state, refund.gross_amount, refund.paid_amount) == ("requested", 50, 50)
    assert (refund.payee_name, refund.requested_on, refund.expected_on.isoformat()) == (
        "Ada Lovelace", TODAY, "2026-03-19",
    )  # fmt: skip
    assert all(check["passed"] for check in refund.eligibility["checks"])
    assert refund.eligibility["left_after"] == "70.00"
    payment.credit_item.refresh_from_db()
    assert payment.credit_item.refunded_amount == 0
    assert refund_status(payment) == ""
    assert waiting(refund).requested_by == desk.clerk
    note = Notice.objects.get(kind="refund_requested")
    assert (note.recipient, note.party) == ("ada@example.com", ada.pk)
    assert "US$50.00" in note.body
    assert "19 Mar 2026" in note.body
    assert_books_whole()


def test_the_same_key_gives_the_same_refund_and_another_order_is_refused(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    first = ask(payment, 50, desk.clerk, request_key="one form")
    assert ask(payment, 50, desk.clerk, request_key="one form") == first
    with pytest.raises(KeyReused):
        ask(payment, 51, desk.clerk, request_key="one form")
    assert Refund.objects.count() == ApprovalRequest.objects.count() == 1


def test_69_what_is_not_eligible_is_refused_with_each_reason_at_its_input(ada: Customer, desk: Office) -> None:
    with pytest.raises(NotEligible) as refusal:
        ask(taken(ada), "120.01", desk.clerk, destination="cheque")
    assert refusal.value.code == "not_eligible"
    assert [(one.field, one.code) for one in refusal.value.refusals] == [
        ("gross_amount", "more_than_left"), ("destination_reason", "way"),
    ]  # fmt: skip
    assert str(refusal.value).startswith("Only 120.00 of 120.00 is left to refund. Say why")
    assert not Refund.objects.exists()


def test_texts_are_checked_all_at_once(ada: Customer, desk: Office) -> None:
    with pytest.raises(Refusals) as refusal:
        ask(taken(ada), 1, desk.clerk, reason=" ", consent="card 4111 1111 1111 1111", payee_account="12")
    assert [one.field for one in refusal.value.refusals] == ["reason", "consent", "payee_account"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("1234", "1234"), ("de89 3704-0044 0532 0130 00", "DE89370400440532013000"), ("X" * 34, "X" * 34)],
)
def test_an_account_is_kept_encrypted_with_its_end_in_sight(typed: str, kept: str, ada: Customer, desk: Office) -> None:
    refund = ask(
        taken(ada), 1, desk.supervisor, destination="bank_transfer", destination_reason="card stolen",
        payee_account=typed, payee_name="Ada's mother",
    )  # fmt: skip
    refund.refresh_from_db()
    assert (refund.payee_account, refund.payee_account_tail, refund.payee_name) == (kept, kept[-4:], "Ada's mother")
    assert len(kept) == 4 or kept not in str(waiting(refund).shown)
    with connection.cursor() as cursor:
        cursor.execute("SELECT payee_account FROM payments_refund")
        assert kept not in cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM office_auditentry WHERE after::text LIKE %s", [f"%{kept}%"])
        assert len(kept) == 4 or cursor.fetchone() == (0,)


@pytest.mark.parametrize("typed", ["123", "X" * 35, "12_34", "１２３４"])
def test_what_is_no_account_is_refused(typed: str, ada: Customer, desk: Office) -> None:
    with pytest.raises(Refusals) as refusal:
        ask(taken(ada), 1, desk.supervisor, destination="bank_transfer", destination_reason="x", payee_account=typed)
    assert [one.field for one in refusal.value.refusals] == ["payee_account"]


# Who asks


def test_R91_a_customer_asks_for_what_is_theirs_and_the_office_puts_it_forward(
    school: Organization, ada: Customer, desk: Office
) -> None:
    payment, parent = taken(ada), owner(ada)
    refund = ask(payment, 50, parent, via="parent")
    assert (refund.state, refund.requested_by) == ("requested", parent)
    assert not ApprovalRequest.objects.exists()
    forward(refund, desk.clerk)
    assert approve(refund, desk.manager).state == "approved"


def test_168_a_customer_asks_for_nobody_else(school: Organization, ada: Customer) -> None:
    stranger = owner(customer(school, "Eve"))
    with pytest.raises(NotPermitted):
        ask(taken(ada), 50, stranger)
    with pytest.raises(NotPermitted):
        ask(Payment.objects.get(), 50, user())
    with pytest.raises(NotPermitted):
        ask(Payment.objects.get(), 50, user(organization(), "manager"))
    assert not Refund.objects.exists()


def test_a_customer_chooses_the_way_it_came_or_credit_only(school: Organization, ada: Customer, desk: Office) -> None:
    payment, parent = taken(ada, received_on=TODAY - timedelta(days=300)), owner(ada)
    with pytest.raises(BadInput) as not_theirs:
        ask(payment, 5, parent, destination="cash", destination_reason="please")
    assert not_theirs.value.code == "not_yours_to_choose"
    refund = ask(payment, 5, parent)  # the card is too old by now: the office finds another way
    with pytest.raises(NotEligible) as refusal:
        forward(refund, desk.supervisor)
    assert [one.code for one in refusal.value.refusals] == ["way"]
    asked = forward(
        refund, desk.supervisor, destination="bank_transfer", destination_reason="card too old",
        payee_account="12345678",
    )  # fmt: skip
    assert asked.action == "refund_elsewhere"
    assert approve(refund, desk.finance).destination == "bank_transfer"
    assert_books_whole()


def test_a_clerk_may_ask_but_not_put_another_way_forward(ada: Customer, desk: Office) -> None:
    way: dict[str, Any] = {"destination": "cheque", "destination_reason": "card stolen"}
    refund = ask(taken(ada), 5, desk.clerk, **way)
    assert not ApprovalRequest.objects.exists()
    with pytest.raises(NotPermitted):
        forward(refund, desk.clerk)
    assert forward(refund, desk.supervisor).action == "refund_elsewhere"
    with pytest.raises(NotPermitted):
        approve(refund, desk.manager)
    assert approve(refund, desk.finance).state == "approved"


def test_a_school_admin_asks_for_their_school(school: Organization, ada: Customer) -> None:
    assert waiting(ask(taken(ada), 5, user(school, "school_admin"))).action == "refund_large"


def test_another_way_takes_the_place_of_the_request_that_waits(ada: Customer, desk: Office) -> None:
    refund = ask(taken(ada), 5, desk.clerk)
    first = waiting(refund)
    second = forward(refund, desk.supervisor, destination="cheque", destination_reason="card stolen")
    first.refresh_from_db()
    assert (first.state, second.state, second.shown["destination"]) == ("withdrawn", "requested", "cheque")
    assert forward(refund, desk.supervisor) == second


# Deciding


@pytest.mark.parametrize(
    ("amount", "decider", "allowed"),
    [("100.00", "supervisor", True), ("100.01", "supervisor", False), ("100.01", "manager", True),
     ("100.00", "finance", True), ("100.00", "clerk", False)],
)  # fmt: skip
def test_R92_up_to_the_limit_a_supervisor_decides_above_it_a_manager(
    amount: str, decider: str, allowed: bool, school: Organization, ada: Customer, desk: Office
) -> None:
    policy(school, "refunds.small_limit", "100.00")
    refund = ask(taken(ada), amount, desk.teller)
    if allowed:
        assert approve(refund, getattr(desk, decider)).state == "approved"
    else:
        with pytest.raises(NotPermitted):
            approve(refund, getattr(desk, decider))


def test_71_nobody_decides_on_their_own_request(ada: Customer, desk: Office) -> None:
    refund = ask(taken(ada), 5, desk.manager)
    with pytest.raises(OwnRequest):
        approve(refund, desk.manager)
    with transaction.atomic():
        approvals.withdraw_waiting(subject_of(refund))
    asked = forward(refund, desk.clerk)  # put forward by another person it is still the manager's own
    decide(asked, desk.manager)
    with pytest.raises(OwnRequest), transaction.atomic():
        approve_refund(refund=refund, approval=asked, by=desk.teller, now=NOW)
    with pytest.raises(OwnRequest):
        reject(refund, desk.manager)


def test_approval_takes_the_money_off_and_promises_it(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    refund = approved(payment, 50, desk)
    reread(credit_of(payment))
    assert (payment.credit_item.refunded_amount, payment.credit_item.unapplied_amount) == (50, 70)
    assert_posts([refund.entry], "2026-03-12  unapplied_cash Dr 50.00    refunds_payable Cr 50.00")
    assert refund_status(payment) == "pending"
    assert refund.approval.state == "used"
    note = Notice.objects.get(kind="refund_approved")
    assert "US$50.00" in note.body
    assert "original way of payment" in note.body
    assert_books_whole()


def test_fee_and_charges_stay_with_us(school: Organization, ada: Customer, desk: Office) -> None:
    """Source 2's sample figures, with the fee taken by the rule: from day 31 only."""
    policy(school, "refunds.fee", "100.00")
    payment = taken(ada, 15000, received_on=TODAY - timedelta(days=31))
    refund = approved(payment, 15000, desk)
    assert (refund.fee_amount, refund.paid_amount) == (100, 14900)
    assert_posts(
        [refund.entry],
        "2026-03-12  unapplied_cash Dr 15000.00  refunds_payable Cr 14900.00  service_fees Cr 100.00",
    )
    assert_books_whole()


def test_allocations_are_taken_back_the_latest_first_and_their_invoices_reopen(ada: Customer, desk: Office) -> None:
    first, second = invoice(ada, 70), invoice(ada, 50, issued_on=TODAY)
    payment = taken(ada)
    refund = ask(payment, 60, desk.clerk)
    assert waiting(refund).shown["reopens"] == [
        {"invoice": second.number, "kind": "credit", "amount": "50.00"},
        {"invoice": first.number, "kind": "credit", "amount": "10.00"},
    ]
    approve(refund, desk.manager)
    reread(first, second, credit_of(payment))
    assert (first.open_amount, second.open_amount) == (10, 50)
    assert (payment.credit_item.applied_amount, payment.credit_item.refunded_amount) == (60, 60)
    assert_books_whole()


def test_what_is_put_back_is_neither_written_off_nor_refused(school: Organization, ada: Customer, desk: Office) -> None:
    due = invoice(ada, 120)
    payment = taken(ada)
    policy(school, "write_off.below", "100.00")
    policy(school, "payments.partial_allowed", False)
    approved(payment, 60, desk)
    reread(due)
    assert (due.open_amount, due.written_off_amount) == (60, 0)
    assert_books_whole()


def test_R99_a_cancelled_service_has_its_bill_reduced_net_and_tax(ada: Customer, desk: Office) -> None:
    due = invoice(ada, 100, tax_rate="0.05")
    payment = taken(ada, 105)
    refund = approved(payment, 105, desk, reason_code="cancelled", invoice_id=due.pk, charges_amount=20)
    reread(due, credit_of(payment))
    assert (due.open_amount, due.applied_amount) == (0, 105)
    assert payment.credit_item.refunded_amount == 105
    assert (refund.credit_memo.net_amount, refund.credit_memo.tax_amount) == (100, 5)
    assert_posts(
        [refund.credit_memo.entry, refund.entry],
        """2026-03-12  sales_returns Dr 100.00  tax_payable Dr 5.00  customer_credits Cr 105.00
           2026-03-12  unapplied_cash Dr 105.00  refunds_payable Cr 85.00  service_fees Cr 20.00""",
    )
    assert_books_whole()


def test_R99_thirds_of_a_bill_give_back_exactly_its_tax(school: Organization, ada: Customer, desk: Office) -> None:
    due = invoice(ada, 100, tax_rate="0.0825")
    payment = taken(ada, "108.25")
    parts = [
        approved(payment, amount, desk, reason_code="cancelled", invoice_id=due.pk).credit_memo
        for amount in ("36.08", "36.08", "36.09")
    ]
    assert [(part.net_amount, part.tax_amount) for part in parts] == [
        (Decimal("33.33"), Decimal("2.75")), (Decimal("33.33"), Decimal("2.75")), (Decimal("33.34"), Decimal("2.75")),
    ]  # fmt: skip
    reread(due)
    assert due.open_amount == 0
    assert_books_whole()


def test_R99_a_discount_the_bill_had_is_reduced_with_it(ada: Customer, desk: Office) -> None:
    due = invoice(ada, 100, tax_rate="0.05", issued_on=TODAY, terms="2/10 net 30")
    payment = taken(ada, 103)
    reread(due)
    assert (due.open_amount, due.discounted_amount) == (0, 2)
    approved(payment, 50, desk, reason_code="cancelled", invoice_id=due.pk)
    reread(due)
    assert (due.open_amount, due.applied_amount) == (0, 105)  # a memo of 52.00, and 53.00 of the money stays
    assert_books_whole()


def test_the_rest_of_the_money_on_other_bills_stays_there(ada: Customer, desk: Office) -> None:
    kept, ended = invoice(ada, 60), invoice(ada, 60, issued_on=TODAY)
    payment = taken(ada, 150)
    approved(payment, 60, desk, reason_code="cancelled", invoice_id=ended.pk)
    reread(kept, ended, credit_of(payment))
    assert (kept.open_amount, ended.open_amount, payment.credit_item.unapplied_amount) == (0, 0, 30)
    assert_books_whole()


def test_row_12_credit_goes_back_without_any_invoice(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    approved(payment, 120, desk, reason_code="unused_credit")
    assert not Invoice.objects.exists()
    assert balance(ada.organization, Role.REFUNDS_PAYABLE, party=ada.pk) == -120
    assert_books_whole()


def test_a_credit_memo_is_paid_out(school: Organization, ada: Customer, desk: Office) -> None:
    with transaction.atomic():
        memo = issue_credit_memo(
            organization=school, customer_id=ada.pk, net=Decimal(40), tax=Decimal(2), currency="USD", issued_on=TODAY,
            reason="lesson dropped", now=NOW, by=None,
        )  # fmt: skip
    refund = approved(memo.credit_item, 42, desk, destination="cheque", destination_reason="nothing to set it against")
    assert refund.payment is None
    assert_posts([refund.entry], "2026-03-12  customer_credits Dr 42.00    refunds_payable Cr 42.00")
    assert_books_whole()


# What changed between the request and the decision


def test_72_less_is_left_because_another_refund_was_approved(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    first, second = ask(payment, 80, desk.clerk), ask(payment, 80, desk.teller)
    approve(first, desk.manager)
    with pytest.raises(NotEligible) as refusal:
        approve(second, desk.manager)
    assert str(refusal.value) == "Only 40.00 of 120.00 is left to refund."
    second.refresh_from_db()
    assert (second.state, waiting(second).state) == ("requested", "requested")
    assert_books_whole()


def test_72_there_is_enough_but_not_as_much_as_was_shown(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    first, second = ask(payment, 50, desk.clerk), ask(payment, 50, desk.teller)
    approve(first, desk.manager)
    with pytest.raises(ShownChanged):
        approve(second, desk.manager)
    forward(second, desk.teller)
    assert approve(second, desk.manager).state == "approved"
    payment.credit_item.refresh_from_db()
    assert payment.credit_item.refunded_amount == 100
    assert_books_whole()


def test_72_other_invoices_would_reopen(ada: Customer, desk: Office) -> None:
    due = invoice(ada, 50)
    payment = taken(ada)
    refund = ask(payment, 100, desk.clerk)
    other = invoice(ada, 50, issued_on=TODAY)
    with transaction.atomic():
        reallocate(
            credit_item=credit_of(payment), by_hand=[(other.pk, Decimal(50)), (due.pk, Decimal(20))], now=NOW,
            by=desk.supervisor, reason="another bill",
        )  # fmt: skip
    with pytest.raises(ShownChanged):
        approve(refund, desk.manager)


def test_72_approved_twice_or_too_late(ada: Customer, desk: Office) -> None:
    refund = ask(taken(ada), 50, desk.clerk)
    asked = waiting(refund)
    with pytest.raises(ApprovalExpired):
        approve(refund, desk.manager, now=NOW + 73 * HOUR)
    approve(refund, desk.manager)
    with pytest.raises(AlreadyDecided), transaction.atomic():
        approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=desk.finance, now=NOW)
    with pytest.raises(IllegalTransition), transaction.atomic():
        approve_refund(refund=refund, approval=asked, by=desk.finance, now=NOW)


def test_38_where_it_goes_stays_once_decided(ada: Customer, desk: Office) -> None:
    refund = approved(taken(ada), 50, desk)
    with pytest.raises(IllegalTransition):
        forward(refund, desk.supervisor, destination="cheque", destination_reason="x")
    with pytest.raises(Exception, match="destination stays"), explained(), transaction.atomic():
        Refund.objects.update(destination="cheque", destination_reason="x")


def test_16_the_database_itself_keeps_the_sum(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    refund = approved(payment, 50, desk)
    with pytest.raises(IntegrityError, match="not the sum"), transaction.atomic():
        CreditItem.objects.filter(pk=credit_of(payment).pk).update(refunded_amount=60)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert Refund.objects.get() == refund


# Saying no, giving up


def test_a_rejection_says_why_and_what_can_be_done(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    refund = ask(payment, 50, desk.clerk)
    with pytest.raises(NotPermitted):
        reject(refund, desk.teller)
    with pytest.raises(BadInput):
        reject(refund, desk.manager, "  ")
    assert reject(refund, desk.manager, "The lessons were given").state == "rejected"
    assert ApprovalRequest.objects.get().state == "withdrawn"
    note = Notice.objects.get(kind="refund_rejected")
    assert "The lessons were given." in note.body
    assert "you may ask again" in note.body
    payment.credit_item.refresh_from_db()
    assert payment.credit_item.refunded_amount == 0
    with pytest.raises(IllegalTransition):
        forward(refund, desk.clerk)
    assert_books_whole()


def test_withdrawn_before_it_was_decided_nothing_was_posted(ada: Customer, desk: Office) -> None:
    refund = ask(taken(ada), 50, desk.clerk)
    assert withdraw(refund, desk.teller).state == "withdrawn"
    assert refund_facts(refund)["amount"] == "50.00"
    assert ApprovalRequest.objects.get(subject=subject_of(refund)).state == "withdrawn"
    assert_books_whole()


def test_withdrawn_after_approval_the_money_lies_unapplied_again(
    school: Organization, ada: Customer, desk: Office
) -> None:
    policy(school, "refunds.fee", "10.00")
    due = invoice(ada, 120)
    payment = taken(ada, received_on=TODAY - timedelta(days=31))
    refund = withdraw(approved(payment, 50, desk), desk.clerk, "Ada changed her mind")
    reread(credit_of(payment), due)
    assert (refund.state, refund.decision_reason) == ("withdrawn", "Ada changed her mind")
    assert (payment.credit_item.refunded_amount, payment.credit_item.unapplied_amount, due.open_amount) == (0, 50, 50)
    assert balance(school, Role.REFUNDS_PAYABLE) == balance(school, Role.SERVICE_FEES) == 0
    assert "Ada changed her mind." in Notice.objects.get(kind="refund_withdrawn").body
    with pytest.raises(IllegalTransition):
        withdraw(refund, desk.clerk)
    assert_books_whole()


def test_a_customer_withdraws_their_own_request_only(school: Organization, ada: Customer, desk: Office) -> None:
    payment, parent = taken(ada), owner(ada)
    theirs, ours = ask(payment, 5, parent), ask(payment, 6, desk.clerk)
    with pytest.raises(NotPermitted):
        withdraw(ours, parent)
    assert withdraw(theirs, parent).state == "withdrawn"


def test_without_an_address_the_office_is_told_to_tell_them(school: Organization, desk: Office) -> None:
    ask(taken(customer(school, "Ben")), 5, desk.clerk)
    note = Notice.objects.get(kind="refund_requested")
    assert (note.channel, note.recipient) == ("office", "counter")
    assert "Ben" in note.subject
    assert "no e-mail address" in note.body


def test_customers_read_in_their_language(school: Organization, desk: Office) -> None:
    ask(taken(customer(school, email="b@example.com", language="zh-hant")), 5, desk.clerk)
    assert Notice.objects.get(kind="refund_requested").language == "zh-hant"


def test_a_closed_month_does_not_stop_a_refund(school: Organization, ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    Period.objects.filter(organization=school).update(state=PeriodState.CLOSED)
    refund = approved(payment, 50, desk)
    assert refund.entry.entry_date.isoformat() == "2026-04-01"
    assert_books_whole()
