"""Storing, verifying and removing methods, against the double."""

import pytest

from payments.gateways.base import Check, HostedToken, Instrument, Kind, MethodRef, NotSupported, Outcome, Reason, State
from tests.payments.gateways.precisepay.desk import AMEX, CHECKING, MASTERCARD, VISA, Desk, hint, payer


@pytest.mark.parametrize("number,brand,last4", [(VISA, "visa", "1111"), (AMEX, "amex", "1111")])
def test_a_stored_card_is_described_and_its_number_stays_there(
    at: Desk, number: str, brand: str, last4: str
) -> None:  # fmt: skip
    key = at.key()
    result = at.gateway().store(at.card(number), payer(), key)
    assert (result.outcome, result.kind, result.token, result.payer_id) == (Outcome.APPROVED, Kind.STORE, key, key)
    assert result.view is not None
    assert (result.view.brand, result.view.last4, result.view.exp_month, result.view.exp_year) == (
        brand, last4, 12, 2030,
    )  # fmt: skip
    assert result.view.holder == "Ada Ames"
    assert number not in at.said


def test_the_same_card_has_the_same_fingerprint_and_another_has_another(at: Desk) -> None:
    gateway = at.gateway()
    one, same, other = (gateway.store(at.card(number), payer(), at.key()).view for number in (VISA, VISA, MASTERCARD))
    assert one.fingerprint and one.fingerprint == same.fingerprint != other.fingerprint


def test_a_stored_bank_account_is_described_by_its_last_four(at: Desk) -> None:
    result = at.gateway().store(at.bank(), payer(), at.key())
    assert result.view is not None
    assert (result.outcome, result.view.last4, result.view.holder) == (Outcome.APPROVED, "3815", "Ada Ames")
    assert result.view.fingerprint
    assert CHECKING["checkaccount"] not in at.said and CHECKING["checkaba"] not in at.said


def test_a_token_is_good_once(at: Desk) -> None:
    token, gateway = at.card(), at.gateway()
    assert gateway.store(token, payer(), at.key()).outcome == Outcome.APPROVED
    again = gateway.store(token, payer(), at.key())
    assert (again.outcome, again.reason, again.token) == (Outcome.DECLINED, Reason.INVALID_CARD, "")


def test_a_token_that_nobody_minted_is_refused(at: Desk) -> None:
    result = at.gateway().store(HostedToken("made-up", Instrument.BANK), payer(), at.key())
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT)


def test_storing_under_the_same_key_again_finds_what_was_stored(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    first = gateway.store(at.card(), payer(), key)
    again = gateway.store(at.card(), payer(), key)
    assert (again.outcome, again.existing, again.token) == (Outcome.APPROVED, True, first.token)
    assert again.view == first.view
    assert len(list(at.nmi.ledger.of("store"))) == 1


def test_a_stored_card_whose_description_cannot_be_read_back_is_stored_all_the_same(at: Desk) -> None:
    at.nmi.faults.add("error_before", path="query")
    token = HostedToken(at.card().value, holder="Ada Ames", last4="1111")
    result = at.gateway().store(token, payer(), at.key())
    assert (result.outcome, result.view.last4, result.view.brand) == (Outcome.APPROVED, "1111", "")
    assert result.token


@pytest.mark.parametrize("street,zip_code,check", [
    ("888", "77777", Check.MATCH), ("888", "1", Check.PARTIAL_ADDRESS), ("1", "77777", Check.PARTIAL_ZIP),
    ("1", "1", Check.NO_MATCH),
])  # fmt: skip
def test_verifying_looks_at_the_card_and_takes_nothing(at: Desk, street: str, zip_code: str, check: Check) -> None:
    method, key = at.method(by=payer(street=street, postal_code=zip_code)), at.key()
    result = at.gateway().verify(method, key, payer())
    assert (result.outcome, result.kind, result.avs, result.money) == (Outcome.APPROVED, Kind.VERIFY, check, None)
    assert at.nmi.ledger.captures() == []
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.APPROVED]


