"""Net banking: a signed form out, a signed answer back, and the truth from server to server."""

from dataclasses import replace
from typing import Any
from urllib.parse import urldefrag, urlencode

import pytest
import requests

from payments.gateways.base import (
    Advice,
    Forged,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    Money,
    NotSupported,
    OrderRef,
    Outcome,
    PayerRef,
    Reason,
    State,
    Topic,
    Unreadable,
)
from payments.gateways.netbanking.signing import of_answer
from tests.payments.gateways.netbanking.desk import BACK, ORDER, PAYER, Desk, inr, ref_of


def test_a_payer_goes_to_their_bank_and_pays(at: Desk) -> None:
    started = at.start(1250_00)
    assert (started.outcome, started.state, started.ref) == (Outcome.PENDING, State.PENDING_SETTLEMENT, "")
    back = at.visit(started)
    assert (back["status"], back["txnid"], back["amount"]) == ("success", started.key, "1250.00")
    (event,) = at.heard(back)
    assert (event.topic, event.key, event.ref, event.name) == (Topic.TRANSACTION, started.key, started.key, "success")
    done = at.gateway().status(GatewayRef(event.ref, Instrument.NET_BANKING))
    assert (done.outcome, done.state, done.money, done.key, done.related) == (
        Outcome.APPROVED, State.SETTLED, inr(1250_00), started.key, back["mihpayid"],
    )  # fmt: skip
    assert done.auth_code == back["bank_ref_num"]
    assert at.minor("capture", key=started.key) == 1250_00


def test_the_form_is_the_same_whenever_it_is_told_again(at: Desk) -> None:
    """What is kept is the key, the amount and the redirect: the salt never is, nor is the signature."""
    started = at.start(1250_00)
    fields = dict(at.gateway().redirect_form(started))
    assert (fields["surl"], fields["furl"], fields["txnid"], fields["firstname"]) == (BACK, BACK, started.key, "Asha")
    again = replace(started, state=None, raw_text="")
    assert at.gateway().redirect_form(again) == fields
    assert fields["hash"] not in started.redirect and at.settings["salt"] not in started.redirect
    assert urldefrag(started.redirect).url == f"{at.server.url}/_payment"
    assert at.gateway().redirect_form(replace(started, redirect="")) == {}


def test_starting_asks_nobody(at: Desk) -> None:
    started = at.start()
    assert at.said == ""
    assert at.find(started.key) == []


def test_who_is_still_at_the_bank_is_on_their_way(at: Desk) -> None:
    started = at.start()
    at.to_bank(started)
    found = at.find(started.key)
    assert [(one.outcome, one.money) for one in found] == [(Outcome.PENDING, inr(1250_00))]


def test_a_payer_says_no(at: Desk) -> None:
    started = at.start()
    back = at.visit(started, "decline")
    assert back["status"] == "failure" and [one.name for one in at.heard(back)] == ["failure"]
    (found,) = at.find(started.key)
    assert (found.outcome, found.reason, found.state) == (Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, State.FAILED)
    assert at.minor("capture") == 0


@pytest.mark.parametrize(
    ("minor", "code", "reason"),
    [
        (201_00, "E706", Reason.INSUFFICIENT_FUNDS), (302_00, "E9205", Reason.AUTHORIZATION_REVOKED),
        (402_00, "E308", Reason.DO_NOT_HONOR),
    ],
)  # fmt: skip
def test_a_bank_says_no_by_its_code(at: Desk, minor: int, code: str, reason: Reason) -> None:
    result = at.paid(minor)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, reason, code)
    assert at.minor("capture") == 0


@pytest.mark.parametrize(("outcome", "state"), [("success", Outcome.APPROVED), ("failure", Outcome.DECLINED)])
def test_a_bank_may_take_its_time(at: Desk, outcome: str, state: Outcome) -> None:
    waits = at.paid(102_00)
    assert (waits.outcome, waits.state) == (Outcome.PENDING, State.PENDING_SETTLEMENT)
    at.do("resolve", txnid=waits.key, outcome=outcome)
    assert at.gateway().status(ref_of(waits)).outcome == state
    assert at.minor("capture") == (102_00 if outcome == "success" else 0)


