"""Payments by UPI: a link or a request, what the payer does with it, and what is given back."""

from urllib.parse import parse_qs, urlsplit

import pytest

from payments.gateways.base import (
    Advice,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    Money,
    NotSupported,
    Outcome,
    Reason,
    State,
)
from tests.payments.gateways.upi.desk import ORDER, Desk, handle, inr, payer, ref_of


def test_a_link_pays_us_this_and_so_much(at: Desk) -> None:
    started = at.start(1250_00)
    assert (started.outcome, started.state, started.money) == (
        Outcome.PENDING, State.PENDING_SETTLEMENT, inr(1250_00),
    )  # fmt: skip
    link = urlsplit(started.redirect)
    told = parse_qs(link.query)
    assert (link.scheme, link.netloc, told["pa"], told["tr"], told["am"], told["cu"]) == (
        "upi", "pay", ["school@okbank"], [started.key], ["1250.00"], ["INR"],
    )  # fmt: skip
    assert at.gateway().redirect_form(started) == {}


def test_a_link_that_pays_somebody_else_is_not_shown(at: Desk) -> None:
    other = at.gateway(payee_vpa="other@okbank").start(inr(1250_00), at.key(), ORDER, payer(), "")
    assert (other.outcome, other.redirect) == (Outcome.ERROR, "")
    started = at.start()
    found = at.gateway(payee_vpa="other@okbank").status(ref_of(started))
    assert (found.outcome, found.redirect) == (Outcome.PENDING, "")


def test_a_payment_waits_for_its_payer_and_is_approved_by_them(at: Desk) -> None:
    started = at.start(1250_00)
    assert at.gateway().status(ref_of(started)).outcome == Outcome.PENDING
    at.do("pay", tr=started.key, vpa="asha.rao@okbank")
    done = at.gateway().status(ref_of(started))
    assert (done.outcome, done.state, done.money, done.key, done.ref) == (
        Outcome.APPROVED, State.SETTLED, inr(1250_00), started.key, started.key,
    )  # fmt: skip
    assert len(done.related) == 12  # the banks' own number
    assert at.minor("capture", key=started.key) == 1250_00


def test_a_request_is_answered_in_the_payers_app(at: Desk) -> None:
    asked = at.start(vpa="asha.rao@okbank")
    assert (asked.outcome, asked.redirect) == (Outcome.PENDING, "")
    at.do("pay", tr=asked.key)
    assert at.gateway().status(ref_of(asked)).outcome == Outcome.APPROVED


def test_a_stored_id_is_charged_by_a_request(at: Desk) -> None:
    """Their app answers two seconds later."""
    key = at.key()
    asked = at.gateway().charge(handle("asha.rao@auto"), inr(99_00), key, ORDER, None)
    assert asked.outcome == Outcome.PENDING
    at.later(seconds=3)
    assert at.gateway().status(ref_of(asked)).outcome == Outcome.APPROVED
    assert at.minor("capture", key=key) == 99_00


def test_a_request_that_nobody_answers_runs_out(at: Desk) -> None:
    asked = at.start(vpa="asha.rao@never")
    at.later(minutes=29)
    assert at.gateway().status(ref_of(asked)).outcome == Outcome.PENDING
    at.later(minutes=2)
    over = at.gateway().status(ref_of(asked))
    assert (over.outcome, over.reason, over.raw_code) == (Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, "U69")


def test_a_request_to_nobody_is_declined(at: Desk) -> None:
    for vpa in ("nobody@okbank", "two words@okbank"):
        result = at.start(vpa=vpa)
        assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT)
    assert at.minor("capture") == 0


