"""What answers mean, as recorded and as the notes have them; no server. And what is asked, in the schema's order."""

import json
from typing import Any

import pytest

from payments.gateways.authorizenet import codes
from payments.gateways.authorizenet.codes import CODES, Meaning
from payments.gateways.base import (
    Advice,
    Check,
    GatewayRef,
    Instrument,
    MethodView,
    Money,
    Outcome,
    Reason,
    State,
)
from tests.payments.gateways.authorizenet import canned
from tests.payments.gateways.authorizenet.canned import BANK, BOM, CARD, KEY, OK, ORDER, USD, approved, charged, refused
from tests.payments.gateways.authorizenet.desk import FIRST, payer


def test_an_approval() -> None:
    result = charged(approved())
    assert (result.outcome, result.state, result.approved) == (Outcome.APPROVED, State.PENDING_SETTLEMENT, USD)
    assert (result.ref, result.auth_code, result.avs, result.cvv) == (
        "60020000001", "ABC123", Check.MATCH, Check.NOT_CHECKED,
    )  # fmt: skip
    assert result.view == MethodView(brand="Visa", last4="1111")


def test_a_byte_order_mark_is_no_part_of_an_answer() -> None:
    plain = json.dumps(approved()).encode()
    assert charged(plain) == charged(BOM + plain)
    assert charged(plain).outcome == Outcome.APPROVED


def test_a_bank_debit_is_accepted_only() -> None:
    assert charged(approved(accountType="eCheck"), method=BANK).outcome == Outcome.PENDING


@pytest.mark.parametrize("envelope", [{"messages": OK}, {}])
def test_a_decline_is_told_by_the_response_code_not_by_the_envelope(envelope: dict[str, Any]) -> None:
    """Notes §3: both forms are about."""
    result = charged(refused("2") | envelope)
    assert (result.outcome, result.reason, result.ref) == (Outcome.DECLINED, Reason.DO_NOT_HONOR, "")


@pytest.mark.parametrize("raw,reason", [("51", Reason.INSUFFICIENT_FUNDS), ("05", Reason.DO_NOT_HONOR)])
def test_a_plain_decline_may_say_more_in_the_networks_code(raw: str, reason: Reason) -> None:
    assert charged(refused("2", rawResponseCode=raw)).reason == reason
    assert charged(refused("27", rawResponseCode=raw)).reason == Reason.AVS_MISMATCH


@pytest.mark.parametrize("codes_,outcome,reason", [
    ("2 3 66 97 98 99 103 128", Outcome.DECLINED, Reason.DO_NOT_HONOR),
    ("4", Outcome.DECLINED, Reason.LOST_OR_STOLEN),
    ("5 33 42 290 325 326 13 32 123 18 56 90 24 29 30 31 34 35 38 43 36 39 130 131 132 243 248 901 15 16 319",
     Outcome.ERROR, Reason.GATEWAY_ERROR),
    ("6 37 315 200 17 28", Outcome.DECLINED, Reason.INVALID_CARD),
    ("7 316 201 8 317", Outcome.DECLINED, Reason.EXPIRED_CARD),
    ("9 10 71 211 101", Outcome.DECLINED, Reason.INVALID_ACCOUNT),
    ("19 20 21 22 23 25 26 57 58 59 60 61 62 63 52 152 120 121 122 180 181 209",
     Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT),
    ("27 127 45 145", Outcome.DECLINED, Reason.AVS_MISMATCH),
    ("44 65 165 78", Outcome.DECLINED, Reason.CVV_MISMATCH),
    ("41 141 250 251 254", Outcome.DECLINED, Reason.FRAUD_SUSPECTED),
    ("49", Outcome.DECLINED, Reason.LIMIT_EXCEEDED),
    ("47 50 51 54 55 327 328", Outcome.DECLINED, Reason.GATEWAY_ERROR),
])  # fmt: skip
def test_the_reason_table(codes_: str, outcome: Outcome, reason: Reason) -> None:
    """Notes §5, row by row."""
    for code in codes_.split():
        result = charged(refused(code, "3"))
        assert (code, result.outcome, result.reason) == (code, outcome, reason)


