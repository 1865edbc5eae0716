"""Answers that are lost, spoilt, late or refused: what is not known is unknown, and finding adopts it."""

import pytest

from payments.gateways.base import Advice, Kind, Outcome, Reason, Result, State
from tests.payments.gateways.precisepay.desk import CHECKING, FIRST, ORDER, VISA, Desk, desk, hint, payer, ref_of, usd
from tests.sandbox.nmi import Nmi

COMMITTED = ["drop_after", "hang_after", "error_after", "truncated", "html", "empty", "garbled"]
NOT_COMMITTED = ["drop_before", "hang_before", "error_before"]
SLOW = 0.6  # longer than the adapter waits in tests


def charge(at: Desk, key: str) -> Result:
    return at.gateway().charge(at.method(), usd(1200), key, ORDER, FIRST)


@pytest.mark.parametrize("fault", COMMITTED)
def test_a_charge_whose_answer_is_lost_is_unknown_and_found(at: Desk, fault: str) -> None:
    """README 4.3 and 4.4."""
    key = at.key()
    at.nmi.faults.add(fault, body="type=sale", seconds=SLOW)
    result = charge(at, key)
    assert (result.outcome, result.reason, result.approved) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, None)
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.key, one.approved) for one in found] == [(Outcome.APPROVED, key, usd(1200))]
    assert len(at.nmi.ledger.captures(key)) == 1


@pytest.mark.parametrize("fault", NOT_COMMITTED)
def test_a_charge_that_was_not_made_is_unknown_and_absent(at: Desk, fault: str) -> None:
    key = at.key()
    at.nmi.faults.add(fault, body="type=sale", seconds=SLOW)
    assert charge(at, key).outcome == Outcome.UNKNOWN
    assert at.gateway().find(key, hint(Kind.SALE, usd(1200))) == []
    assert at.nmi.ledger.captures() == []


def test_a_late_answer_within_patience_counts(at: Desk) -> None:
    at.nmi.faults.add("delay", body="type=sale", seconds=0.05)
    assert charge(at, at.key()).outcome == Outcome.APPROVED


def test_the_gateway_says_it_does_not_know_and_took_the_money(at: Desk) -> None:
    """420 is no decline: here the issuer had approved it."""
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="420", taken="yes")
    result = at.gateway().charge(method, usd(1200), key, ORDER, None)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT)
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(1200)))] == [Outcome.APPROVED]


def test_the_gateway_says_it_does_not_know_and_still_does_not(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="421")
    assert at.gateway().charge(method, usd(1200), key, ORDER, None).outcome == Outcome.UNKNOWN
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(1200)))] == [Outcome.UNKNOWN]


def test_what_does_not_show_yet_is_absent_and_shows_later(at: Desk) -> None:
    """The caller needs two absences, apart: here the first is no proof."""
    key = at.key()
    at.nmi.faults.add("drop_after", body="type=sale")
    at.nmi.faults.add("blind", times=None, seconds=30)
    assert charge(at, key).outcome == Outcome.UNKNOWN
    assert at.gateway().find(key, hint(Kind.SALE, usd(1200))) == []
    at.nmi.clock.advance(seconds=31)
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(1200)))] == [Outcome.APPROVED]


def test_nobody_there_is_an_error_and_not_unknown() -> None:
    with desk() as at:
        gateway, method = at.gateway(), at.method()
    result = gateway.charge(method, usd(1200), "K", ORDER, None)
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)
    assert [one.outcome for one in gateway.find("K", hint(Kind.SALE))] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("fault,advice", [("expired", None), ("rate_limit", Advice.RETRY_AFTER)])
def test_a_call_that_was_not_let_in_is_an_error(at: Desk, fault: str, advice: Advice | None) -> None:
    """Expired credentials, or too many calls: nothing moved, and that is known."""
    key = at.key()
    at.nmi.faults.add(fault, body="type=sale")
    result = charge(at, key)
    assert (result.outcome, result.reason, result.advice) == (Outcome.ERROR, Reason.GATEWAY_ERROR, advice)
    assert at.nmi.ledger.captures() == []
    at.nmi.faults.add(fault, path="query")
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE))] == [Outcome.UNKNOWN]


def test_a_wrong_key_of_ours_is_an_error(at: Desk) -> None:
    result = at.gateway(security_key="old").charge(at.method(), usd(1200), at.key(), ORDER, None)
    assert (result.outcome, result.raw_text) == (Outcome.ERROR, "Authentication Failed")


