"""Mandates as methods: asked for, agreed to at the bank, debited, switched, followed by another (R38)."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from billing.errors import BadInput, DomainError
from billing.transactions import in_transaction
from payments.gateways.base import DebtorAccount, Instrument, MethodRef, Money
from payments.models import Mandate, Method, Payment, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState, Operation
from payments.models.payment_method import MethodState
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.bank_accounts import ensure_bank_account
from payments.services.calling import reread, send_attempt
from payments.services.charging import charge
from payments.services.mandates import look_at_mandate, switch_mandate, waiting_mandates
from payments.services.methods.paying import tills_for
from payments.services.methods.words import event_words
from payments.services.paying_out import ways_to_pay_out
from payments.services.recovery.ways import is_chargeable
from payments.services.sweeping import sweep
from tests.assertions import assert_books_whole
from tests.console_desk import desk
from tests.payments.india.cast import Scene
from tests.refund_desk import approved


def stands(at: Scene, name: str = "upi", **changed: Any) -> PaymentMethod:
    """A mandate that its payer has agreed to."""
    attempt = at.allow(name, **changed)
    if name == "upi":
        at.upi.do("approve_mandate", mandate_ref=attempt.key)
    else:
        at.nach.do("activate", umrn=attempt.key)
    attempt = look_at_mandate(attempt, now=at.now)
    assert attempt.method is not None, (attempt.state, attempt.raw_text)
    return attempt.method


@pytest.mark.parametrize("name", ["upi", "nach"])
def test_a_mandate_becomes_a_method_once_its_payer_has_agreed(at: Scene, name: str) -> None:
    attempt = at.allow(name)
    assert (attempt.state, attempt.operation, attempt.method) == (AttemptState.PENDING, Operation.MANDATE, None)
    assert attempt.redirect and [one.pk for one in waiting_mandates(at.asha)] == [attempt.pk]
    assert look_at_mandate(attempt, now=at.now).state == AttemptState.PENDING
    if name == "upi":
        at.upi.do("approve_mandate", mandate_ref=attempt.key)
    else:
        at.nach.do("activate", umrn=attempt.key)
    attempt = look_at_mandate(attempt, now=at.now)
    method, mandate = attempt.method, Mandate.objects.get()
    assert method is not None
    assert (method.state, method.place, mandate.method_id) == (MethodState.ACTIVE, 1, method.pk)
    assert (mandate.number, mandate.most_amount, mandate.debit_day, mandate.is_on) == (method.token, 20_000, 5, True)
    assert waiting_mandates(at.asha) == []


def test_a_webhook_tells_that_it_stands(at: Scene) -> None:
    attempt = at.allow("upi")
    at.upi.do("approve_mandate", mandate_ref=attempt.key)
    at.hear_upi()
    at.hear_upi()
    assert PaymentMethod.objects.get().shown_handle == "as***@okbank"


def test_the_sweeper_hears_of_it_where_nobody_tells(at: Scene) -> None:
    attempt = at.allow("nach")
    at.nach.do("authenticate", message_ref=attempt.key)
    at.later(days=1)
    sweep(now=at.now)
    assert reread(attempt).state == AttemptState.SUCCEEDED
    method = PaymentMethod.objects.get()
    assert (method.bank_name, method.last4) == ("HDFC", "0000")


def test_a_mandate_that_was_declined_is_no_method(at: Scene) -> None:
    attempt = at.allow("upi")
    at.upi.do("decline_mandate", mandate_ref=attempt.key)
    assert look_at_mandate(attempt, now=at.now).state == AttemptState.DECLINED
    assert not PaymentMethod.objects.exists()


def test_nothing_of_the_payers_account_is_kept(at: Scene) -> None:
    upi, nach = at.allow("upi"), at.allow("nach")
    for attempt in (upi, nach):
        for text in ("asha.rao", "500000010000"):
            assert text not in str(vars(attempt))
            assert not any(text in row.asked + row.answered for row in attempt.exchanges.all())


@pytest.mark.parametrize(
    ("name", "changed", "code"),
    [
        ("upi", {"scheme": "nach"}, "not_taken"), ("nach", {"scheme": "upi"}, "not_taken"),
        ("upi", {"most": Money(0, "INR")}, "not_positive"), ("upi", {"most": Money(1, "USD")}, "not_positive"),
        ("nach", {"debit_day": 29}, "bad_day"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_refused(at: Scene, name: str, changed: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        at.allow(name, **changed)
    assert refusal.value.code == code
    today = at.school.today(at.now)
    for dates in ({"starts_on": today - timedelta(days=1)}, {"ends_on": today}):
        with pytest.raises(BadInput):
            at.allow(name, **{**changed, **dates, "scheme": name, "debit_day": 1, "most": Money(100, "INR")})
    assert not PaymentAttempt.objects.exists()


def test_the_same_request_is_one_mandate(at: Scene) -> None:
    assert at.allow("upi", "k1").pk == at.allow("upi", "k1").pk


# Debits


def _charge(at: Scene, method: PaymentMethod, amount: str = "1250.00") -> PaymentAttempt:
    invoice = at.bill(amount)
    return charge(
        method=method, invoices=[(invoice.pk, invoice.open_amount)], request_key=uuid4().hex, now=at.now, by=None,
        by_payer=False, channel="autopay", decision={},
    )  # fmt: skip


def test_a_debit_of_a_bank_is_pending_and_booked_by_its_result(at: Scene) -> None:
    method = stands(at, "nach")
    attempt = _charge(at, method)
    assert (attempt.state, attempt.payment) == (AttemptState.PENDING, None)
    at.later(days=1)
    sweep(now=at.now)
    attempt = reread(attempt)
    assert attempt.payment is not None
    assert (attempt.state, attempt.payment.method) == (AttemptState.SUCCEEDED, Method.AUTO_DEBIT)
    assert at.nach.minor("capture") == 1250_00


def test_a_debit_by_upi_names_the_notice_that_announced_it(at: Scene) -> None:
    method, invoice = stands(at), at.bill("1250.00")
    order = AttemptOrder(
        gateway_account=method.gateway_account, customer_id=at.asha.pk, operation=Operation.NOTIFY, currency="INR",
        request_key=f"notify:{invoice.pk}:1:0", amount=Decimal("1250.00"), method=method, channel="autopay",
        decision={"on": (at.school.today(at.now) + timedelta(days=1)).isoformat()},
    )  # fmt: skip
    notice = send_attempt(in_transaction(partial(prepare_attempt, order, now=at.now, by=None)))
    assert notice.state == AttemptState.SUCCEEDED, notice.raw_text
    at.later(hours=24, minutes=3)
    attempt = charge(
        method=method, invoices=[(invoice.pk, invoice.open_amount)], request_key="a1", now=at.now, by=None,
        by_payer=False, channel="autopay", decision={},
    )  # fmt: skip
    assert attempt.state == AttemptState.SUCCEEDED, attempt.raw_text
    unannounced = _charge(at, method, "99.00")
    assert (unannounced.state, unannounced.raw_code) == (AttemptState.NOT_SENT, "notice_needed")
    assert at.upi.minor("capture") == 1250_00


@pytest.mark.parametrize(("name", "is_offered"), [("nach", True), ("upi", False)])
def test_what_is_announced_a_day_before_pays_nothing_now(at: Scene, name: str, is_offered: bool) -> None:
    method = stands(at, name)
    at.bill()
    assert list(tills_for([at.asha], at.now)[0].methods) == ([method] if is_offered else [])


# Money back


def _paid(at: Scene) -> Payment:
    attempt = _charge(at, stands(at, "nach"))
    at.later(days=1)
    sweep(now=at.now)
    payment = reread(attempt).payment
    assert payment is not None
    return payment


def test_R96_a_debit_of_nach_goes_back_by_a_transfer_of_ours(at: Scene) -> None:
    """There is no refund by program: a person sends it from our bank, with the reference to find it by."""
    clerk, manager = (desk(at.school, role) for role in ("clerk", "manager"))
    bank = in_transaction(
        partial(ensure_bank_account, organization=at.school, code="main", currency="INR", name="First Bank")
    )[0]
    refund = approved(clerk, manager, _paid(at), "250.00", reason_code="wrong_customer")
    assert ways_to_pay_out(refund) == ("bank_transfer",)
    told: dict[str, Any] = {"method": "bank_transfer", "bank_account": str(bank.pk)}
    clerk.post(f"refunds/{refund.pk}/pay-out/", 422, **told)
    clerk.post(f"refunds/{refund.pk}/pay-out/", reference="NEFT 4711", **told)
    sent = refund.attempts.get()
    assert (sent.reference, sent.bank_account, sent.gateway_attempt) == ("NEFT 4711", bank, None)
    assert not PaymentAttempt.objects.filter(operation__in=(Operation.VOID, Operation.REFUND)).exists()
    assert_books_whole()


# Switching, and another in its place


def test_debits_are_switched_off_and_on(at: Scene) -> None:
    """At the bank nothing changes."""
    method = stands(at)
    today = at.school.today(at.now)
    for is_on in (False, False, True):
        with transaction.atomic():
            switch_mandate(method=method, is_on=is_on, now=at.now, by=None)
        fresh = PaymentMethod.objects.select_related("mandate", "gateway_account").get(pk=method.pk)
        assert is_chargeable(fresh, Decimal(1), "INR", today) == is_on
    switched = [one.text for one in method.events.order_by("pk") if one.text.startswith("debits_")]
    assert switched == ["debits_off", "debits_on"]
    assert [event_words(text) for text in switched] == ["Debits are switched off.", "Debits are switched on."]


def test_another_bank_and_day_is_a_new_mandate_that_follows_the_old(at: Scene) -> None:
    """The old one goes on until the new one stands; then it is ended, at the bank too, and its place is taken."""
    old = stands(at, "nach")
    asked = at.allow("nach", follows=old, account=DebtorAccount("600000010000", "ICIC0001234"), debit_day=10)
    old.refresh_from_db()
    assert old.state == MethodState.ACTIVE
    with pytest.raises(DomainError) as refusal:
        at.allow("nach", follows=old)
    assert refusal.value.code == "being_replaced"
    at.nach.do("activate", umrn=asked.key)
    new = look_at_mandate(asked, now=at.now).method
    assert new is not None
    old.refresh_from_db()
    assert (old.state, new.state, new.place, new.bank_name) == (
        MethodState.REMOVED, MethodState.ACTIVE, 1, "ICIC",
    )  # fmt: skip
    mandate = Mandate.objects.get(method=new)
    assert (mandate.follows, mandate.debit_day) == (Mandate.objects.get(method=old), 10)
    with pytest.raises(DomainError) as refusal:
        at.allow("nach", follows=old)
    assert refusal.value.code == "not_a_mandate"


def test_another_upi_mandate_ends_the_old_at_the_provider(at: Scene) -> None:
    old = stands(at)
    reference = old.payer_id
    new = stands(at, follows=old, debit_day=9)
    old.refresh_from_db()
    assert (old.state, new.place) == (MethodState.REMOVED, 1)
    assert at.upi.gateway().mandate_status(MethodRef("", Instrument.MANDATE, reference)).outcome == "declined"


def test_what_a_payer_does_in_their_app_stops_the_method(at: Scene) -> None:
    method = stands(at)
    reference = method.payer_id
    states = []
    for deed in ("pause", "resume", "revoke"):
        at.upi.do(f"{deed}_mandate", mandate_ref=reference)
        at.hear_upi()
        at.later(seconds=1)
        method.refresh_from_db()
        states.append(method.state)
    assert states == [MethodState.SUSPENDED, MethodState.ACTIVE, MethodState.DISABLED]
