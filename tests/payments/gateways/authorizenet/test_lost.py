"""Answers that are lost, spoilt, late or refused: what is not known is unknown, and finding adopts it."""

from datetime import timedelta

import pytest

from payments.gateways.base import Advice, Instrument, Kind, OrderHint, Outcome, Reason, Result, State
from tests.payments.gateways.authorizenet.desk import (
    FIRST,
    IMPATIENT,
    ORDER,
    PATIENCE,
    SALE,
    VISA,
    Desk,
    desk,
    hint,
    payer,
    ref_of,
    usd,
)

COMMITTED = ["drop_after", "hang_after", "error_after", "truncated", "html", "empty", "garbled"]
NOT_COMMITTED = ["drop_before", "hang_before", "error_before"]
SLOW = 0.6  # longer than an impatient adapter waits


def spoil(at: Desk, fault: str, body: str = SALE) -> float:
    """Have the next such call go wrong. Gives how long to wait for it."""
    at.sandbox.faults.add(fault, body=body, seconds=SLOW)
    return IMPATIENT if fault.startswith("hang") else PATIENCE


def charge(at: Desk, key: str, patience: float = PATIENCE) -> Result:
    return at.gateway(patience).charge(at.method(), usd(1200), key, ORDER, FIRST)


@pytest.mark.parametrize("fault", COMMITTED)
def test_a_charge_whose_answer_is_lost_is_unknown_and_found(at: Desk, fault: str) -> None:
    """README 4.3 and 4.4."""
    key = at.key()
    result = charge(at, key, spoil(at, fault))
    assert (result.outcome, result.reason, result.approved) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, None)
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.key, one.approved) for one in found] == [(Outcome.APPROVED, key, usd(1200))]
    assert [entry.ref for entry in at.sandbox.ledger.captures(key)] == [found[0].ref]


@pytest.mark.parametrize("fault", NOT_COMMITTED)
def test_a_charge_that_was_not_made_is_unknown_and_absent(at: Desk, fault: str) -> None:
    key = at.key()
    assert charge(at, key, spoil(at, fault)).outcome == Outcome.UNKNOWN
    assert at.gateway().find(key, hint(Kind.SALE, usd(1200))) == []
    assert at.taken() == 0


def test_a_late_answer_within_patience_counts(at: Desk) -> None:
    at.sandbox.faults.add("delay", body=SALE, seconds=0.05)
    assert charge(at, at.key()).outcome == Outcome.APPROVED


def test_a_charge_that_was_settled_meanwhile_is_found_in_its_batch(at: Desk) -> None:
    """README 4: the unsettled list, then the batches since."""
    key = at.key()
    assert charge(at, key, spoil(at, "drop_after")).outcome == Outcome.UNKNOWN
    at.sandbox.do("settle")
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.state) for one in found] == [(Outcome.APPROVED, State.SETTLED)]


def test_one_of_many_is_found(at: Desk) -> None:
    method, keys = at.method(), [at.key() for _number in range(5)]
    results = [at.gateway().charge(method, usd(1200), key, ORDER, None) for key in keys]
    found = at.gateway().find(keys[2], hint(Kind.SALE, usd(1200)))
    assert [one.ref for one in found] == [results[2].ref]


@pytest.mark.parametrize("minor,last4,outcome", [
    (1200, "1111", Outcome.APPROVED), (1200, "", Outcome.APPROVED), (1201, "1111", Outcome.UNKNOWN),
    (1199, "1111", Outcome.UNKNOWN), (1200, "1112", Outcome.UNKNOWN),
])  # fmt: skip
def test_our_number_with_another_amount_or_card_is_for_a_person(
    at: Desk, minor: int, last4: str, outcome: Outcome
) -> None:  # fmt: skip
    key = at.key()
    charge(at, key)
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(minor), last4))] == [outcome]


def test_what_was_made_long_before_is_not_looked_for(at: Desk) -> None:
    """The list is newest first: it is read as far back as the call, an hour of doubt about clocks included."""
    key = at.key()
    result = charge(at, key)
    made = at.sandbox.clock.now()

    def found(after: timedelta) -> list[str]:
        late = OrderHint(Kind.SALE, usd(1200), "1111", made + after)
        return [one.ref for one in at.gateway().find(key, late)]

    assert found(timedelta(minutes=59)) == [result.ref]
    assert found(timedelta(minutes=61)) == []