def test_the_accounts_own_limit_is_an_error_with_advice(at: Desk) -> None:
    gateway, method = at.gateway(), at.method()
    at.nmi.do("set_account", per_minute="1")
    results = [gateway.charge(method, usd(1000 + n), at.key(), ORDER, None) for n in range(3)]
    assert (results[-1].outcome, results[-1].advice) == (Outcome.ERROR, Advice.RETRY_AFTER)
    assert len(at.nmi.ledger.captures()) < 3


def test_the_query_has_a_machine_of_its_own_where_it_is_told(at: Desk) -> None:
    key = at.key()
    charge(at, key)
    elsewhere = at.gateway(query_url="http://127.0.0.1:9/api/query.php")
    assert [one.outcome for one in elsewhere.find(key, hint(Kind.SALE))] == [Outcome.UNKNOWN]
    at_hand = at.gateway(query_url=f"{at.server.url}/api/query.php")
    assert [one.outcome for one in at_hand.find(key, hint(Kind.SALE))] == [Outcome.APPROVED]


@pytest.mark.parametrize("fault", COMMITTED)
def test_a_stored_card_whose_answer_is_lost_is_found_by_our_key(at: Desk, fault: str) -> None:
    key = at.key()
    at.nmi.faults.add(fault, body="add_customer", seconds=SLOW)
    assert at.gateway().store(at.card(), payer(), key).outcome == Outcome.UNKNOWN
    found = at.gateway().find(key, hint(Kind.STORE))
    assert [(one.outcome, one.token, one.view.last4) for one in found] == [(Outcome.APPROVED, key, "1111")]


def test_a_card_that_was_not_stored_is_absent(at: Desk) -> None:
    key = at.key()
    at.nmi.faults.add("drop_before", body="add_customer")
    assert at.gateway().store(at.card(), payer(), key).outcome == Outcome.UNKNOWN
    assert at.gateway().find(key, hint(Kind.STORE)) == []


@pytest.mark.parametrize("fault", ["drop_after", "html"])
def test_a_refund_whose_answer_is_lost_is_found(at: Desk, fault: str) -> None:
    gateway, key = at.gateway(), at.key()
    sale = ref_of(charge(at, at.key()))
    at.nmi.do("settle")
    at.nmi.faults.add(fault, body="type=refund")
    assert gateway.refund(sale, usd(300), key).outcome == Outcome.UNKNOWN
    found = gateway.find(key, hint(Kind.REFUND, usd(300), related=sale.ref))
    assert [(one.outcome, one.approved, one.related) for one in found] == [(Outcome.APPROVED, usd(300), sale.ref)]


def test_a_capture_whose_answer_is_lost_is_found_by_what_it_follows(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    held = ref_of(gateway.authorize(at.method(), usd(1200), at.key(), ORDER, None))
    at.nmi.faults.add("drop_before", body="type=capture")
    at.nmi.faults.add("drop_after", body="type=capture")
    ask = hint(Kind.CAPTURE, usd(1200), related=held.ref)
    assert gateway.capture(held, usd(1200), key).outcome == Outcome.UNKNOWN
    assert gateway.find(key, ask) == []
    assert gateway.capture(held, usd(1200), key).outcome == Outcome.UNKNOWN
    assert [(one.outcome, one.state) for one in gateway.find(key, ask)] == [
        (Outcome.APPROVED, State.PENDING_SETTLEMENT)
    ]


def test_nothing_secret_is_in_the_log(at: Desk) -> None:
    """Invariant 47: keys, tokens, numbers and expiry dates are hidden on the way out and on the way back."""
    card, bank = at.card(), at.bank()
    method, account = at.method(card), at.method(bank)
    gateway = at.gateway()
    sale = gateway.charge(method, usd(1200), at.key(), ORDER, FIRST)
    gateway.charge(account, usd(1300), at.key(), ORDER, None)
    gateway.verify(method, at.key(), payer())
    gateway.status(ref_of(sale))
    gateway.find(sale.key, hint(Kind.SALE))
    list(gateway.settlement(hint(Kind.SALE).sent_at.date()))
    said = at.said
    assert sale.ref in said and sale.key in said
    for secret in (
        Nmi.security_key, Nmi.signing_key, Nmi.tokenization_key, card.value, bank.value, VISA,
        CHECKING["checkaba"], CHECKING["checkaccount"], ">1230<",
    ):  # fmt: skip
        assert secret not in said
    assert Nmi.security_key not in repr(gateway) and card.value not in repr(card)
