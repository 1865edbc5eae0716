"""Charging stored cards and bank accounts, against the double."""

import pytest

from payments.gateways.authorizenet import codes
from payments.gateways.authorizenet.codes import CODES, Meaning
from payments.gateways.authorizenet.replies import OUTCOMES
from payments.gateways.base import (
    GatewayRef,
    Instrument,
    Kind,
    MethodRef,
    NotSupported,
    Outcome,
    Reason,
    State,
    StoredCredential,
)
from tests.payments.gateways.authorizenet.desk import FIRST, ORDER, SALE, Desk, hint, payer, ref_of, usd

PLAIN = (Meaning.DECLINED, Meaning.ERROR, Meaning.UNKNOWN)


def test_a_card_is_charged_exactly_once_by_its_key(at: Desk) -> None:
    method, key = at.method(), at.key()
    result = at.gateway().charge(method, usd(30050), key, ORDER, FIRST)
    assert (result.outcome, result.state, result.approved) == (
        Outcome.APPROVED, State.PENDING_SETTLEMENT, usd(30050),
    )  # fmt: skip
    assert result.auth_code and result.network_ref and result.view and result.view.last4 == "1111"
    assert [(entry.ref, entry.minor) for entry in at.sandbox.ledger.captures(key)] == [(result.ref, 30050)]


@pytest.mark.parametrize("code", [code for code in CODES if CODES[code].meaning in PLAIN])
def test_each_refusal_by_its_code(at: Desk, code: str) -> None:
    """Notes §5: nothing is taken, and what may have been is never called a decline."""
    method = at.method()
    at.sandbox.do("decline_next", code=code)
    result = at.gateway().charge(method, usd(1200), at.key(), ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (
        OUTCOMES[CODES[code].meaning], CODES[code].reason, code,
    )  # fmt: skip
    assert at.taken() == 0


@pytest.mark.parametrize("code,reason", [
    ("2", Reason.DO_NOT_HONOR), ("4", Reason.LOST_OR_STOLEN), ("127", Reason.AVS_MISMATCH), ("27", Reason.AVS_MISMATCH),
    ("44", Reason.CVV_MISMATCH), ("251", Reason.FRAUD_SUSPECTED),
])  # fmt: skip
def test_a_decline_is_found_again(at: Desk, code: str, reason: Reason) -> None:
    method, key = at.method(), at.key()
    at.sandbox.do("decline_next", code=code)
    assert at.gateway().charge(method, usd(1200), key, ORDER, None).reason == reason
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.reason, one.raw_code) for one in found] == [(Outcome.DECLINED, reason, code)]


@pytest.mark.parametrize("code", ["299", "999"])
def test_an_error_nobody_has_heard_of_is_unknown(at: Desk, code: str) -> None:
    method = at.method()
    at.sandbox.do("decline_next", code=code)
    result = at.gateway().charge(method, usd(1200), at.key(), ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.UNKNOWN, Reason.GATEWAY_ERROR, code)


@pytest.mark.parametrize("code", ["19", "57", "120", "181"])
def test_the_gateway_does_not_know_and_took_the_money(at: Desk, code: str) -> None:
    """Notes §4: repeating such calls made several authorisations; here the list shows the one."""
    method, key = at.method(), at.key()
    at.sandbox.do("decline_next", code=code, taken="yes")
    result = at.gateway().charge(method, usd(1200), key, ORDER, None)
    assert (result.outcome, result.reason, result.ref) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, "")
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.approved) for one in found] == [(Outcome.APPROVED, usd(1200))]


def test_a_general_decline_by_postal_code(at: Desk) -> None:
    """Notes §6, a documented trigger."""
    method = at.method(by=payer(postal_code="46282"))
    result = at.charged(method=method)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, Reason.DO_NOT_HONOR, "2")


@pytest.mark.parametrize("postal_code,letter", [
    ("46201", "A"), ("46203", "E"), ("46204", "G"), ("46205", "N"), ("46207", "R"), ("46217", "Z"),
])  # fmt: skip
def test_address_letters(at: Desk, postal_code: str, letter: str) -> None:
    result = at.charged(method=at.method(by=payer(postal_code=postal_code)))
    assert (result.outcome, result.avs) == (Outcome.APPROVED, codes.AVS[letter])


