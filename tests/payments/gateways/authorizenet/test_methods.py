"""Storing, verifying and forgetting methods, against the double."""

from dataclasses import replace

import pytest

from payments.gateways.base import (
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    MethodView,
    NotSupported,
    Outcome,
    Reason,
    State,
)
from tests.payments.gateways.authorizenet.desk import AMEX, MASTERCARD, Desk, hint, payer


def test_a_card_is_stored_with_what_may_be_shown_of_it(at: Desk) -> None:
    result = at.gateway().store(at.card(), payer(), at.key())
    assert (result.outcome, result.existing) == (Outcome.APPROVED, False)
    assert result.token and result.payer_id and result.token != result.payer_id
    assert result.view == MethodView(brand="Visa", last4="1111", exp_month=12, exp_year=2030)


def test_a_bank_account_is_stored_with_its_holder(at: Desk) -> None:
    result = at.gateway().store(at.bank(), payer(), at.key())
    assert result.outcome == Outcome.APPROVED
    assert result.view == MethodView(last4="0022", holder="Ada Ames")


def test_a_payer_has_one_profile_for_all_methods(at: Desk) -> None:
    """E00039 names the profile that is there (notes §5); no other is made, also when name and address changed."""
    first = at.gateway().store(at.card(), payer(email="old@example.org"), at.key())
    second = at.gateway().store(at.card(MASTERCARD), replace(payer(), email="new@example.org"), at.key())
    third = at.gateway().store(at.card(AMEX), replace(payer(), vault_id=first.payer_id), at.key())
    other = at.gateway().store(at.card(), payer("Ben Bell"), at.key())
    assert first.payer_id == second.payer_id == third.payer_id != other.payer_id
    assert len({first.token, second.token, third.token, other.token}) == 4


def test_a_profile_that_is_gone_is_made_anew(at: Desk) -> None:
    result = at.gateway().store(at.card(), payer(vault_id="999999999"), at.key())
    assert result.outcome == Outcome.APPROVED and result.payer_id != "999999999"


def test_the_same_card_again_is_adopted(at: Desk) -> None:
    """E00039: the text has no number, the element does."""
    first, again = at.method(), at.gateway().store(at.card(), payer(), at.key())
    assert (again.outcome, again.existing, again.token, again.payer_id) == (
        Outcome.APPROVED, True, first.token, first.payer_id,
    )  # fmt: skip


def test_a_token_is_good_once(at: Desk) -> None:
    token = at.card()
    at.method(token)
    result = at.gateway().store(token, payer(), at.key())
    assert (result.outcome, result.reason, result.token) == (Outcome.ERROR, Reason.GATEWAY_ERROR, "")


def test_a_made_up_token_stores_nothing(at: Desk) -> None:
    result = at.gateway().store(HostedToken("never-minted"), payer(), at.key())
    assert (result.outcome, result.token) == (Outcome.ERROR, "")
    assert list(at.sandbox.ledger.of("store")) == []


def test_a_card_that_cannot_be_shown_is_stored_all_the_same(at: Desk) -> None:
    token = replace(at.card(), last4="1111", holder="Ada Ames")
    at.sandbox.faults.add("drop_before", body="getCustomerPaymentProfile")
    result = at.gateway().store(token, payer(), at.key())
    assert (result.outcome, result.view) == (Outcome.APPROVED, MethodView(last4="1111", holder="Ada Ames"))


@pytest.mark.parametrize("request_name", ["createCustomerProfileRequest", "getCustomerProfileRequest"])
def test_where_the_payer_cannot_be_looked_up_the_token_is_not_touched(at: Desk, request_name: str) -> None:
    at.method(at.card(MASTERCARD))
    token = at.card()
    at.sandbox.faults.add("drop_before", body=request_name)
    assert at.gateway().store(token, payer(), at.key()).outcome == Outcome.ERROR
    assert at.gateway().store(token, payer(), at.key()).outcome == Outcome.APPROVED


def test_stored_methods_are_found_by_customer_and_digits(at: Desk) -> None:
    method, key = at.method(), at.key()
    found = at.gateway().find(key, hint(Kind.STORE, payer_id=method.payer_id))
    assert [(one.token, one.existing) for one in found] == [(method.token, True)]
    assert at.gateway().find(key, hint(Kind.STORE, last4="2222", payer_id=method.payer_id)) == []


