"""What is said where no answer came, or one that cannot be read (invariants 28-30)."""

import pytest

from payments.gateways.base import Advice, HostedToken, Instrument, Kind, Outcome, Reason, State
from payments.gateways.wire import Wire
from tests.payments.gateways.dwolla.desk import ORDER, Desk, payer, ref_of, usd
from tests.sandbox.server import stop

TRANSFERS = "/transfers$"
COMMITTED = ["drop_after", "hang_after", "error_after", "html", "empty", "garbled"]


@pytest.mark.parametrize("kind", COMMITTED)
def test_a_debit_whose_answer_is_lost_is_unknown_and_adopted(at: Desk, kind: str) -> None:
    method, key = at.bank(), at.key()
    at.fault(kind, path=TRANSFERS, body=key)
    lost = at.charge(method, 12_34, key)
    assert (lost.outcome, lost.money) == (Outcome.UNKNOWN, usd(12_34))
    found = at.find(key, method)
    assert [(one.outcome, one.state, one.money, one.key) for one in found] == [
        (Outcome.PENDING, State.PENDING_SETTLEMENT, usd(12_34), key)
    ]
    assert found[0].ref
    assert len(at.sandbox.ledger.captures(key)) == 1


def test_an_answer_that_has_no_body_cannot_be_cut_short(at: Desk) -> None:
    """201 with the address of the transfer is all there is."""
    method, key = at.bank(), at.key()
    at.fault("truncated", path=TRANSFERS, body=key)
    assert at.charge(method, 12_34, key).outcome == Outcome.PENDING


@pytest.mark.parametrize("kind", ["drop_before", "hang_before", "error_before"])
def test_a_debit_that_never_came_is_unknown_and_find_takes_nothing(at: Desk, kind: str) -> None:
    """Asking must not make what it asks about: see Note [Why find does not resend]."""
    method, key = at.bank(), at.key()
    at.fault(kind, path=TRANSFERS, body=key)
    assert at.charge(method, 12_34, key).outcome == Outcome.UNKNOWN
    assert at.find(key, method) == []
    assert at.find(key, method) == []
    assert at.minor("capture") == 0


def test_a_resend_with_the_same_key_takes_the_money_once(at: Desk) -> None:
    method, key = at.bank(), at.key()
    at.fault("drop_after", path=TRANSFERS, body=key)
    at.charge(method, 12_34, key)
    resent = at.charge(method, 12_34, key)
    assert [one.ref for one in at.find(key, method)] == [resent.ref]
    assert at.minor("capture") == 12_34


def test_find_needs_no_payer(at: Desk) -> None:
    method, key = at.bank(), at.key()
    result = at.charge(method, 12_34, key)
    at.charge(method, 1_00)
    at.sandbox.do("process_transfers")  # a second leg of each, with no key, is in the list of ours
    assert [one.ref for one in at.find(key, None)] == [result.ref]


def test_what_does_not_show_yet_is_not_there(at: Desk) -> None:
    method, key = at.bank(), at.key()
    at.charge(method, 12_34, key)
    at.sandbox.faults.add("blind", seconds=30)
    assert at.find(key, method) == []
    at.sandbox.clock.advance(seconds=31)
    assert len(at.find(key, method)) == 1


@pytest.mark.parametrize("kind", ["drop_before", "error_before", "html", "empty", "garbled", "truncated", "rate_limit"])
def test_a_question_without_an_answer_is_no_absence(at: Desk, kind: str) -> None:
    method, key = at.bank(), at.key()
    result = at.charge(method, 12_34, key)
    at.fault(kind, path="/customers/.+/transfers$")
    asked = at.find(key, method)
    assert [(one.outcome, one.kind) for one in asked] == [(Outcome.UNKNOWN, Kind.SALE)]
    at.fault(kind, path="/transfers/")
    assert at.gateway().status(ref_of(result)).outcome == Outcome.UNKNOWN


def test_nobody_there_is_an_error(at: Desk) -> None:
    method, gateway = at.bank(), at.gateway()
    stop(at.server)
    result = gateway.charge(method, usd(12_34), at.key(), ORDER, None)
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)
    assert at.minor("capture") == 0


def test_a_token_that_ran_out_is_replaced_once(at: Desk) -> None:
    method = at.bank()
    at.sandbox.do("expire_tokens")
    assert at.charge(method).outcome == Outcome.PENDING
    assert at.minor("capture") == 12_34


def test_credentials_that_are_no_longer_good_are_an_error(at: Desk) -> None:
    """Not unknown: who is not let in has moved nothing."""
    method = at.bank()
    at.sandbox.faults.add("expired", path=TRANSFERS, times=None)
    result = at.charge(method)
    assert (result.outcome, result.reason, result.raw_code) == (
        Outcome.ERROR, Reason.GATEWAY_ERROR, "ExpiredAccessToken",
    )  # fmt: skip
    wrong = at.gateway(secret="not-it").charge(method, usd(1), at.key(), ORDER, None)
    assert (wrong.outcome, wrong.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)
    assert at.minor("capture") == 0


@pytest.mark.parametrize("kind", ["drop_after", "html", "empty", "garbled", "error_before"])
def test_without_a_token_nothing_leaves(at: Desk, kind: str) -> None:
    method = at.bank()
    at.sandbox.do("expire_tokens")
    gateway = at.gateway()
    at.fault(kind, path="/token$")
    assert gateway.charge(method, usd(12_34), at.key(), ORDER, None).outcome == Outcome.ERROR
    assert gateway.charge(method, usd(12_34), at.key(), ORDER, None).outcome == Outcome.PENDING
    assert at.minor("capture") == 12_34


def test_a_token_is_shared_by_all_that_speak_with_the_same_credentials(at: Desk) -> None:
    at.bank()
    wires = [Wire(), Wire()]
    for wire in wires:
        type(at.gateway())("dwolla", at.settings, wire).payer(payer())
    assert not any(one.url.endswith("/token") for wire in wires for one in wire.exchanges)


def test_too_many_calls_are_an_error_with_a_time(at: Desk) -> None:
    method = at.bank()
    at.fault("rate_limit", path=TRANSFERS)
    result = at.charge(method)
    assert (result.outcome, result.advice, result.raw_code) == (
        Outcome.ERROR, Advice.RETRY_AFTER, "TooManyRequests",
    )  # fmt: skip
    assert result.retry_after is not None and result.retry_after.tzinfo is not None
    assert at.minor("capture") == 0


def test_nothing_secret_is_in_the_log(at: Desk) -> None:
    method = at.bank()
    at.charge(method)
    at.gateway().store(HostedToken("processor-sandbox-once", Instrument.BANK), payer(), at.key())
    payers = ("ada@example.org", "Ames", "203.0.113.9")
    for secret in (at.sandbox.key, at.sandbox.secret, at.sandbox.webhook_secret, "sandbox-once", *payers):
        assert secret not in at.said
    tokens = [one.answered for wire in at.wires for one in wire.exchanges if one.url.endswith("/token")]
    assert tokens and all('"access_token": "•••"' in one or '"access_token":"•••"' in one for one in tokens)
