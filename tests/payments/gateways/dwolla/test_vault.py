"""Bank accounts at Dwolla: stored from the drop-in or an instant login, found again, removed."""

from dataclasses import replace

import pytest

from payments.gateways.base import (
    Advice,
    GatewayDown,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    NotSupported,
    Outcome,
    Reason,
    Result,
)
from payments.gateways.dwolla.adapter import ADD_BANK, CONFIRM_BANK
from tests.payments.gateways.dwolla.desk import ORDER, Desk, payer, usd

PLAID = "processor-sandbox-made-up"


def plaid(value: str = PLAID, **more: str) -> HostedToken:
    return HostedToken(value, Instrument.BANK, last4="6789", holder="Ada Ames", **more)


def of(result: Result) -> MethodRef:
    return MethodRef(result.token, Instrument.BANK, result.payer_id, "6789")


def test_a_plaid_token_becomes_a_proven_bank_account(at: Desk) -> None:
    key = at.key()
    result = at.gateway().store(plaid(descriptor="savings"), payer(), key)
    assert (result.outcome, result.kind, result.key, result.existing) == (Outcome.APPROVED, Kind.STORE, key, False)
    assert result.token.startswith(f"{at.server.url}/funding-sources/")
    assert result.payer_id.startswith(f"{at.server.url}/customers/")
    row = at.raw("GET", result.token).json()
    assert (row["bankAccountType"], row["name"]) == ("savings", f"Bank 6789 {key}")
    assert result.view is not None
    assert (result.view.last4, result.view.holder, result.view.is_verified) == ("6789", "Ada Ames", True)
    assert (result.view.fingerprint, result.view.bank_name) == (row["fingerprint"], row["bankName"])
    assert result.view.fingerprint


def test_an_exchange_becomes_a_proven_bank_account(at: Desk) -> None:
    gateway = at.gateway()
    customer = gateway.payer(payer())
    partners = at.raw("GET", "/exchange-partners").json()["_embedded"]["exchange-partners"]
    body = {"_links": {"exchange-partner": partners[0]["_links"]["self"]}, "token": PLAID}
    exchange = at.raw("POST", f"{customer}/exchanges", body).headers["location"]
    result = gateway.store(plaid(exchange), payer(), at.key())
    assert result.outcome == Outcome.APPROVED
    assert result.view is not None and result.view.is_verified


def test_what_the_drop_in_made_is_adopted_unproven(at: Desk) -> None:
    url = at.typed_bank()
    result = at.gateway().store(plaid(url), payer(), at.key())
    assert (result.outcome, result.token, result.ref) == (Outcome.APPROVED, url, "")
    assert result.view is not None and result.view.is_verified is False


def test_a_bank_account_of_another_payer_is_not_adopted(at: Desk) -> None:
    """Its address comes through the payer's browser, so it proves nothing."""
    theirs = at.typed_bank(payer("Eve Evans", "eve@example.org"))
    result = at.gateway().store(plaid(theirs), payer(), at.key())
    assert (result.outcome, result.reason, result.token) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT, "")


def test_the_token_is_asked_for_at_our_host_only(at: Desk) -> None:
    """An address at another host must not draw our access token there: only its last step is used."""
    url = at.typed_bank()
    elsewhere = url.replace(at.server.url, "http://127.0.0.1:1")
    assert at.gateway().store(plaid(elsewhere), payer(), at.key()).token == url
    odd = at.gateway().store(plaid(f"{at.server.url}/funding-sources/../customers"), payer(), at.key())
    assert odd.outcome == Outcome.ERROR


def test_the_same_bank_account_again_is_the_one_that_is_there(at: Desk) -> None:
    first = at.gateway().store(plaid(), payer(), at.key())
    again = at.gateway().store(plaid(), payer(), at.key())
    assert (again.outcome, again.existing, again.token) == (Outcome.APPROVED, True, first.token)