def test_requests_may_be_withdrawn_from_us(at: Desk) -> None:
    """Links go on."""
    at.do("disable_collect")
    result = at.start(vpa="asha.rao@okbank")
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "collect_disabled")
    assert at.start().outcome == Outcome.PENDING


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("z9", Reason.INSUFFICIENT_FUNDS), ("z8", Reason.LIMIT_EXCEEDED), ("z7", Reason.LIMIT_EXCEEDED),
        ("zm", Reason.DO_NOT_HONOR), ("za", Reason.AUTHORIZATION_REVOKED), ("k1", Reason.FRAUD_SUSPECTED),
        ("ya", Reason.LOST_OR_STOLEN), ("xl", Reason.EXPIRED_CARD), ("xn", Reason.INVALID_CARD),
        ("xh", Reason.INVALID_ACCOUNT), ("ye", Reason.ACCOUNT_CLOSED), ("u28", Reason.GATEWAY_ERROR),
    ],
)  # fmt: skip
def test_a_bank_says_no_by_its_code(at: Desk, code: str, reason: Reason) -> None:
    result = at.paid(vpa=f"{code}@okbank")
    assert (result.outcome, result.reason, result.raw_code, result.state) == (
        Outcome.DECLINED, reason, code.upper(), State.FAILED,
    )  # fmt: skip
    assert at.minor("capture") == 0


def test_a_payer_says_no(at: Desk) -> None:
    started = at.start()
    at.do("decline", tr=started.key)
    result = at.gateway().status(ref_of(started))
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED)


@pytest.mark.parametrize("code", ["ut", "u67", "rb"])
def test_what_the_banks_do_not_know_is_asked_about_until_it_came(at: Desk, code: str) -> None:
    """UT and the like: the money may have left. It is never sent again; it came."""
    unknown = at.paid(vpa=f"{code}@okbank")
    assert (unknown.outcome, unknown.reason, unknown.raw_code) == (
        Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, code.upper(),
    )  # fmt: skip
    at.later(hours=25)
    assert [one.outcome for one in at.find(unknown.key)] == [Outcome.APPROVED]
    assert at.minor("capture") == 1250_00


@pytest.mark.parametrize("code", ["bt", "u68", "rp"])
def test_what_the_banks_do_not_know_may_turn_out_never_to_have_come(at: Desk, code: str) -> None:
    unknown = at.paid(vpa=f"{code}@okbank")
    assert unknown.outcome == Outcome.UNKNOWN
    at.later(hours=25)
    found = at.find(unknown.key)
    assert [(one.outcome, one.raw_code) for one in found] == [(Outcome.DECLINED, "21")]


def test_a_key_is_paid_once(at: Desk) -> None:
    """An earlier request decides: it is looked up."""
    first = at.start(1250_00)
    at.do("pay", tr=first.key)
    again = at.start(1250_00, first.key)
    assert (again.outcome, again.existing, again.ref) == (Outcome.APPROVED, True, first.ref)
    assert at.minor("capture") == 1250_00


def test_a_key_that_was_used_for_another_amount_tells_the_first(at: Desk) -> None:
    first = at.start(1250_00)
    assert at.start(99_00, first.key).money == inr(1250_00)


def test_other_currencies_are_not_sent(at: Desk) -> None:
    result = at.gateway().start(Money(100, "USD"), at.key(), ORDER, payer(), "")
    assert result.outcome == Outcome.ERROR
    assert at.gateway().start(inr(0), at.key(), ORDER, payer(), "").outcome == Outcome.ERROR
    assert at.said == ""


# Giving back


def test_a_request_may_be_taken_back_until_it_is_paid(at: Desk) -> None:
    open_one, paid = at.start(), at.paid()
    key = at.key()
    voided = at.gateway().void(ref_of(open_one), inr(1250_00), key)
    assert (voided.outcome, voided.state) == (Outcome.APPROVED, State.VOIDED)
    assert [one.outcome for one in at.find(key, Kind.VOID, open_one.ref)] == [Outcome.APPROVED]
    assert at.gateway().void(ref_of(open_one), inr(1250_00), at.key()).existing
    late = at.gateway().void(ref_of(paid), inr(1250_00), at.key())
    assert (late.outcome, late.reason) == (Outcome.DECLINED, Reason.GATEWAY_ERROR)
    assert at.find(at.key(), Kind.VOID, paid.ref) == []