@pytest.mark.parametrize("postal_code,outcome,reason", [
    ("46205", Outcome.DECLINED, Reason.AVS_MISMATCH), ("46217", Outcome.APPROVED, None),
])  # fmt: skip
def test_the_merchants_own_filter_declines_by_letter(
    at: Desk, postal_code: str, outcome: Outcome, reason: Reason | None
) -> None:  # fmt: skip
    at.sandbox.do("refuse_letters", avs="N")
    result = at.charged(method=at.method(by=payer(postal_code=postal_code)))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert at.taken() == (0 if reason else 1200)


def test_the_same_key_again_adopts_the_charge_that_was_made(at: Desk) -> None:
    """Notes §4: error 11 tells no number, so the list is searched."""
    method, key, gateway = at.method(), at.key(), at.gateway()
    first = gateway.charge(method, usd(1200), key, ORDER, FIRST)
    again = gateway.charge(method, usd(1200), key, ORDER, FIRST)
    assert (again.outcome, again.existing, again.ref) == (Outcome.APPROVED, True, first.ref)
    assert (again.approved, again.network_ref) == (usd(1200), first.network_ref)
    assert at.taken() == 1200


def test_a_duplicate_that_cannot_be_looked_up_is_unknown(at: Desk) -> None:
    method, gateway, key = at.method(), at.gateway(), at.key()
    gateway.charge(method, usd(1200), key, ORDER, None)
    at.sandbox.faults.add("error_before", body="getUnsettled")
    result = gateway.charge(method, usd(1200), key, ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.UNKNOWN, Reason.DUPLICATE, "11")


def test_another_key_with_the_same_card_and_amount_is_another_charge(at: Desk) -> None:
    method = at.method()
    assert [at.charged(method=method).outcome for _time in range(2)] == [Outcome.APPROVED] * 2
    assert at.taken() == 2400


@pytest.mark.parametrize("window,later,times", [("60", 59, 1), ("60", 61, 2), ("", 28799, 1), ("", 28801, 2)])
def test_how_long_a_duplicate_is_refused_is_ours_to_say(at: Desk, window: str, later: int, times: int) -> None:
    method, key = at.method(), at.key()
    gateway = at.gateway(duplicate_window=window)
    gateway.charge(method, usd(1200), key, ORDER, None)
    at.sandbox.clock.advance(seconds=later)
    gateway.charge(method, usd(1200), key, ORDER, None)
    assert at.taken() == 1200 * times