def test_the_same_bank_account_of_two_payers_has_one_fingerprint(at: Desk) -> None:
    ada = at.gateway().store(plaid(at.typed_bank(account="12345678")), payer(), at.key())
    ben = payer("Ben Bell", "ben@example.org")
    bens = at.gateway().store(plaid(at.typed_bank(ben, account="12345678")), ben, at.key())
    assert ada.view is not None and bens.view is not None
    assert ada.token != bens.token
    assert ada.view.fingerprint == bens.view.fingerprint != ""


def test_a_token_that_is_no_token_is_declined(at: Desk) -> None:
    result = at.gateway().store(plaid("wrong"), payer(), at.key())
    assert (result.outcome, result.reason, result.advice) == (
        Outcome.DECLINED, Reason.INVALID_ACCOUNT, Advice.UPDATE_METHOD,
    )  # fmt: skip


def test_one_payer_has_one_record_at_dwolla(at: Desk) -> None:
    gateway = at.gateway()
    url = gateway.payer(payer())
    assert gateway.payer(payer()) == url
    assert gateway.payer(replace(payer(), email="ADA@example.org")) == url
    row = at.raw("GET", url).json()
    assert (row["firstName"], row["lastName"], row["correlationId"]) == ("Ada", "Ames", "payer-a8")
    assert gateway.payer(replace(payer(), email="", vault_id=url)) == url


def test_a_single_name_stands_for_both(at: Desk) -> None:
    row = at.raw("GET", at.gateway().payer(payer("Sukarno", "s@example.org"))).json()
    assert (row["firstName"], row["lastName"]) == ("Sukarno", "Sukarno")


def test_the_record_of_another_payer_is_not_taken_for_its_address_alone(at: Desk) -> None:
    at.gateway().payer(payer())
    eve = payer("Eve Evans", "ada@example.org")
    result = at.gateway().store(plaid(), eve, at.key())
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "Duplicate /email")
    with pytest.raises(GatewayDown):
        at.gateway().payer(eve)
    same_person = replace(payer("ADA AMES"), key="payer-2")
    assert at.gateway().payer(same_person) == at.gateway().payer(payer())


def test_a_payer_without_an_address_cannot_be_stored(at: Desk) -> None:
    result = at.gateway().store(plaid(), replace(payer(), email=""), at.key())
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)
    assert not list(at.sandbox.ledger.of("store"))


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "html", "empty", "garbled"])
def test_a_store_whose_answer_is_lost_is_found_in_the_payers_list(at: Desk, kind: str) -> None:
    at.gateway().payer(payer())
    at.fault(kind, path="/customers/.+/funding-sources$", body="plaidToken")
    result = at.gateway().store(plaid(), payer(), at.key())
    assert (result.outcome, result.existing) == (Outcome.APPROVED, False)
    assert len(list(at.sandbox.ledger.of("store"))) == 1


def test_a_store_that_never_came_is_unknown_and_find_has_nothing(at: Desk) -> None:
    customer = at.gateway().payer(payer())
    at.fault("drop_before", path="/funding-sources$", body="plaidToken")
    key = at.key()
    assert at.gateway().store(plaid(), payer(), key).outcome == Outcome.UNKNOWN
    known = MethodRef("", Instrument.BANK, customer)
    assert at.find(key, known, Kind.STORE) == []
    assert at.find(key, None, Kind.STORE) == []


def test_find_has_what_was_stored_with_the_key(at: Desk) -> None:
    key = at.key()
    stored = at.gateway().store(plaid(), payer(), key)
    assert [one.token for one in at.find(key, of(stored), Kind.STORE)] == [stored.token]
    assert at.find(at.key(), of(stored), Kind.STORE) == []


def test_a_lost_answer_about_the_payer_is_an_error_and_harmless(at: Desk) -> None:
    at.fault("drop_after", path="/customers$", body="firstName")
    assert at.gateway().store(plaid(), payer(), at.key()).outcome == Outcome.ERROR
    assert at.gateway().store(plaid(), payer(), at.key()).outcome == Outcome.APPROVED


