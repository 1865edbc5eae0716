"""Recorded replies of the payment API, read without any server."""

import pytest

from payments.gateways.base import (
    Advice,
    Check,
    HostedToken,
    MethodRef,
    Outcome,
    Reason,
    Result,
    State,
)
from payments.gateways.precisepay import Gateway, codes
from payments.gateways.wire import Wire
from tests.payments.gateways.precisepay.desk import ORDER, payer, usd
from tests.payments.gateways.precisepay.recorded import ACCOUNT, APPROVED, CARD, SETTINGS, Recorded, told


def charged(body: str, method: MethodRef = CARD) -> Result:
    return told(body).charge(method, usd(1250), "A1", ORDER, None)


def test_an_approved_sale_is_read_whole() -> None:
    result = charged(APPROVED)
    assert (result.outcome, result.reason, result.state) == (Outcome.APPROVED, None, State.PENDING_SETTLEMENT)
    assert (result.ref, result.auth_code, result.money, result.approved) == (
        "2762757839", "123456", usd(1250), usd(1250),
    )  # fmt: skip
    assert (result.avs, result.cvv) == (Check.NO_MATCH, Check.NO_MATCH)


@pytest.mark.parametrize("text,outcome,reason", [
    ("Invalid Credit Card Number REFID:1", Outcome.DECLINED, Reason.INVALID_CARD),
    ("Authentication Failed", Outcome.ERROR, Reason.GATEWAY_ERROR),
    ("Only transactions pending settlement can be voided REFID:1", Outcome.DECLINED, Reason.GATEWAY_ERROR),
    ("Invalid Transaction ID specified REFID:1", Outcome.ERROR, Reason.GATEWAY_ERROR),
    ("Invalid Payment Token", Outcome.DECLINED, Reason.INVALID_CARD),
    ("Invalid Customer Vault ID specified REFID:1", Outcome.DECLINED, Reason.INVALID_CARD),
    ("Disabling Duplicate Check is not allowed for this processor REFID:1", Outcome.ERROR, Reason.GATEWAY_ERROR),
    ("Invalid ABA number REFID:1", Outcome.DECLINED, Reason.INVALID_ACCOUNT),
    ("Something that nobody wrote down", Outcome.ERROR, Reason.GATEWAY_ERROR),
])  # fmt: skip
def test_what_the_gateway_refuses_itself_is_told_by_its_words(text: str, outcome: Outcome, reason: Reason) -> None:
    result = charged(f"response=3&responsetext={text}&transactionid=&response_code=300")
    assert (result.outcome, result.reason, result.raw_code) == (outcome, reason, "300")


def test_a_bank_account_that_the_vault_does_not_know_is_an_invalid_account() -> None:
    body = "response=3&responsetext=Invalid Customer Vault ID specified&response_code=300"
    assert charged(body, ACCOUNT).reason == Reason.INVALID_ACCOUNT


def test_too_many_calls_are_refused_with_advice_to_wait() -> None:
    result = charged("response=3&responsetext=Rate limit exceeded&response_code=301")
    assert (result.outcome, result.advice) == (Outcome.ERROR, Advice.RETRY_AFTER)


def test_every_code_of_the_processor_has_a_reason() -> None:
    assert len(codes.REASONS) == 34  # 35 with "approved"
    assert set(codes.ADVICE) <= set(codes.REASONS)


@pytest.mark.parametrize("code", sorted(code for code in codes.REASONS if code < "300"))
def test_a_decline_of_the_issuer_has_its_reason(code: str) -> None:
    result = charged(f"response=2&responsetext=DECLINE&transactionid=1&orderid=A1&response_code={code}")
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, codes.REASONS[code], code)
    assert (result.approved, result.state) == (None, None)


@pytest.mark.parametrize("code,reason", sorted(codes.UNSURE.items()))
def test_what_the_gateway_does_not_know_itself_is_unknown(code: str, reason: Reason) -> None:
    """README 4.3: 400, 420 and 421 may have moved money."""
    result = charged(f"response=3&responsetext=Communication error&transactionid=1&response_code={code}")
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize("code", ["410", "411", "440", "441", "460"])
def test_a_technical_refusal_is_an_error(code: str) -> None:
    result = charged(f"response=3&responsetext=No&transactionid=1&response_code={code}")
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)


@pytest.mark.parametrize("response,outcome", [("1", Outcome.UNKNOWN), ("2", Outcome.DECLINED), ("3", Outcome.UNKNOWN)])
def test_a_code_that_nobody_wrote_down_is_no_approval(response: str, outcome: Outcome) -> None:
    result = charged(f"response={response}&responsetext=New&transactionid=1&response_code=799")
    assert (result.outcome, result.reason, result.raw_code) == (outcome, Reason.GATEWAY_ERROR, "799")


def test_an_unknown_code_where_no_money_moves_is_an_error() -> None:
    result = told("response=3&responsetext=New&response_code=799").delete_method(CARD, "K")
    assert result.outcome == Outcome.ERROR