def test_a_charge_held_for_review_is_pending_and_suspected(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.sandbox.do("hold_next")
    result = at.gateway().charge(method, usd(1200), key, ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.PENDING, Reason.FRAUD_SUSPECTED, "253")
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    told = at.gateway().status(ref_of(result))
    assert [(one.outcome, one.reason) for one in (*found, told)] == [(Outcome.PENDING, Reason.FRAUD_SUSPECTED)] * 2
    assert at.taken() == 0


def test_a_part_that_is_approved_is_told_and_its_hold_given_up(at: Desk) -> None:
    """Notes §9.6: the part is only held, never captured by itself; nothing may be booked."""
    method, key = at.method(), at.key()
    at.sandbox.do("approve_partly", amount="3.00")
    result = at.gateway().charge(method, usd(700), key, ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, Reason.INSUFFICIENT_FUNDS, "295")
    assert (result.approved, result.state) == (usd(300), State.VOIDED)
    assert at.taken() == 0 and [e.ref for e in at.sandbox.ledger.of("void")] == [result.ref]
    found = at.gateway().find(key, hint(Kind.SALE, usd(700)))
    assert [(one.outcome, one.reason) for one in found] == [(Outcome.DECLINED, Reason.INSUFFICIENT_FUNDS)]


def test_a_part_whose_hold_stands_is_unknown_and_finding_gives_it_up(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.sandbox.do("approve_partly", amount="3.00")
    at.sandbox.faults.add("drop_before", body="voidTransaction")
    result = at.gateway().charge(method, usd(700), key, ORDER, None)
    assert (result.outcome, result.approved) == (Outcome.UNKNOWN, usd(300))
    assert at.gateway().status(ref_of(result)).outcome == Outcome.UNKNOWN
    found = at.gateway().find(key, hint(Kind.SALE, usd(700)))
    assert [(one.outcome, one.state) for one in found] == [(Outcome.DECLINED, State.VOIDED)]
    assert [e.ref for e in at.sandbox.ledger.of("void")] == [result.ref]


def test_a_bank_debit_is_pending_until_it_is_settled(at: Desk) -> None:
    method, key = at.method(at.bank()), at.key()
    result = at.gateway().charge(method, usd(5000), key, ORDER, None)
    assert (result.outcome, result.state) == (Outcome.PENDING, State.PENDING_SETTLEMENT)
    ask = hint(Kind.SALE, usd(5000), "0022", instrument=Instrument.BANK)
    assert [one.outcome for one in at.gateway().find(key, ask)] == [Outcome.PENDING]
    at.sandbox.do("settle")
    told = [*at.gateway().find(key, ask), at.gateway().status(ref_of(result, Instrument.BANK))]
    assert [(one.outcome, one.state) for one in told] == [(Outcome.APPROVED, State.SETTLED)] * 2


@pytest.mark.parametrize("minor,outcome", [(10000, Outcome.PENDING), (10001, Outcome.DECLINED)])
def test_the_double_declines_bank_debits_above_a_hundred(at: Desk, minor: int, outcome: Outcome) -> None:
    assert at.charged(minor, at.method(at.bank())).outcome == outcome


def test_a_bank_account_is_debited_at_once_only(at: Desk) -> None:
    with pytest.raises(NotSupported):
        at.gateway().authorize(at.method(at.bank()), usd(5000), at.key(), ORDER, None)


def test_a_method_without_its_customer_is_not_sent(at: Desk) -> None:
    result = at.gateway().charge(MethodRef("800000002", Instrument.CARD), usd(100), at.key(), ORDER, None)
    assert result.outcome == Outcome.ERROR
    assert at.said == ""


def test_an_authorisation_is_captured_in_part_under_its_own_number(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    held = gateway.authorize(at.method(), usd(900), at.key(), ORDER, None)
    assert (held.outcome, held.state, at.taken()) == (Outcome.APPROVED, State.AUTHORIZED, 0)
    result = gateway.capture(ref_of(held), usd(800), key)
    assert (result.outcome, result.ref, result.related, result.approved) == (
        Outcome.APPROVED, held.ref, held.ref, usd(800),
    )  # fmt: skip
    assert at.taken() == 800
    told = gateway.status(ref_of(held))
    assert (told.kind, told.outcome, told.approved) == (Kind.CAPTURE, Outcome.APPROVED, usd(800))


def test_more_than_was_authorised_is_refused(at: Desk) -> None:
    gateway = at.gateway()
    held = gateway.authorize(at.method(), usd(900), at.key(), ORDER, None)
    result = gateway.capture(ref_of(held), usd(901), at.key())
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, Reason.GATEWAY_ERROR, "47")
    assert at.taken() == 0


def test_captured_twice_is_captured_once(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    held = gateway.authorize(at.method(), usd(900), at.key(), ORDER, None)
    gateway.capture(ref_of(held), usd(900), key)
    again = gateway.capture(ref_of(held), usd(900), key)
    assert (again.outcome, again.existing, again.approved) == (Outcome.APPROVED, True, usd(900))
    assert at.taken() == 900
    at.sandbox.faults.add("drop_before", body="getTransactionDetails")
    assert gateway.capture(ref_of(held), usd(900), key).outcome == Outcome.UNKNOWN


def test_what_is_to_be_captured_must_be_there(at: Desk) -> None:
    result = at.gateway().capture(GatewayRef("60000099999", Instrument.CARD), usd(100), at.key())
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "16")


@pytest.mark.parametrize("credential,said,unsaid", [
    (StoredCredential(True, True, "recurring"), "isFirstRecurringPayment", "originalNetworkTransId"),
    (StoredCredential(True, True, "unscheduled"), "isFirstSubsequentAuth", "recurringBilling"),
    (StoredCredential(True, False, "unscheduled", "N1"), "isStoredCredentials", "isSubsequentAuth"),
    (StoredCredential(False, False, "recurring", "N1"), '"originalNetworkTransId":"N1"', "isFirst"),
    (StoredCredential(False, False, "recurring"), "recurringBilling", "originalNetworkTransId"),
])  # fmt: skip
def test_stored_credentials_by_the_networks_rules(
    at: Desk, credential: StoredCredential, said: str, unsaid: str
) -> None:  # fmt: skip
    """README §2: the first lays the ground, what follows names it."""
    result = at.gateway().charge(at.method(), usd(1200), at.key(), ORDER, credential)
    asked = next(line for line in at.said.splitlines() if SALE in line)
    assert result.outcome == Outcome.APPROVED
    assert said in asked and unsaid not in asked
    assert bool(result.network_ref) == credential.is_first