@pytest.mark.parametrize("answered,outcome,reason", [
    ("2", Outcome.DECLINED, Reason.DO_NOT_HONOR), ("3", Outcome.ERROR, Reason.GATEWAY_ERROR),
])  # fmt: skip
def test_codes_of_one_platform_are_as_it_answered(answered: str, outcome: Outcome, reason: Reason) -> None:
    for code in ("191", "202", "210", "212", "221", "223", "224"):
        result = charged(refused(code, answered))
        assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize("answered,outcome", [("2", Outcome.DECLINED), ("3", Outcome.UNKNOWN), ("7", Outcome.UNKNOWN)])
@pytest.mark.parametrize("code", ["", "299", "100000"])
def test_of_codes_in_no_list_only_a_plain_decline_proves_anything(answered: str, outcome: Outcome, code: str) -> None:
    result = charged(refused(code, answered))
    assert (result.outcome, result.reason, result.raw_code) == (outcome, Reason.GATEWAY_ERROR, code)


@pytest.mark.parametrize("code,reason", [("252", Reason.FRAUD_SUSPECTED), ("253", Reason.FRAUD_SUSPECTED),
                                         ("104", None), ("110", None), ("193", None)])  # fmt: skip
def test_what_is_held_is_pending(code: str, reason: Reason | None) -> None:
    result = charged(approved(responseCode="4", messages=[{"code": code, "description": "Held."}]))
    assert (result.outcome, result.reason, result.approved) == (Outcome.PENDING, reason, None)


@pytest.mark.parametrize("answered", ["2", "3"])
@pytest.mark.parametrize("code", ["1", "253", "104", "310"])
def test_a_refusal_with_the_code_of_a_yes_is_unknown(code: str, answered: str) -> None:
    result = charged(refused(code, answered))
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.GATEWAY_ERROR)


@pytest.mark.parametrize("changed", [
    {"transId": "0"}, {"transId": ""}, {"messages": []}, {"messages": [{"code": "253"}]}, {"responseCode": "4"},
    {"messages": [{"code": "310"}]}, {"messages": [{"code": "311"}]}, {"responseCode": "2"}, {"responseCode": "3"},
    {"messages": [{"code": "295"}], "prePaidCard": {}, "transId": "0"}, {"errors": [{"errorCode": "2"}]},
])  # fmt: skip
def test_what_does_not_hold_together_is_unknown(changed: dict[str, Any]) -> None:
    result = charged(approved(**changed))
    assert (result.outcome, result.approved) == (Outcome.UNKNOWN, None)
    assert result.ref in ("", "60020000001")


def test_an_answer_to_somebody_else_is_unknown() -> None:
    assert charged(approved() | {"refId": "0TESTKEY000000000002"}).outcome == Outcome.UNKNOWN


def test_in_test_mode_nothing_is_done() -> None:
    """Notes §9.4: every number is 0, and nothing is stored."""
    result = charged(approved(transId="0", testRequest="1"))
    assert (result.outcome, result.ref, result.approved) == (Outcome.ERROR, "", None)


@pytest.mark.parametrize("part,approved_minor", [
    ({"prePaidCard": {"requestedAmount": "12.34", "approvedAmount": "1.23", "balanceOnCard": "0.00"}}, 123),
    ({"splitTenderPayments": [{"transId": "60020000001", "approvedAmount": "1.20"}]}, 120),
    ({}, None), ({"prePaidCard": {"approvedAmount": "much"}}, None),
])  # fmt: skip
@pytest.mark.parametrize("answered", ["1", "4"])
def test_a_part_is_given_up(answered: str, part: dict[str, Any], approved_minor: int | None) -> None:
    told = approved(responseCode=answered, messages=[{"code": "295", "description": "Partly."}], **part)
    result = charged(told, approved(refTransID="60020000001"))
    assert (result.outcome, result.reason, result.state) == (
        Outcome.DECLINED, Reason.INSUFFICIENT_FUNDS, State.VOIDED,
    )  # fmt: skip
    assert result.approved == (Money(approved_minor, "USD") if approved_minor else None)