@pytest.mark.parametrize("said", [
    APPROVED.replace("orderid=A1", "orderid=B2"),  # somebody else's
    APPROVED.replace("transactionid=2762757839", "transactionid="),
    APPROVED.replace("&response_code=100", ""),
    APPROVED + "&amount_authorized=NaN",
    APPROVED + "&amount_authorized=1.005",
    APPROVED.replace("response=1", "response=7"),
    "", "<html>Bad Gateway</html>",
])  # fmt: skip
def test_an_approval_that_does_not_hold_together_is_unknown(said: str) -> None:
    assert charged(said).outcome == Outcome.UNKNOWN


def test_an_approval_in_an_answer_that_failed_is_unknown() -> None:
    assert told(APPROVED, 500).charge(CARD, usd(1250), "A1", ORDER, None).outcome == Outcome.UNKNOWN


def test_a_field_told_twice_counts_as_it_was_told_first() -> None:
    assert charged(APPROVED + "&response=2&response_code=200").outcome == Outcome.APPROVED


@pytest.mark.parametrize("text,letters,reason", [
    ("AVS REJECTED", "avsresponse=N", Reason.AVS_MISMATCH),
    ("CVV REJECTED", "cvvresponse=N", Reason.CVV_MISMATCH),
    ("AVS REJECTED", "avsresponse=Y", Reason.DO_NOT_HONOR),
    ("DECLINE", "avsresponse=N&cvvresponse=N", Reason.DO_NOT_HONOR),
])  # fmt: skip
def test_a_refusal_by_the_accounts_own_checks_is_a_mismatch(text: str, letters: str, reason: Reason) -> None:
    """The code is that of any refusal; the words must name the check and the letter must not say that it matched."""
    result = charged(f"response=2&responsetext={text}&transactionid=1&{letters}&response_code=200")
    assert (result.outcome, result.reason) == (Outcome.DECLINED, reason)


@pytest.mark.parametrize("letters,check", [
    ("XYDM26", Check.MATCH), ("AB37", Check.PARTIAL_ADDRESS), ("WZPL15", Check.PARTIAL_ZIP), ("NC48", Check.NO_MATCH),
    ("UGIRES0O", Check.UNAVAILABLE), ("?", Check.UNAVAILABLE), (" ", Check.NOT_CHECKED),
])  # fmt: skip
def test_letters_of_the_address_check(letters: str, check: Check) -> None:
    for letter in letters:
        assert charged(APPROVED.replace("avsresponse=N", f"avsresponse={letter}")).avs == check


def test_the_networks_advice_goes_before_the_codes() -> None:
    body = "response=2&responsetext=DECLINE&transactionid=1&response_code=200"
    assert charged(body).advice is None
    assert charged(f"{body}&merchant_advice_code=03").advice == Advice.DO_NOT_RETRY


@pytest.mark.parametrize("missing", sorted(SETTINGS))
def test_a_setting_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        Gateway("precisepay", {name: text for name, text in SETTINGS.items() if name != missing}, Wire())


def test_the_payers_page_gets_public_values_only() -> None:
    fields = told("").hosted_fields("en")
    assert fields == {
        "library": "https://processor.invalid/token/Collect.js", "kind": "precisepay", "tokenization_key": "t",
    }  # fmt: skip


@pytest.mark.parametrize("code,reason", [
    ("R01", Reason.INSUFFICIENT_FUNDS), ("R02", Reason.ACCOUNT_CLOSED), ("R03", Reason.INVALID_ACCOUNT),
    ("R10", Reason.AUTHORIZATION_REVOKED), ("R17", Reason.FRAUD_SUSPECTED), ("R23", Reason.DO_NOT_HONOR),
    ("R24", Reason.DUPLICATE), ("R06", Reason.GATEWAY_ERROR), ("R99", Reason.GATEWAY_ERROR),
])  # fmt: skip
def test_return_codes_of_banks(code: str, reason: Reason) -> None:
    assert codes.return_reason(code) == reason


def test_amounts_go_out_exactly() -> None:
    wire = Recorded(body=APPROVED)
    for minor in (1, 10, 1250, 999_999_999_999):
        Gateway("precisepay", SETTINGS, wire).charge(CARD, usd(minor), "A1", ORDER, None)
    assert [form["amount"] for form in wire.forms] == ["0.01", "0.10", "12.50", "9999999999.99"]


def test_a_card_is_stored_with_what_the_payer_told() -> None:
    wire = Recorded(body="response=3&responsetext=Invalid Payment Token&response_code=300")
    Gateway("precisepay", SETTINGS, wire).store(HostedToken("one-time"), payer("Mary Ann Poe"), "K1")
    sent = wire.forms[0]
    assert (sent["first_name"], sent["last_name"], sent["customer_vault_id"]) == ("Mary Ann", "Poe", "K1")
    assert (sent["payment_token"], sent["zip"]) == ("one-time", "77777")