def test_a_card_is_verified_for_nothing(at: Desk) -> None:
    key = at.key()
    result = at.gateway().verify(at.method(), key, payer())
    assert (result.outcome, result.money, result.approved, result.state) == (Outcome.APPROVED, None, None, None)
    assert [(entry.kind, entry.minor) for entry in at.sandbox.ledger.of(key=key)] == [("verify", 0)]
    found = at.gateway().find(key, hint(Kind.VERIFY))
    assert [(one.outcome, one.money, one.approved) for one in found] == [(Outcome.APPROVED, None, None)]


def test_a_card_that_is_declined_is_not_verified(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.sandbox.do("decline_next", code="44")
    result = at.gateway().verify(method, key, payer())
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.CVV_MISMATCH)
    found = at.gateway().find(key, hint(Kind.VERIFY))
    assert [(one.outcome, one.reason) for one in found] == [(Outcome.DECLINED, Reason.CVV_MISMATCH)]


@pytest.mark.parametrize("code", ["289", "2007"])
def test_where_nothing_is_too_little_a_cent_is_held_and_given_up(at: Desk, code: str) -> None:
    """Notes §2 and §5."""
    method, key = at.method(), at.key()
    at.sandbox.do("decline_next", code=code)
    result = at.gateway().verify(method, key, payer())
    assert (result.outcome, result.state, result.money) == (Outcome.APPROVED, State.VOIDED, None)
    assert [(entry.kind, entry.minor) for entry in at.sandbox.ledger.of("auth", "void")] == [("auth", 1), ("void", 1)]
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.APPROVED]


def test_a_cent_that_is_still_held_is_given_up_when_it_is_looked_for(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.sandbox.do("decline_next", code="289")
    at.sandbox.faults.add("drop_before", body="voidTransaction")
    assert at.gateway().verify(method, key, payer()).outcome == Outcome.UNKNOWN
    found = at.gateway().find(key, hint(Kind.VERIFY))
    assert [(one.outcome, one.state) for one in found] == [(Outcome.APPROVED, State.VOIDED)]
    assert [entry.minor for entry in at.sandbox.ledger.of("void")] == [1]


def test_a_verification_whose_answer_is_lost_is_found(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.sandbox.faults.add("drop_after", body="authOnly")
    assert at.gateway().verify(method, key, payer()).outcome == Outcome.UNKNOWN
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VERIFY))] == [Outcome.APPROVED]


def test_bank_accounts_are_not_verified_here(at: Desk) -> None:
    method, gateway = MethodRef("1", Instrument.BANK, "2"), at.gateway()
    with pytest.raises(NotSupported):
        gateway.verify(method, "K", payer())
    with pytest.raises(NotSupported):
        gateway.start_micro_deposits(method, "K")
    with pytest.raises(NotSupported):
        gateway.confirm_micro_deposits(method, (1, 2), "K")


def test_a_method_is_forgotten_once_and_counts_as_forgotten_afterwards(at: Desk) -> None:
    method, gateway = at.method(), at.gateway()
    first, again = (gateway.delete_method(method, at.key()) for _time in range(2))
    assert [(one.outcome, one.existing) for one in (first, again)] == [
        (Outcome.APPROVED, False), (Outcome.APPROVED, True),
    ]  # fmt: skip
    assert at.charged(method=method).outcome == Outcome.ERROR
    assert at.taken() == 0


def test_what_the_payers_page_needs_is_public(at: Desk) -> None:
    fields = at.gateway().hosted_fields("en")
    assert fields == {
        "kind": "authorizenet", "library": f"{at.server.url}/v3/AcceptUI.js", "login": at.sandbox.login_id,
        "client_key": at.sandbox.client_key,
    }  # fmt: skip


@pytest.mark.parametrize("endpoint,library", [
    ("https://api.authorize.net/xml/v1/request.api", "https://js.authorize.net/v3/AcceptUI.js"),
    ("https://api2.authorize.net/xml/v1/request.api", "https://js.authorize.net/v3/AcceptUI.js"),
    ("https://apitest.authorize.net/xml/v1/request.api", "https://jstest.authorize.net/v3/AcceptUI.js"),
])  # fmt: skip
def test_the_library_is_the_processors_own(at: Desk, endpoint: str, library: str) -> None:
    assert at.gateway(endpoint=endpoint).hosted_fields("en")["library"] == library
    elsewhere = "https://pay.example.org/AcceptUI.js"
    assert at.gateway(endpoint=endpoint, library=elsewhere).hosted_fields("en")["library"] == elsewhere