def test_what_the_bank_puts_on_top_is_not_ours(at: Desk) -> None:
    """The signature covers it, the amount does not."""
    at.do("charge_extra", amount="5.00")
    started = at.start(100_00)
    back = at.visit(started)
    assert back["additionalCharges"] == "5.00"
    assert [one.key for one in at.heard(back)] == [started.key]
    assert [one.money for one in at.find(started.key)] == [inr(100_00)]
    with pytest.raises(Forged):
        at.heard(back | {"additionalCharges": "6.00"})


def test_a_payment_is_made_once(at: Desk) -> None:
    started = at.start()
    at.visit(started)
    with pytest.raises(AssertionError, match="duplicate txnid"):
        at.to_bank(started)
    assert at.minor("capture") == 1250_00


def test_who_failed_may_try_again_and_the_last_try_counts(at: Desk) -> None:
    started = at.start()
    at.visit(started, "decline")
    at.visit(started)
    assert [one.outcome for one in at.find(started.key)] == [Outcome.APPROVED]


@pytest.mark.parametrize("how", ["never", "twice", "late"])
def test_the_return_may_come_never_or_twice_or_late(at: Desk, how: str) -> None:
    """The truth is at PayU: the return only says that it is time to look."""
    at.do("steer_return", how=how)
    started = at.start(return_url=f"{at.server.url}/nobody-listens")
    requests.post(at.to_bank(started), data={"action": "confirm"}, timeout=5)
    assert [one.outcome for one in at.find(started.key)] == [Outcome.APPROVED]


# What comes back


def test_what_is_not_signed_by_payu_is_refused(at: Desk) -> None:
    started = at.start()
    back = at.visit(started, "decline")
    for forged in (
        back | {"status": "success"}, back | {"amount": "1.00"}, back | {"hash": ""}, back | {"key": "OTHER"},
        {name: value for name, value in back.items() if name != "hash"}, {},
    ):  # fmt: skip
        with pytest.raises(Forged):
            at.heard(forged)
    with pytest.raises(Forged):
        at.gateway(salt="").parse_webhook(urlencode(back).encode(), {}, [])
    with pytest.raises(Forged):
        at.gateway().parse_webhook(b"\xff\xfe", {}, [])
    assert at.heard(back)


def test_what_is_signed_and_names_no_payment_cannot_be_read(at: Desk) -> None:
    told = {"key": at.settings["key"], "status": "success", "txnid": "", "mihpayid": "1"}
    told["hash"] = of_answer(told, at.settings["salt"])
    with pytest.raises(Unreadable):
        at.heard(told)


def test_the_same_return_is_the_same_event(at: Desk) -> None:
    back = at.visit(at.start())
    once, again = at.heard(back), at.heard(back)
    assert [one.id for one in once] == [one.id for one in again] == [f"{back['mihpayid']}:{back['txnid']}:success"]
    assert "asha" not in str(at.heard(back)[0].facts).lower()


# What cannot be


@pytest.mark.parametrize(
    "changed",
    [
        {"payer": replace(PAYER, email=""), "order": OrderRef("INV-1")}, {"payer": replace(PAYER, phone="")},
        {"return_url": ""}, {"return_url": f"https://school.example/{'x' * 500}"},
    ],
)  # fmt: skip
def test_what_net_banking_needs_is_asked_for_before_anybody_leaves(at: Desk, changed: dict[str, Any]) -> None:
    assert at.start(**changed).outcome == Outcome.ERROR


def test_the_school_may_answer_for_a_payer_without_address(at: Desk) -> None:
    gateway = at.gateway(email="fees@school.example", phone="9100000000", bank="SBIB")
    nobody = PayerRef(key="payer-x", name="李")
    started = gateway.start(inr(10_00), at.key(), OrderRef("INV-1"), nobody, BACK)
    fields = gateway.redirect_form(started)
    assert (fields["email"], fields["phone"], fields["firstname"], fields["bankcode"]) == (
        "fees@school.example", "9100000000", "Payer", "SBIB",
    )  # fmt: skip
    at.visit(started)
    assert [one.outcome for one in at.find(started.key)] == [Outcome.APPROVED]


