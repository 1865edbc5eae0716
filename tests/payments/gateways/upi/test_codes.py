"""NPCI's response codes as the notes have them, and answers read without any server."""

from typing import Any

import pytest

from payments.gateways.base import Kind, Outcome, Reason
from payments.gateways.upi import links, reading
from payments.gateways.upi.codes import _GROUPS, CODES, of_refusal, verdict
from tests.payments.gateways.upi.desk import inr

UNKNOWN = [
    "UT", "BT", "UP", "U67", "U68", "U82", "U87", "U88", "U26", "U53", "S95", "RB", "RP", "RR", "32", "U32", "U33",
    "U37", "U70", "ZL",
]  # fmt: skip
LOOK_UP = ["U01", "U35", "U36", "U38", "U42", "DT", "DF", "VE", "VS"]


def order(status: str, code: str = "", **changed: Any) -> dict[str, Any]:
    return {
        "tr": "K1", "amount": "10.00", "currency": "INR", "status": status, "code": code or None, "message": "said",
        "rrn": None, "created_at": "2026-03-09T16:15:00+00:00", "completed_at": None,
    } | changed  # fmt: skip


@pytest.mark.parametrize("code", UNKNOWN)
@pytest.mark.parametrize("status", ["FAILURE", "PENDING", "DEEMED"])
def test_a_code_that_leaves_it_open_is_unknown_whatever_the_status(code: str, status: str) -> None:
    result = reading.order(order(status, code), Kind.SALE, "K1")
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT)


@pytest.mark.parametrize("code", LOOK_UP)
def test_a_duplicate_is_looked_up(code: str) -> None:
    assert CODES[code].reason == Reason.DUPLICATE


def test_every_code_has_one_meaning() -> None:
    told = [code for codes, _verdict in _GROUPS for code in codes.split()]
    assert len(told) == len(set(told)) == len(CODES) > 110
    assert verdict("z9") is CODES["Z9"] and verdict("Q9") is None


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (order("SUCCESS", "00"), Outcome.APPROVED), (order("PENDING", "01"), Outcome.PENDING),
        (order("PENDING"), Outcome.PENDING), (order("CANCELLED"), Outcome.DECLINED),
        (order("EXPIRED"), Outcome.DECLINED), (order("FAILURE", "Q9"), Outcome.DECLINED),
        (order("FAILURE"), Outcome.DECLINED), (order("SOMETHING", "00"), Outcome.UNKNOWN), ({}, Outcome.UNKNOWN),
        (order("SUCCESS", tr="K2"), Outcome.UNKNOWN), (order("SUCCESS", currency="USD"), Outcome.UNKNOWN),
        (order("SUCCESS", amount="10"), Outcome.UNKNOWN), (order("SUCCESS", amount=10), Outcome.UNKNOWN),
        (order("SUCCESS", amount="-1.00"), Outcome.UNKNOWN), (order("SUCCESS", amount="1,000.00"), Outcome.UNKNOWN),
    ],
)  # fmt: skip
def test_how_an_order_is_read(row: dict[str, Any], outcome: Outcome) -> None:
    assert reading.order(row, Kind.SALE, "K1").outcome == outcome


def test_a_failure_of_a_code_in_no_list_is_not_believed_at_once() -> None:
    row = order("FAILURE", "Q9")
    assert reading.order(row, Kind.SALE, "K1", is_first=True).outcome == Outcome.UNKNOWN
    assert reading.order(order("FAILURE", "Z9"), Kind.SALE, "K1", is_first=True).outcome == Outcome.DECLINED


@pytest.mark.parametrize(
    ("code", "bank", "outcome", "reason"),
    [
        ("above_max", "Z8", Outcome.DECLINED, Reason.LIMIT_EXCEEDED),
        ("mandate_not_active", "VU", Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED),
        ("blackout", "", Outcome.ERROR, Reason.LIMIT_EXCEEDED),
        ("amount_differs", "XD", Outcome.ERROR, Reason.GATEWAY_ERROR),
        ("never_heard_of", "", Outcome.ERROR, Reason.GATEWAY_ERROR),
        ("never_heard_of", "UT", Outcome.ERROR, Reason.GATEWAY_ERROR),
    ],
)  # fmt: skip
def test_a_refusal_did_nothing(code: str, bank: str, outcome: Outcome, reason: Reason) -> None:
    told = of_refusal(code, bank)
    assert (told.outcome, told.reason) == (outcome, reason)


@pytest.mark.parametrize("row", [{}, {"status": "NEW"}, {"status": "ACTIVE", "umn": None, "mandate_ref": "K1"}])
def test_a_mandate_that_cannot_be_read_is_unknown(row: dict[str, Any]) -> None:
    assert reading.mandate(row, Kind.MANDATE, "K1").outcome == Outcome.UNKNOWN


def test_a_link_is_written_as_apps_read_it() -> None:
    link = links.link("school@okbank", "ABC School", "ATT7", inr(1250_00), "Invoice INV-1")
    assert link == "upi://pay?pa=school@okbank&pn=ABC%20School&tr=ATT7&tn=Invoice%20INV-1&am=1250.00&cu=INR"
    assert links.is_ours(link, "school@okbank", "ATT7", inr(1250_00))
    school = "school@okbank"
    for payee, key, minor in (("scho0l@okbank", "ATT7", 1250_00), (school, "ATT8", 1250_00), (school, "ATT7", 1250_01)):
        assert not links.is_ours(link, payee, key, inr(minor))
    assert not links.is_ours(link + "&pa=thief@okbank", "school@okbank", "ATT7", inr(1250_00))
    assert not links.is_ours(link.replace("upi:", "http:"), "school@okbank", "ATT7", inr(1250_00))


def test_a_note_is_short_and_plain() -> None:
    assert links.note("INV-1 Fees & more: 100%") == "INV-1 Fees   more  100"
    assert len(links.note("x" * 80)) == 50
    assert links.masked("asha.rao@okbank") == "as***@okbank"