@pytest.mark.parametrize("code,outcome,advice", [
    ("E00001", Outcome.UNKNOWN, None), ("E00049", Outcome.UNKNOWN, None), ("E00053", Outcome.UNKNOWN, "retry_after"),
    ("E00104", Outcome.UNKNOWN, "retry_after"), ("E00003", Outcome.ERROR, None), ("E00005", Outcome.ERROR, None),
    ("E00007", Outcome.ERROR, None), ("E00011", Outcome.ERROR, None), ("E00013", Outcome.ERROR, None),
    ("E00016", Outcome.ERROR, None), ("E00040", Outcome.ERROR, None), ("E00051", Outcome.ERROR, None),
    ("E00072", Outcome.ERROR, None), ("E00077", Outcome.ERROR, None), ("E00027", Outcome.UNKNOWN, None),
    ("E00999", Outcome.UNKNOWN, None),
])  # fmt: skip
def test_envelopes_without_a_transaction(code: str, outcome: Outcome, advice: str | None) -> None:
    result = charged(canned.refusal(code))
    assert (result.outcome, result.raw_code) == (outcome, code)
    assert result.advice == (Advice(advice) if advice else None)


@pytest.mark.parametrize("body", [
    b"", b"<html></html>", BOM, b"{}", b"[]", b'{"messages":{}}', b'{"messages":{"resultCode":"Ok","message":[]}}',
    b'{"messages":{"resultCode":"Yes","message":[{"code":"I00001"}]}}', b"\xff\xfe",
])  # fmt: skip
def test_what_is_not_the_processors_answer_is_unknown(body: bytes) -> None:
    result = charged(body)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT)


def test_an_ok_without_a_transaction_is_unknown() -> None:
    assert charged({"messages": OK}).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("code,outcome", [("E00105", Outcome.DECLINED), ("E00106", Outcome.DECLINED),
                                          ("E00107", Outcome.DECLINED), ("E00040", Outcome.APPROVED),
                                          ("E00053", Outcome.UNKNOWN), ("E00007", Outcome.ERROR)])  # fmt: skip
def test_a_method_that_cannot_be_forgotten(code: str, outcome: Outcome) -> None:
    assert canned.gateway(canned.refusal(code))[0].delete_method(CARD, KEY).outcome == outcome


def test_the_letters() -> None:
    """Notes §5; one that is in no table is not known, none is not checked."""
    said = {letter: codes.check_of(codes.AVS, letter) for letter in "ABEGNPRSUWXYZ"}
    assert [letter for letter in said if said[letter] == Check.MATCH] == ["X", "Y"]
    assert [letter for letter in said if said[letter] == Check.PARTIAL_ZIP] == ["W", "Z"]
    assert [letter for letter in said if said[letter] == Check.NO_MATCH] == ["N"]
    assert (said["A"], said["B"], said["P"]) == (Check.PARTIAL_ADDRESS, Check.NOT_CHECKED, Check.NOT_CHECKED)
    assert {said[letter] for letter in "EGRSU"} == {Check.UNAVAILABLE}
    assert [codes.check_of(codes.CVV, letter) for letter in ("M", "N", "P", "S", "U", "?", "")] == [
        Check.MATCH, Check.NO_MATCH, Check.NOT_CHECKED, Check.NOT_CHECKED, Check.UNAVAILABLE, Check.UNAVAILABLE,
        Check.NOT_CHECKED,
    ]  # fmt: skip


def test_no_code_is_in_two_rows() -> None:
    listed = [*codes._ERROR.split(), *codes._UNKNOWN.split(), *codes._LOOK_UP.split(), *codes._REVIEW.split(),
              *codes._AS_ANSWERED.split(), *" ".join(codes._DECLINED.values()).split()]  # fmt: skip
    assert len(listed) == len(set(listed))
    assert {CODES[code].meaning for code in ("289", "2007")} == {Meaning.NO_ZERO}


# What is asked