def test_part_of_a_payment_is_given_back_and_no_more_than_came(at: Desk) -> None:
    paid, key = at.paid(100_00), at.key()
    first = at.gateway().refund(ref_of(paid), inr(60_00), key)
    assert (first.outcome, first.money) == (Outcome.PENDING, inr(60_00))
    at.later(seconds=61)
    done = at.gateway().status(ref_of(first))
    assert (done.outcome, done.state, done.kind, done.key) == (Outcome.APPROVED, State.REFUNDED, Kind.REFUND, key)
    over = at.gateway().refund(ref_of(paid), inr(40_01), at.key())
    assert (over.outcome, over.advice) == (Outcome.DECLINED, Advice.DO_NOT_RETRY)
    assert at.gateway().refund(ref_of(paid), inr(40_00), at.key()).outcome == Outcome.PENDING
    at.later(seconds=61)
    assert at.minor("refund") == 100_00


def test_a_refund_asked_for_twice_is_one(at: Desk) -> None:
    paid, key = at.paid(100_00), at.key()
    at.gateway().refund(ref_of(paid), inr(60_00), key)
    again = at.gateway().refund(ref_of(paid), inr(60_00), key)
    assert (again.outcome, again.existing) == (Outcome.PENDING, True)
    assert [one.ref for one in at.find(key, Kind.REFUND)] == [again.ref]
    at.later(seconds=61)
    assert at.minor("refund") == 60_00


def test_a_refund_that_does_not_arrive_is_declined(at: Desk) -> None:
    paid = at.paid(1000_00)
    sent = at.gateway().refund(ref_of(paid), inr(204_00), at.key())
    at.later(seconds=61)
    back = at.gateway().status(ref_of(sent))
    assert (back.outcome, back.state, back.reason) == (Outcome.DECLINED, State.FAILED, Reason.ACCOUNT_CLOSED)


def test_what_was_not_paid_is_not_given_back(at: Desk) -> None:
    assert at.gateway().refund(ref_of(at.start()), inr(1), at.key()).outcome == Outcome.DECLINED


# UPI ids


def test_an_id_that_exists_tells_whose_it_is(at: Desk) -> None:
    result = at.gateway().check_handle("asha.rao@okbank")
    assert result.outcome == Outcome.APPROVED and result.view is not None
    assert (result.view.holder, result.view.bank_name) == ("ASHA RAO", "as***@okbank")
    stored = at.gateway().store(HostedToken("asha.rao@okbank", Instrument.UPI), payer(), at.key())
    assert (stored.outcome, stored.kind, stored.token) == (Outcome.APPROVED, Kind.STORE, "asha.rao@okbank")
    assert at.gateway().verify(handle(), at.key(), payer()).outcome == Outcome.APPROVED
    assert at.gateway().delete_method(handle(), at.key()).outcome == Outcome.APPROVED


@pytest.mark.parametrize("wrong", ["nobody@okbank", "asha@elsewhere", "a@okbank", "asha", "asha rao@okbank", "as@o1"])
def test_an_id_that_does_not_exist_is_declined(at: Desk, wrong: str) -> None:
    result = at.gateway().check_handle(wrong)
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT)


def test_what_upi_has_not_is_refused(at: Desk) -> None:
    gateway, card = at.gateway(), handle()
    for call in (
        lambda: gateway.authorize(card, inr(1), "k", ORDER, None),
        lambda: gateway.capture(GatewayRef("x", Instrument.UPI), inr(1), "k"),
        lambda: gateway.start_micro_deposits(card, "k"),
        lambda: gateway.confirm_micro_deposits(card, (1, 2), "k"),
        lambda: gateway.store(HostedToken("x", Instrument.CARD), payer(), "k"),
    ):
        with pytest.raises(NotSupported):
            call()
    assert gateway.hosted_fields("en") == {}