def test_rupees_only_and_more_than_nothing(at: Desk) -> None:
    for money in (Money(100, "USD"), inr(0)):
        assert at.gateway().start(money, at.key(), ORDER, PAYER, BACK).outcome == Outcome.ERROR


def test_what_net_banking_has_not_is_refused(at: Desk) -> None:
    gateway, method = at.gateway(), MethodRef("x", Instrument.NET_BANKING)
    ref = GatewayRef("x", Instrument.NET_BANKING)
    for call in (
        lambda: gateway.charge(method, inr(1), "k", ORDER, None),
        lambda: gateway.authorize(method, inr(1), "k", ORDER, None),
        lambda: gateway.capture(ref, inr(1), "k"), lambda: gateway.store(HostedToken("x"), PAYER, "k"),
        lambda: gateway.verify(method, "k", PAYER),
        lambda: gateway.start_micro_deposits(method, "k"), lambda: gateway.delete_method(method, "k"),
        lambda: gateway.confirm_micro_deposits(method, (1, 2), "k"), lambda: gateway.check_handle("a@b"),
    ):  # fmt: skip
        with pytest.raises(NotSupported):
            call()
    assert (gateway.hosted_fields("en"), list(gateway.updates(at.sandbox.clock.now()))) == ({}, [])


# Giving back


def test_nothing_is_voided(at: Desk) -> None:
    """So that whoever wants it back refunds it instead."""
    result = at.gateway().void(ref_of(at.paid()), inr(1250_00), at.key())
    assert (result.outcome, result.kind) == (Outcome.DECLINED, Kind.VOID)
    assert at.find(at.key(), Kind.VOID) == []


def test_part_of_a_payment_is_given_back_by_the_next_day_and_no_more_than_came(at: Desk) -> None:
    paid, key = at.paid(100_00), at.key()
    first = at.gateway().refund(ref_of(paid), inr(60_00), key)
    assert (first.outcome, first.money, first.kind) == (Outcome.PENDING, inr(60_00), Kind.REFUND)
    assert at.gateway().status(ref_of(first)).outcome == Outcome.PENDING
    over = at.gateway().refund(ref_of(paid), inr(40_01), at.key())
    assert (over.outcome, over.raw_code, over.advice) == (Outcome.DECLINED, "105", Advice.DO_NOT_RETRY)
    at.later(days=1, minutes=1)
    done = at.gateway().status(ref_of(first))
    assert (done.outcome, done.state, done.key) == (Outcome.APPROVED, State.REFUNDED, key)
    assert at.minor("refund") == 60_00


def test_a_refund_asked_for_twice_is_one(at: Desk) -> None:
    paid, key = at.paid(100_00), at.key()
    first = at.gateway().refund(ref_of(paid), inr(60_00), key)
    again = at.gateway().refund(GatewayRef(paid.ref, Instrument.CARD), inr(60_00), key)
    assert (again.outcome, again.existing, again.ref) == (Outcome.PENDING, True, first.ref)
    assert [one.ref for one in at.find(key, Kind.REFUND, paid.ref)] == [first.ref]
    assert at.find(at.key(), Kind.REFUND, paid.ref) == []


def test_what_was_not_paid_or_was_charged_back_is_not_given_back(at: Desk) -> None:
    failed, back = at.paid(402_00), at.paid(100_00)
    assert at.gateway().refund(ref_of(failed), inr(1_00), at.key()).raw_code == "111"
    at.do("charge_back", txnid=back.key)
    result = at.gateway().refund(ref_of(back), inr(1_00), at.key())
    assert (result.outcome, result.raw_code) == (Outcome.DECLINED, "113")
    unknown = at.gateway().refund(GatewayRef("T-NONE", Instrument.NET_BANKING), inr(1), at.key())
    assert unknown.outcome == Outcome.ERROR
    assert at.minor("refund") == 0