def test_a_card_that_the_issuer_refuses_is_not_verified(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="251")
    result = at.gateway().verify(method, key, payer())
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.LOST_OR_STOLEN)
    assert [one.reason for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Reason.LOST_OR_STOLEN]


def test_where_no_amount_is_refused_one_dollar_is_charged_and_voided(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="460")
    result = at.gateway().verify(method, key, payer())
    assert (result.outcome, result.kind, result.state) == (Outcome.APPROVED, Kind.VERIFY, State.VOIDED)
    assert (result.money, result.approved) == (None, None)
    assert [entry.minor for entry in at.nmi.ledger.of("capture", key=key)] == [100]
    assert at.nmi.ledger.captures() == []
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.APPROVED]


def test_a_dollar_that_is_not_taken_back_yet_is_unknown_until_asking_takes_it_back(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="460")
    at.nmi.faults.add("drop_before", body="type=void")
    at.nmi.faults.add("error_before", path="query")
    assert at.gateway().verify(method, key, payer()).outcome == Outcome.UNKNOWN
    assert len(at.nmi.ledger.captures(key)) == 1
    found = at.gateway().find(key, hint(Kind.VERIFY))
    assert [(one.outcome, one.kind) for one in found] == [(Outcome.APPROVED, Kind.VERIFY)]
    assert at.nmi.ledger.captures(key) == []


def test_a_dollar_that_was_declined_is_the_answer_and_nothing_is_taken_back(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="460")
    at.nmi.do("decline_next", code="202")
    result = at.gateway().verify(method, key, payer())
    assert (result.outcome, result.kind, result.reason) == (Outcome.DECLINED, Kind.VERIFY, Reason.INSUFFICIENT_FUNDS)
    assert "type=void" not in at.said
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.DECLINED]


def test_a_dollar_is_not_refunded_while_it_may_still_be_voided(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="460")
    at.nmi.faults.add("drop_before", body="type=void", times=2)
    assert at.gateway().verify(method, key, payer()).outcome == Outcome.UNKNOWN
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.UNKNOWN]
    assert list(at.nmi.ledger.of("refund")) == []
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.APPROVED]


def test_a_dollar_that_was_settled_meanwhile_is_refunded_once(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="460")
    at.nmi.faults.add("drop_before", body="type=void")
    at.nmi.faults.add("error_before", path="query")
    at.gateway().verify(method, key, payer())
    at.nmi.do("settle")
    for _asked in range(2):
        assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.APPROVED]
    assert at.nmi.ledger.held("USD") == 0
    assert len(list(at.nmi.ledger.of("refund"))) == 1


def test_a_bank_account_cannot_be_looked_at(at: Desk) -> None:
    account = at.method(at.bank())
    for ask in (
        lambda: at.gateway().verify(account, at.key(), payer()),
        lambda: at.gateway().start_micro_deposits(account, at.key()),
        lambda: at.gateway().confirm_micro_deposits(account, (1, 2), at.key()),
    ):
        with pytest.raises(NotSupported):
            ask()


def test_a_removed_method_is_gone_and_removing_it_again_is_no_error(at: Desk) -> None:
    gateway, method = at.gateway(), at.method()
    ask = hint(Kind.DELETE, payer_id=method.payer_id)
    assert gateway.find("K", ask) == []
    assert gateway.delete_method(method, at.key()).outcome == Outcome.APPROVED
    again = gateway.delete_method(method, at.key())
    assert (again.outcome, again.existing) == (Outcome.APPROVED, True)
    assert [one.outcome for one in gateway.find("K", ask)] == [Outcome.APPROVED]


def test_removing_is_not_said_of_a_method_that_cannot_be_named(at: Desk) -> None:
    found = at.gateway().find("K", hint(Kind.DELETE))
    assert [one.outcome for one in found] == [Outcome.UNKNOWN]
    assert at.gateway().delete_method(MethodRef("never-was", Instrument.CARD), "K").existing