def test_what_does_not_show_yet_is_absent_and_shows_later(at: Desk) -> None:
    """The caller needs two absences, apart: here the first is no proof."""
    key = at.key()
    at.sandbox.faults.add("drop_after", body=SALE)
    at.sandbox.faults.add("blind", times=None, seconds=30)
    assert charge(at, key).outcome == Outcome.UNKNOWN
    assert at.gateway().find(key, hint(Kind.SALE, usd(1200))) == []
    at.sandbox.clock.advance(seconds=31)
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(1200)))] == [Outcome.APPROVED]


def test_nobody_there_is_an_error_and_not_unknown() -> None:
    with desk() as at:
        gateway, method, token, sale = at.gateway(), at.method(), at.card(), at.charged()
    assert gateway.charge(method, usd(1200), "K", ORDER, None).outcome == Outcome.ERROR
    assert gateway.void(ref_of(sale), usd(1200), "K").outcome == Outcome.ERROR
    assert gateway.refund(ref_of(sale), usd(1200), "K").outcome == Outcome.ERROR
    assert gateway.store(token, payer(), "K").outcome == Outcome.ERROR
    assert gateway.delete_method(method, "K").outcome == Outcome.ERROR
    assert [one.outcome for one in gateway.find("K", hint(Kind.SALE))] == [Outcome.UNKNOWN]


def test_expired_credentials_are_an_error_and_move_nothing(at: Desk) -> None:
    key = at.key()
    at.sandbox.faults.add("expired", body=SALE)
    result = charge(at, key)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.ERROR, Reason.GATEWAY_ERROR, "E00007")
    assert at.taken() == 0
    at.sandbox.faults.add("expired", body="getUnsettled")
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE))] == [Outcome.UNKNOWN]


def test_a_wrong_key_of_ours_is_an_error(at: Desk) -> None:
    result = at.gateway(transaction_key="anotherKey123456").charge(at.method(), usd(1200), at.key(), ORDER, None)
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "E00007")


def test_too_busy_is_unknown_for_money_and_found_absent(at: Desk) -> None:
    """Notes §5: E00053 does not say that nothing was done."""
    key = at.key()
    at.sandbox.faults.add("rate_limit", body=SALE)
    result = charge(at, key)
    assert (result.outcome, result.raw_code, result.advice) == (Outcome.UNKNOWN, "E00053", Advice.RETRY_AFTER)
    assert at.gateway().find(key, hint(Kind.SALE, usd(1200))) == []
    assert at.taken() == 0


def test_without_the_reporting_permission_nothing_can_be_found(at: Desk) -> None:
    """Notes §4: the option is switched on in the merchant's account, or nothing is known (E00011)."""
    key = at.key()
    result = charge(at, key)
    at.sandbox.do("allow_reports", allowed="no")
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.raw_code) for one in found] == [(Outcome.UNKNOWN, "E00011")]
    told = at.gateway().status(ref_of(result))
    assert (told.outcome, told.raw_code, told.ref) == (Outcome.UNKNOWN, "E00011", result.ref)


@pytest.mark.parametrize("fault", ["drop_before", "html", "empty", "error_before"])
@pytest.mark.parametrize("request_name", ["getUnsettled", "getSettledBatch", "getTransactionList", "getTransactionDet"])
def test_half_a_search_is_none(at: Desk, fault: str, request_name: str) -> None:
    key = at.key()
    charge(at, key)
    at.sandbox.do("settle")
    at.sandbox.faults.add(fault, body=request_name)
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(1200)))] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("fault", COMMITTED)
def test_a_refund_whose_answer_is_lost_is_found(at: Desk, fault: str) -> None:
    key, sale = at.key(), ref_of(charge(at, at.key()))
    at.sandbox.do("settle")
    patience = spoil(at, fault, "refundTransaction")
    assert at.gateway(patience).refund(sale, usd(300), key).outcome == Outcome.UNKNOWN
    found = at.gateway().find(key, hint(Kind.REFUND, usd(300), related=sale.ref))
    assert [(one.outcome, one.approved, one.related) for one in found] == [(Outcome.APPROVED, usd(300), sale.ref)]


