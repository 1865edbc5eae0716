"""Signatures and answers as the notes have them, without any server."""

from decimal import Decimal
from typing import Any

import pytest

from payments.gateways.base import Kind, Money, Outcome, Reason
from payments.gateways.netbanking import reading, signing

PAYER = {
    "key": "KEY", "txnid": "T1", "amount": "10.00", "productinfo": "Premium", "firstname": "Asha", "email": "a@b.in",
}  # fmt: skip


def test_a_signature_as_the_notes_have_it() -> None:
    assert signing.of_form(PAYER, "SALT").startswith("e566e55c03fce444c2d79c95c893e789")
    back = PAYER | {"status": "success"}
    assert signing.of_answer(back, "SALT").startswith("34bcc4222d2adc914f0114066a7bc073")
    signed = back | {"hash": signing.of_answer(back, "SALT")}
    assert signing.is_signed(signed, "KEY", "SALT")
    assert signing.is_signed(signed | {"hash": signed["hash"].upper()}, "KEY", "SALT")
    assert not signing.is_signed(signed, "OTHER", "SALT")
    assert not signing.is_signed(signed | {"hash": "é"}, "KEY", "SALT")


def row(**changed: Any) -> dict[str, Any]:
    return {
        "mihpayid": "403993715", "txnid": "T1", "amt": "10.00", "status": "success", "unmappedstatus": "captured",
        "bank_ref_num": "1234", "error_code": "E000", "error_Message": "NO ERROR",
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, Outcome.APPROVED), ({"amt": Decimal("10.0")}, Outcome.APPROVED), ({"amt": 10}, Outcome.APPROVED),
        ({"status": "pending"}, Outcome.PENDING), ({"status": "failure"}, Outcome.DECLINED),
        ({"status": "Something"}, Outcome.UNKNOWN), ({"txnid": "T2"}, Outcome.UNKNOWN), ({"amt": ""}, Outcome.UNKNOWN),
        ({"amt": "10.001"}, Outcome.UNKNOWN), ({"amt": "-1"}, Outcome.UNKNOWN), ({"amt": True}, Outcome.UNKNOWN),
        ({"amt": "NaN"}, Outcome.UNKNOWN), ({"mihpayid": ""}, Outcome.UNKNOWN),
    ],
)  # fmt: skip
def test_how_a_payment_is_read(changed: dict[str, Any], outcome: Outcome) -> None:
    result = reading.payment(row(**changed), "T1")
    assert result.outcome == outcome
    if outcome != Outcome.UNKNOWN:
        assert (result.money, result.ref, result.related) == (Money(10_00, "INR"), "T1", "403993715")


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        ("E706", "failed", Reason.INSUFFICIENT_FUNDS), ("E1234", "failed", Reason.DO_NOT_HONOR),
        ("", "userCancelled", Reason.AUTHORIZATION_REVOKED),
    ],
)  # fmt: skip
def test_a_code_in_no_list_is_a_plain_no(code: str, said: str, reason: Reason) -> None:
    assert reading.payment(row(status="failure", error_code=code, unmappedstatus=said), "T1").reason == reason


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("queued", Outcome.PENDING), ("success", Outcome.APPROVED), ("failure", Outcome.DECLINED), ("?", Outcome.UNKNOWN)],
)
def test_how_a_refund_is_read(status: str, outcome: Outcome) -> None:
    told = {"request_id": "7", "amt": "1.00", "status": status, "token": "K", "mihpayid": "9"}
    result = reading.refund(told, "K")
    assert (result.outcome, result.kind) == (outcome, Kind.REFUND)
