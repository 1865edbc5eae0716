"""Mandates at the sponsor bank: asked for, agreed to by the payer, taken up by their bank, ended (R38)."""

from dataclasses import replace
from typing import Any

import pytest

from payments.gateways.base import Advice, GatewayRef, Instrument, Kind, MethodRef, Money, Outcome, Reason
from payments.gateways.nach.adapter import PRIVATE
from tests.payments.gateways.nach.desk import JPEG, Desk, inr, ref_of


def test_a_mandate_waits_for_its_payer_and_then_for_their_bank(at: Desk) -> None:
    """Agreed to with net banking it is registered at once, and stands from nine the next morning."""
    key = at.key()
    made = at.register(key=key)
    assert (made.outcome, made.kind, made.token, made.ref) == (Outcome.PENDING, Kind.MANDATE, "", f"mandate:{key}")
    assert made.redirect == f"{at.server.url}/enach/{key}"
    at.do("authenticate", message_ref=key)
    registered = at.gateway().status(GatewayRef(made.ref, Instrument.CARD))
    assert (registered.outcome, registered.redirect, len(registered.related)) == (Outcome.PENDING, "", 20)
    at.later(days=1, hours=1)
    stands = at.gateway().status(ref_of(made))
    assert (stands.outcome, stands.token, stands.payer_id) == (Outcome.APPROVED, registered.related, key)
    assert stands.view is not None and (stands.view.bank_name, stands.view.last4) == ("HDFC", "0000")
    assert [one.token for one in at.find(key, Kind.MANDATE)] == [stands.token]
    method = MethodRef(stands.token, Instrument.MANDATE, stands.payer_id)
    assert at.gateway().mandate_status(method).outcome == Outcome.APPROVED


def test_with_aadhaar_a_mandate_stands_at_once(at: Desk) -> None:
    made = at.register(at.terms(account=at.account(proof="aadhaar")))
    at.do("authenticate", message_ref=made.key)
    assert at.gateway().status(ref_of(made)).outcome == Outcome.APPROVED


def test_on_paper_there_is_nothing_to_be_followed(at: Desk) -> None:
    for scheme in ("nach", "ecs"):
        paper = at.terms(scheme=scheme, account=at.account(proof="paper", image=JPEG))
        made = at.register(paper)
        assert (made.outcome, made.redirect) == (Outcome.PENDING, "")
        at.later(days=6)
        stands = at.gateway().status(ref_of(made))
        assert stands.outcome == Outcome.APPROVED and stands.token.startswith("ECSX") == (scheme == "ecs")


def test_a_payer_says_no_or_nothing(at: Desk) -> None:
    refused, ignored = at.register(), at.register()
    at.do("decline", message_ref=refused.key)
    at.later(days=8)
    for made, code in ((refused, "RJ04"), (ignored, "RJ05")):
        found = at.gateway().status(ref_of(made))
        assert (found.outcome, found.reason, found.raw_code) == (Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, code)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("01", Reason.DO_NOT_HONOR), ("02", Reason.ACCOUNT_CLOSED), ("03", Reason.INVALID_ACCOUNT)],
)
def test_their_bank_says_no(at: Desk, code: str, reason: Reason) -> None:
    made = at.register(at.terms(f"95{code}"))
    at.do("authenticate", message_ref=made.key)
    at.later(days=2)
    found = at.gateway().status(ref_of(made))
    assert (found.outcome, found.reason, found.advice) == (Outcome.DECLINED, reason, Advice.REAUTHORISE)


def test_the_same_mandate_twice_is_one(at: Desk) -> None:
    terms, key = at.terms(), at.key()
    at.register(terms, key)
    again = at.register(terms, key)
    assert (again.outcome, again.existing) == (Outcome.PENDING, True)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"frequency": "hourly"}, Outcome.ERROR), ({"most": Money(100, "USD")}, Outcome.ERROR),
        ({"debit_day": 29}, Outcome.ERROR), ({"debit_day": 28}, Outcome.PENDING), ({"debit_day": 0}, Outcome.PENDING),
        ({"account": None}, Outcome.ERROR), ({"scheme": "upi"}, Outcome.ERROR), ({"scheme": "ecs"}, Outcome.ERROR),
        ({"ends_on": None}, Outcome.PENDING), ({"frequency": "monthly"}, Outcome.PENDING),
    ],
)  # fmt: skip
def test_what_a_mandate_may_be(at: Desk, changed: dict[str, Any], outcome: Outcome) -> None:
    assert at.register(at.terms(**changed)).outcome == outcome


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"number": "12345678"}, Outcome.DECLINED), ({"number": "123456789"}, Outcome.PENDING),
        ({"number": "1" * 18}, Outcome.PENDING), ({"number": "1" * 19}, Outcome.DECLINED),
        ({"ifsc": "HDFC1001234"}, Outcome.DECLINED), ({"kind": "loan"}, Outcome.ERROR),
        ({"kind": "current"}, Outcome.PENDING), ({"proof": "word"}, Outcome.ERROR),
    ],
)  # fmt: skip
def test_what_an_account_may_be(at: Desk, changed: dict[str, Any], outcome: Outcome) -> None:
    assert at.register(at.terms(account=at.account(**changed))).outcome == outcome


def test_another_bank_is_a_new_mandate_that_ends_the_old(at: Desk) -> None:
    old = at.mandate()
    since = at.sandbox.clock.now()
    at.later(seconds=1)
    new = at.mandate(account=at.account(ifsc="ICIC0001234"), replaces=old.token)
    assert new.token != old.token
    assert at.gateway().mandate_status(old).outcome == Outcome.DECLINED
    assert [(one.token, one.change, one.code) for one in at.gateway().updates(since)] == [
        (old.token, "removed", "replaced")
    ]


@pytest.mark.parametrize(("deed", "change"), [("cancel", "revoked"), ("expire", "expired")])
def test_a_mandate_that_ended_is_news(at: Desk, deed: str, change: str) -> None:
    method, _other = at.mandate(), at.mandate()
    since = at.sandbox.clock.now()
    at.later(seconds=1)
    at.do(deed, umrn=method.token)
    news = list(at.gateway().updates(since))
    assert [(one.token, one.change) for one in news] == [(method.token, change)]
    assert [one.event for one in at.gateway().updates(since)] == [one.event for one in news]
    assert at.gateway().mandate_status(method).outcome == Outcome.DECLINED


def test_a_mandate_is_ended_by_us_once(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    assert at.find(key, Kind.DELETE, method.payer_id) == []
    ended = at.gateway().delete_method(method, key)
    assert (ended.outcome, ended.kind) == (Outcome.APPROVED, Kind.DELETE)
    assert at.gateway().delete_method(method, at.key()).existing
    assert [one.outcome for one in at.find(key, Kind.DELETE, method.payer_id)] == [Outcome.APPROVED]
    gone = at.gateway().delete_method(replace(method, token="HDFC0000000000000000"), at.key())
    assert gone.outcome == Outcome.DECLINED


def test_the_payers_account_is_in_no_log(at: Desk) -> None:
    terms = at.terms(account=at.account("0000", number="556677889900"))
    at.register(terms)
    assert "556677889900" not in at.said and "Asha Rao" not in at.said and at.said
    assert "556677889900" not in repr(terms)
    assert "account_no" in PRIVATE


def test_nothing_is_told_before_a_debit(at: Desk) -> None:
    told = at.gateway().notify_debit(at.mandate(), inr(1), at.today, at.key())
    assert (told.outcome, told.kind) == (Outcome.APPROVED, Kind.NOTIFY)