def test_a_removed_bank_account_is_forgotten_once_and_cannot_be_charged(at: Desk) -> None:
    method = at.bank()
    first = at.gateway().delete_method(method, at.key())
    again = at.gateway().delete_method(method, at.key())
    assert (first.outcome, first.existing) == (Outcome.APPROVED, False)
    assert (again.outcome, again.existing) == (Outcome.APPROVED, True)
    assert at.raw("GET", method.token).json()["removed"] is True
    charged = at.charge(method)
    assert (charged.outcome, charged.reason) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT)
    assert at.gateway().store(plaid(method.token), payer(), at.key()).outcome == Outcome.DECLINED


@pytest.mark.parametrize(("kind", "outcome"), [("drop_after", "approved"), ("drop_before", "unknown")])
def test_a_removal_whose_answer_is_lost_is_read_back(at: Desk, kind: str, outcome: str) -> None:
    method = at.bank()
    at.fault(kind, body="removed")
    assert at.gateway().delete_method(method, at.key()).outcome == outcome
    assert bool(at.find(at.key(), method, Kind.DELETE)) is (outcome == "approved")


def test_what_became_of_one_of_several_bank_accounts_stays_open(at: Desk) -> None:
    method = at.bank()
    at.bank(name="Second")
    at.gateway().delete_method(method, at.key())
    assert [one.outcome for one in at.find(at.key(), method, Kind.DELETE)] == [Outcome.UNKNOWN]
    assert [one.outcome for one in at.find(at.key(), None, Kind.DELETE)] == [Outcome.UNKNOWN]


def test_the_payers_page_gets_public_values_and_a_token_for_one_thing(at: Desk) -> None:
    gateway = at.gateway()
    fields = gateway.hosted_fields("en")
    assert fields["library"] == f"{at.server.url}/v2/dwolla-web.js"
    assert at.raw("GET", fields["library"]).status_code == 200
    assert not {at.sandbox.key, at.sandbox.secret, at.sandbox.webhook_secret} & set(fields.values())
    customer = gateway.payer(payer())
    tokens = {gateway.client_token(customer, action) for action in (fields["add_bank"], fields["confirm_bank"])}
    assert len(tokens) == 2
    assert not any(token in at.said for token in tokens)
    with pytest.raises(ValueError, match=r"customer\.update"):
        gateway.client_token(customer, "customer.update")
    with pytest.raises(GatewayDown):
        gateway.client_token(f"{at.server.url}/customers/00000000-0000-0000-0000-000000000000", ADD_BANK)


@pytest.mark.parametrize(
    ("host", "name"), [("https://api.dwolla.com", "production"), ("https://api-sandbox.dwolla.com/", "sandbox")]
)
def test_dwollas_own_hosts_serve_their_library_from_its_cdn(at: Desk, host: str, name: str) -> None:
    fields = at.gateway(base_url=host).hosted_fields("en")
    assert (fields["environment"], fields["library"]) == (name, "https://cdn.dwolla.com/v2/dwolla-web.js")
    own = at.gateway(base_url=host, library="https://x.example/w.js").hosted_fields("en")
    assert (own["library"], own["confirm_bank"]) == ("https://x.example/w.js", CONFIRM_BANK)


def test_a_setting_that_is_missing_is_named(at: Desk) -> None:
    for name in ("base_url", "key", "secret", "webhook_secret", "funding_source"):
        settings = {key: value for key, value in at.settings.items() if key != name}
        with pytest.raises(KeyError, match=name):
            type(at.gateway())("dwolla", settings, at.wires[0])


def test_cards_and_authorisations_are_not_for_dwolla(at: Desk) -> None:
    gateway, card = at.gateway(), MethodRef("x", Instrument.CARD)
    with pytest.raises(NotSupported):
        gateway.charge(card, usd(1), "K", ORDER, None)
    with pytest.raises(NotSupported):
        gateway.authorize(card, usd(1), "K", ORDER, None)