def test_a_charge_in_the_order_of_the_schema() -> None:
    """E00003 for any other order, in JSON too (notes §1)."""
    gateway, wire = canned.gateway(approved())
    gateway.charge(CARD, USD, KEY, ORDER, FIRST)
    [(name, body)] = wire.asked[0].items()
    assert (name, list(body)) == ("createTransactionRequest", ["merchantAuthentication", "refId", "transactionRequest"])
    assert body["merchantAuthentication"] == {"name": "5KP3u95bQpv", "transactionKey": "346HZ32z3fP4hTG2"}
    assert list(body["transactionRequest"].items()) == [
        ("transactionType", "authCaptureTransaction"), ("amount", "12.34"), ("currencyCode", "USD"),
        ("profile", {"customerProfileId": "900000001", "paymentProfile": {"paymentProfileId": "800000002"}}),
        ("order", {"invoiceNumber": KEY, "description": "INV-1 Tuition"}), ("customerIP", "203.0.113.9"),
        ("transactionSettings", {"setting": [{"settingName": "duplicateWindow", "settingValue": "28800"}]}),
        ("processingOptions", {"isFirstSubsequentAuth": True, "isStoredCredentials": True}),
    ]  # fmt: skip


@pytest.mark.parametrize("money,text", [
    (Money(1, "USD"), "0.01"), (Money(100, "USD"), "1.00"), (Money(123456789, "USD"), "1234567.89"),
    (Money(1500, "JPY"), "1500"),
])  # fmt: skip
def test_amounts_are_exact(money: Money, text: str) -> None:
    gateway, wire = canned.gateway(approved())
    gateway.charge(CARD, money, KEY, ORDER, None)
    assert wire.asked[0]["createTransactionRequest"]["transactionRequest"]["amount"] == text


def test_a_refund_shows_four_digits_and_bears_our_key() -> None:
    gateway, wire = canned.gateway(canned.details(), approved(transId="60020000002"))
    gateway.refund(GatewayRef("60020000001", Instrument.CARD), USD, KEY)
    asked = wire.asked[1]["createTransactionRequest"]["transactionRequest"]
    assert list(asked) == [
        "transactionType", "amount", "currencyCode", "payment", "refTransId", "order", "transactionSettings",
    ]  # fmt: skip
    assert asked["payment"] == {"creditCard": {"cardNumber": "1111", "expirationDate": "XXXX"}}
    assert (asked["refTransId"], asked["order"]) == ("60020000001", {"invoiceNumber": KEY})


def test_a_refund_to_a_bank_shows_what_the_record_shows() -> None:
    gateway, wire = canned.gateway(canned.bank_details(), approved(transId="60020000002"))
    result = gateway.refund(GatewayRef("60020000001", Instrument.BANK), USD, KEY)
    asked = wire.asked[1]["createTransactionRequest"]["transactionRequest"]["payment"]["bankAccount"]
    assert list(asked.items()) == [
        ("accountType", "checking"), ("routingNumber", "XXXX2882"), ("accountNumber", "XXXX0022"),
        ("nameOnAccount", "Ada Ames"),
    ]  # fmt: skip
    assert result.outcome == Outcome.PENDING


def test_a_void_and_a_capture_bear_our_key_and_no_invoice_number() -> None:
    """The number of what they follow must keep its own."""
    ref = GatewayRef("60020000001", Instrument.CARD)
    gateway, wire = canned.gateway(approved(), approved())
    gateway.capture(ref, USD, KEY)
    gateway.void(ref, USD, KEY)
    capture, void = (asked["createTransactionRequest"] for asked in wire.asked)
    assert (capture["refId"], void["refId"]) == (KEY, KEY)
    assert list(capture["transactionRequest"]) == ["transactionType", "amount", "currencyCode", "refTransId"]
    assert void["transactionRequest"] == {"transactionType": "voidTransaction", "refTransId": "60020000001"}


def test_a_duplicate_whose_element_names_none_is_refused() -> None:
    made = {"customerProfileId": "900000001", "messages": OK}
    gateway, _wire = canned.gateway(made, canned.refusal("E00039", "A duplicate customer payment profile exists."))
    result = gateway.store(canned.TOKEN, payer(), KEY)
    assert (result.outcome, result.reason, result.token) == (Outcome.DECLINED, Reason.DUPLICATE, "")
