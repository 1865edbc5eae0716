"""Files and codes as the notes have them, without any server."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from payments.gateways.base import Advice, Kind, Outcome, Reason, State
from payments.gateways.nach import codes, files, reading
from tests.payments.gateways.nach.desk import inr

PERIOD = "Already processed for this month"
RESULT = (
    "H|RESULT|F1|20260309|1\n"
    "R|1|HDFC0000000000000001|12500|K1|ACCEPTED|0|Accepted|UTR1\n"
    "R|2|HDFC0000000000000002|10000|K2|RETURNED|04|Balance insufficient|\n"
    "R|3|HDFC0000000000000003|5000|K3|EXTENDED|98|Bank extended|\n"
    "T|3|1|12500|1|10000|1|5000\n"
)


def test_a_presentation_is_written_with_its_sums() -> None:
    items = [files.Item("HDFC0000000000000001", 125_00, "K1", "Fees | March, 2026 — a long one indeed"),
             files.Item("HDFC0000000000000002", 100_00, "K2")]  # fmt: skip
    assert files.presentation("NACH00000000012345", "F1", date(2026, 3, 9), "NACH", items) == (
        b"H|NACH00000000012345|F1|20260309|NACH|2|22500\n"
        b"D|1|HDFC0000000000000001|12500|K1|Fees   March  2026   a long on\n"
        b"D|2|HDFC0000000000000002|10000|K2|\n"
        b"T|2|22500\n"
    )


def test_a_result_file_is_read() -> None:
    assert [(one.key, one.state, one.minor, one.code) for one in files.results(RESULT)] == [
        ("K1", "ACCEPTED", 125_00, "0"), ("K2", "RETURNED", 100_00, "04"), ("K3", "EXTENDED", 50_00, "98"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spoilt",
    [
        "", "<html>", RESULT[:-30], RESULT.replace("12500|K1", "12501|K1"), RESULT.replace("T|3|1", "T|3|2"),
        RESULT.replace("T|3", "T|2"), RESULT.replace("RETURNED", "PERHAPS"), RESULT.replace("12500|K1", "-1|K1"),
        RESULT.replace("R|2", "D|2"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(spoilt: str) -> None:
    with pytest.raises(files.BadFile):
        files.results(spoilt)


def test_every_code_has_one_meaning() -> None:
    told = [code for group, _return in codes._GROUPS for code in group.split()]
    assert len(told) == len(set(told)) == len(codes.RETURNS)
    assert {f"{n:02}" for n in range(1, 10)} <= set(told)


def test_nach_codes_are_not_those_of_cheques() -> None:
    """01 is a closed account here, and too little money on a cheque."""
    assert codes.return_of("01").reason == Reason.ACCOUNT_CLOSED
    assert codes.return_of("04").reason == Reason.INSUFFICIENT_FUNDS
    assert codes.return_of("20") is codes.PLAIN


def test_two_meanings_of_one_code_are_told_apart() -> None:
    mended, later = codes.return_of("12", "Frequency mismatch"), codes.return_of("12", PERIOD)
    assert (mended.reason, mended.advice) == (Reason.GATEWAY_ERROR, Advice.DO_NOT_RETRY)
    assert (later.reason, later.advice) == (Reason.LIMIT_EXCEEDED, Advice.RETRY_AFTER)


@pytest.mark.parametrize(
    ("at", "again"),
    [
        (datetime(2026, 12, 31, 18, 0, tzinfo=UTC), datetime(2026, 12, 31, 18, 30, tzinfo=UTC)),
        (datetime(2026, 12, 31, 18, 30, tzinfo=UTC), datetime(2027, 1, 31, 18, 30, tzinfo=UTC)),
    ],
)
def test_when_the_next_month_begins_in_india(at: datetime, again: datetime) -> None:
    told = reading.debit("K1", inr(1), "RETURNED", "12", PERIOD, "", at)
    assert told.retry_after == again


@pytest.mark.parametrize("code", ["82", "99"])
def test_a_return_that_the_bank_does_not_know_yet_is_asked_about(code: str) -> None:
    told = reading.debit("K1", inr(1), "RETURNED", code, "", "")
    assert (told.outcome, told.state, told.return_code) == (Outcome.UNKNOWN, None, "")


def item(**changed: Any) -> dict[str, Any]:
    return {"item_ref": "K1", "amount": "10.00", "status": "ACCEPTED", "code": "0", "utr": "U1"} | changed


@pytest.mark.parametrize(
    ("changed", "outcome", "state"),
    [
        ({}, Outcome.APPROVED, State.SETTLED), ({"status": "PENDING"}, Outcome.PENDING, State.PENDING_SETTLEMENT),
        ({"status": "EXTENDED", "code": "98"}, Outcome.PENDING, State.PENDING_SETTLEMENT),
        ({"status": "RETURNED", "code": "20"}, Outcome.DECLINED, State.RETURNED),
        ({"status": "SOMETHING"}, Outcome.UNKNOWN, None), ({"item_ref": "K2"}, Outcome.UNKNOWN, None),
        ({"amount": "10"}, Outcome.UNKNOWN, None),
    ],
)  # fmt: skip
def test_how_a_debit_is_read(changed: dict[str, Any], outcome: Outcome, state: State | None) -> None:
    result = reading.item(item(**changed), "K1")
    assert (result.outcome, result.state) == (outcome, state)


@pytest.mark.parametrize("row", [{}, {"status": "NEW"}, {"status": "ACTIVE", "message_ref": "K1", "umrn": None}])
def test_a_mandate_that_cannot_be_read_is_unknown(row: dict[str, Any]) -> None:
    assert reading.mandate(row, Kind.MANDATE, "K1").outcome == Outcome.UNKNOWN