@pytest.mark.parametrize("asked", [Kind.CAPTURE, Kind.VOID])
def test_a_capture_or_void_is_found_by_what_it_follows(at: Desk, asked: Kind) -> None:
    gateway, key = at.gateway(), at.key()
    held = ref_of(gateway.authorize(at.method(), usd(1200), at.key(), ORDER, None))
    call = gateway.capture if asked == Kind.CAPTURE else gateway.void
    word = {Kind.CAPTURE: "priorAuthCapture", Kind.VOID: "voidTransaction"}[asked]
    at.sandbox.faults.add("drop_before", body=word)
    at.sandbox.faults.add("drop_after", body=word)
    ask = hint(asked, usd(1200), related=held.ref)
    assert call(held, usd(1200), key).outcome == Outcome.UNKNOWN
    assert gateway.find(key, ask) == []
    assert call(held, usd(1200), key).outcome == Outcome.UNKNOWN
    state = State.PENDING_SETTLEMENT if asked == Kind.CAPTURE else State.VOIDED
    assert [(one.outcome, one.state, one.ref) for one in gateway.find(key, ask)] == [
        (Outcome.APPROVED, state, held.ref)
    ]


@pytest.mark.parametrize("fault", COMMITTED)
def test_a_stored_card_whose_answer_is_lost_is_read_back(at: Desk, fault: str) -> None:
    """It bears no key of ours: it is the one that was not there before."""
    at.method(at.card("5424000000000015"))
    patience = spoil(at, fault, "createCustomerPaymentProfile")
    result = at.gateway(patience).store(at.card(), payer(), at.key())
    assert (result.outcome, result.view and result.view.last4) == (Outcome.APPROVED, "1111")
    assert at.charged(method=at.method()).outcome == Outcome.APPROVED
    assert at.method().token == result.token


@pytest.mark.parametrize("fault", NOT_COMMITTED)
def test_a_card_that_was_not_stored_is_unknown_and_absent(at: Desk, fault: str) -> None:
    at.method(at.card("5424000000000015"))
    key, patience = at.key(), spoil(at, fault, "createCustomerPaymentProfile")
    assert at.gateway(patience).store(at.card(), payer(), key).outcome == Outcome.UNKNOWN
    assert at.gateway().find(key, hint(Kind.STORE)) == []


@pytest.mark.parametrize("fault,is_gone", [("drop_after", True), ("drop_before", False)])
def test_a_deletion_whose_answer_is_lost_is_looked_up(at: Desk, fault: str, is_gone: bool) -> None:
    method, key = at.method(), at.key()
    at.sandbox.faults.add(fault, body="deleteCustomerPayment")
    assert at.gateway().delete_method(method, key).outcome == Outcome.UNKNOWN
    found = at.gateway().find(key, hint(Kind.DELETE, payer_id=method.payer_id))
    assert [one.outcome for one in found] == ([Outcome.APPROVED] if is_gone else [])


def test_nothing_secret_is_in_the_log(at: Desk) -> None:
    """Invariant 47: keys, tokens, numbers, dates and names are hidden on the way out and on the way back."""
    card, bank = at.card(), at.bank()
    method, account = at.method(card), at.method(bank)
    gateway = at.gateway()
    sale = gateway.charge(method, usd(1200), at.key(), ORDER, FIRST)
    debit = gateway.charge(account, usd(1300), at.key(), ORDER, None)
    gateway.verify(method, at.key(), payer(ip="203.0.113.9"))
    gateway.find(sale.key, hint(Kind.SALE, usd(1200)))
    at.sandbox.do("settle")
    gateway.refund(ref_of(debit, Instrument.BANK), usd(100), at.key())
    at.gateway(transaction_key="secretFarTooLongForTheSchema").charge(method, usd(1), at.key(), ORDER, None)
    secrets = [
        at.sandbox.transaction_key, card.value, bank.value, VISA, "4111000022", "121042882", "2030-12", "Ames",
        "1 Main St", "98004", "203.0.113.9", method.token, "secretFarTooLong",
    ]  # fmt: skip
    assert [secret for secret in secrets if secret in at.said] == []
    assert "createTransactionRequest" in at.said and "E00003" in at.said
