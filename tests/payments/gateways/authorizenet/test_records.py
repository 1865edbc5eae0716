"""What records and lists mean, as the notes have them; no server."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from payments.gateways.base import (
    GatewayDown,
    GatewayRef,
    Instrument,
    Kind,
    Money,
    Moved,
    OrderHint,
    Outcome,
    Reason,
    Result,
    State,
)
from tests.payments.gateways.authorizenet import canned
from tests.payments.gateways.authorizenet.canned import KEY, OK, USD, bank_details, details

DAY = date(2026, 3, 9)
PENDING, APPROVED, DECLINED = Outcome.PENDING, Outcome.APPROVED, Outcome.DECLINED
ERROR, UNKNOWN = Outcome.ERROR, Outcome.UNKNOWN
BATCH = {
    "batchId": "b-1", "settlementTimeUTC": "2026-03-09T23:30:00Z", "settlementState": "settledSuccessfully",
    "statistics": [],
}  # fmt: skip


def told(record: dict[str, Any]) -> Result:
    return canned.gateway(record)[0].status(GatewayRef("60020000001", Instrument.CARD))


@pytest.mark.parametrize("status,card,bank,state", [
    ("capturedPendingSettlement", APPROVED, PENDING, State.PENDING_SETTLEMENT),
    ("updatingSettlement", APPROVED, PENDING, State.PENDING_SETTLEMENT),
    ("pendingFinalSettlement", APPROVED, PENDING, State.PENDING_SETTLEMENT),
    ("pendingSettlement", APPROVED, PENDING, State.PENDING_SETTLEMENT),
    ("settledSuccessfully", APPROVED, APPROVED, State.SETTLED),
    ("authorizedPendingCapture", PENDING, PENDING, State.AUTHORIZED),
    ("approvedReview", PENDING, PENDING, State.AUTHORIZED),
    ("underReview", PENDING, PENDING, State.AUTHORIZED),
    ("FDSPendingReview", PENDING, PENDING, State.AUTHORIZED),
    ("FDSAuthorizedPendingReview", PENDING, PENDING, State.AUTHORIZED),
    ("declined", DECLINED, DECLINED, State.FAILED), ("failedReview", DECLINED, DECLINED, State.FAILED),
    ("settlementError", DECLINED, DECLINED, State.FAILED), ("voided", DECLINED, DECLINED, State.VOIDED),
    ("expired", DECLINED, DECLINED, State.VOIDED), ("generalError", ERROR, ERROR, State.FAILED),
    ("communicationError", ERROR, ERROR, State.FAILED), ("couldNotVoid", UNKNOWN, UNKNOWN, None),
    ("authorizedPendingRelease", UNKNOWN, UNKNOWN, None), ("somethingNew", UNKNOWN, UNKNOWN, None),
    ("returnedItem", DECLINED, DECLINED, State.RETURNED), ("chargeback", APPROVED, APPROVED, State.CHARGED_BACK),
    ("chargebackReversal", APPROVED, APPROVED, State.SETTLED),
])  # fmt: skip
def test_a_sale_by_its_status(status: str, card: Outcome, bank: Outcome, state: State | None) -> None:
    """All statuses of notes §3. A bank's debit counts once it is settled."""
    found = [told(make(transactionStatus=status)) for make in (details, bank_details)]
    assert [(one.outcome, one.state) for one in found] == [(card, state), (bank, state)]
    assert all(one.reason is None for one in found if one.outcome == APPROVED)
    assert all(one.reason is not None for one in found if one.outcome in (DECLINED, ERROR, UNKNOWN))


@pytest.mark.parametrize("status,card,bank", [
    ("refundPendingSettlement", APPROVED, PENDING), ("refundSettledSuccessfully", APPROVED, APPROVED),
])  # fmt: skip
def test_a_refund_by_its_status(status: str, card: Outcome, bank: Outcome) -> None:
    change = {"transactionStatus": status, "transactionType": "refundTransaction", "refTransId": "60020000000"}
    found = [told(make(**change)) for make in (details, bank_details)]
    assert [(one.kind, one.outcome, one.related) for one in found] == [
        (Kind.REFUND, card, "60020000000"), (Kind.REFUND, bank, "60020000000"),
    ]  # fmt: skip


def test_an_authorisation_stands_or_is_captured() -> None:
    held = told(details(transactionType="authOnlyTransaction", transactionStatus="authorizedPendingCapture"))
    assert (held.kind, held.outcome, held.state, held.money) == (Kind.AUTHORIZE, APPROVED, State.AUTHORIZED, USD)
    taken = told(details(transactionType="authOnlyTransaction", settleAmount=10))
    assert (taken.kind, taken.outcome, taken.approved) == (Kind.CAPTURE, APPROVED, Money(1000, "USD"))


@pytest.mark.parametrize("status", ["settledSuccessfully", "returnedItem"])
@pytest.mark.parametrize("items,code", [
    ([("C01", "2026-03-11")], ""), ([("C01", "2026-03-11"), ("R01", "2026-03-12")], "R01"),
    ([("R02", "2026-03-13"), ("R01", "2026-03-12")], "R02"),
])  # fmt: skip
def test_returned_items(status: str, items: list[tuple[str, str]], code: str) -> None:
    """Returns by their last code, whatever the status; a notice of change is none (ach-returns §4)."""
    rows = [{"id": n, "dateUTC": f"{day}T10:00:00Z", "code": c} for n, (c, day) in enumerate(items)]
    found = told(bank_details(transactionStatus=status, returnedItems=rows))
    assert (found.return_code, found.state) == (code, State.RETURNED if code else State.SETTLED)


def test_a_decline_by_its_code() -> None:
    found = told(details(transactionStatus="declined", responseCode=2, responseReasonCode=8))
    assert (found.outcome, found.reason, found.raw_code) == (DECLINED, Reason.EXPIRED_CARD, "8")


@pytest.mark.parametrize("code,reason", [(252, "fraud_suspected"), (253, "fraud_suspected"), (104, None)])
def test_a_review_is_of_fraud_or_of_a_bank_debit(code: int, reason: str | None) -> None:
    found = told(details(transactionStatus="underReview", responseReasonCode=code))
    assert found.reason == (Reason(reason) if reason else None)


@pytest.mark.parametrize("record", [
    {"messages": OK}, {"transaction": [], "messages": OK}, details(transId="60020000009"),
    details(transactionType="somethingNew"), canned.refusal("E00040"), b"", b"<html/>",
])  # fmt: skip
def test_what_is_no_record_is_unknown(record: Any) -> None:
    assert told(record).outcome == UNKNOWN


@pytest.mark.parametrize("amount", [None, "much", -1, 12.345, True])
def test_an_amount_that_cannot_be_is_none(amount: Any) -> None:
    found = told(details(authAmount=amount, settleAmount=amount))
    assert (found.money, found.approved) == (None, None)


@pytest.mark.parametrize("amount,minor", [(0.1, 10), (1234567.89, 123456789), (12, 1200), ("0.30", 30), (0.0, 0)])
def test_amounts_are_read_exactly(amount: Any, minor: int) -> None:
    found = told(details(authAmount=amount, settleAmount=amount))
    assert found.approved == Money(minor, "USD")


def test_a_capture_is_found_with_what_was_taken() -> None:
    hint = OrderHint(Kind.CAPTURE, USD, "1111", datetime(2026, 3, 9, tzinfo=UTC), related="60020000001")
    row = details(transactionType="authOnlyTransaction", requestedAmount=20, authAmount=10, settleAmount=10)
    [found] = canned.gateway(row)[0].find(KEY, hint)
    assert (found.outcome, found.money, found.approved) == (APPROVED, USD, Money(1000, "USD"))


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID])
def test_of_what_is_not_there_nothing_was_captured_or_voided(kind: Kind) -> None:
    hint = OrderHint(kind, USD, "1111", datetime(2026, 3, 9, tzinfo=UTC), related="60020000001")
    assert canned.gateway(canned.refusal("E00040"))[0].find(KEY, hint) == []
    [unknown] = canned.gateway()[0].find(KEY, OrderHint(kind, USD, "", datetime(2026, 3, 9, tzinfo=UTC)))
    assert (unknown.outcome, unknown.kind) == (UNKNOWN, kind)


def test_a_page_that_is_full_is_followed_by_the_next() -> None:
    """offset is the number of the page (1, 2, …)."""
    row = {"transId": "1", "invoiceNumber": "x", "submitTimeUTC": "2026-03-09T10:00:00Z"}
    full, rest = {"transactions": [row] * 1000, "messages": OK}, {"transactions": [row], "messages": OK}
    gateway, wire = canned.gateway(full, rest, {"messages": OK})
    assert gateway.find(KEY, OrderHint(Kind.SALE, USD, "", datetime(2026, 3, 9, 10, tzinfo=UTC))) == []
    pages = [asked["getUnsettledTransactionListRequest"]["paging"]["offset"] for asked in wire.asked[:2]]
    assert pages == [1, 2] and "getSettledBatchListRequest" in wire.asked[2]


# Reports


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    plain = {"transId": "1", "invoiceNumber": KEY, "transactionStatus": "settledSuccessfully", "settleAmount": 12.34}
    return {"transactions": [plain | row for row in rows], "messages": OK}


def batches(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"batchList": [BATCH | row for row in rows], "messages": OK}


def test_the_day_is_asked_for_in_utc() -> None:
    gateway, wire = canned.gateway({"messages": OK})
    assert gateway.settlement(DAY) == []
    asked = wire.asked[0]["getSettledBatchListRequest"]
    assert (asked["firstSettlementDate"], asked["lastSettlementDate"]) == (
        "2026-03-09T00:00:00Z", "2026-03-09T23:59:59Z",
    )  # fmt: skip


@pytest.mark.parametrize("time,is_in", [
    ("2026-03-08T23:59:59Z", False), ("2026-03-09T00:00:00Z", True), ("2026-03-09T23:59:59.999Z", True),
    ("2026-03-10T00:00:00Z", False), ("2026-03-10T00:30:00+01:00", True),
])  # fmt: skip
def test_the_day_has_its_bounds(time: str, is_in: bool) -> None:
    gateway, _wire = canned.gateway(batches({"settlementTimeUTC": time}), listed({}))
    found = [(one.moved, one.money, one.key, one.batch) for one in gateway.settlement(DAY)]
    assert found == ([(Moved.CAPTURE, USD, KEY, "b-1")] if is_in else [])


@pytest.mark.parametrize("status", ["declined", "voided", "expired", "generalError", "communicationError",
                                    "failedReview", "settlementError", "couldNotVoid"])  # fmt: skip
def test_what_moved_nothing_is_in_no_report(status: str) -> None:
    gateway, _wire = canned.gateway(batches({}), listed({"transactionStatus": status}, {}))
    assert [one.moved for one in gateway.settlement(DAY)] == [Moved.CAPTURE]


@pytest.mark.parametrize("row", [
    {"transactionStatus": "somethingNew"}, {"transactionStatus": ""}, {"settleAmount": None}, {"settleAmount": "much"},
    {"transId": ""},
])  # fmt: skip
def test_a_line_that_cannot_be_understood_spoils_the_report(row: dict[str, Any]) -> None:
    gateway, _wire = canned.gateway(batches({}), listed(row))
    with pytest.raises(GatewayDown):
        gateway.settlement(DAY)


@pytest.mark.parametrize("batch", [{"settlementTimeUTC": "soon"}, {"batchId": ""}])
def test_a_batch_without_number_or_time_spoils_the_report(batch: dict[str, Any]) -> None:
    gateway, _wire = canned.gateway(batches(batch), listed({}))
    with pytest.raises(GatewayDown):
        gateway.settlement(DAY)


def test_a_batch_that_failed_settled_nothing() -> None:
    assert canned.gateway(batches({"settlementState": "settlementError"}))[0].settlement(DAY) == []


def test_a_return_with_a_number_of_its_own_names_the_debit() -> None:
    """Where a return is another transaction that refers to the debit, its own batch is the day's."""
    record = bank_details(
        transId="1", refTransId="60020000001", transactionStatus="returnedItem", batch={"batchId": "b-1"},
        returnedItems=[{"id": "r", "dateUTC": "2026-03-09T10:00:00Z", "code": "R03", "description": "No account"}],
    )  # fmt: skip
    gateway, _wire = canned.gateway(batches({}), listed({"transactionStatus": "returnedItem"}), record)
    [found] = gateway.settlement(DAY)
    assert (found.moved, found.related, found.code, found.text) == (Moved.RETURN, "60020000001", "R03", "No account")


def test_a_refund_that_a_bank_sends_back_is_in_our_favour() -> None:
    record = bank_details(
        transId="1", transactionType="refundTransaction", refTransId="60020000001", transactionStatus="returnedItem",
        batch={"batchId": "b-0"}, returnedItems=[{"id": "r", "dateUTC": "2026-03-09T10:00:00Z", "code": "R23"}],
    )  # fmt: skip
    gateway, _wire = canned.gateway(batches({}), listed({"transactionStatus": "returnedItem"}), record)
    [found] = gateway.settlement(DAY)
    assert (found.moved, found.code, found.text) == (Moved.ADJUSTMENT, "R23", "refund returned")


@pytest.mark.parametrize("since,months", [
    (datetime(2026, 3, 9, tzinfo=UTC), ["2026-03"]),
    (datetime(2026, 2, 28, 23, 59, tzinfo=UTC), ["2026-02", "2026-03"]),
    (datetime(2025, 12, 31, tzinfo=UTC), ["2025-12", "2026-01", "2026-02", "2026-03"]),
])  # fmt: skip
def test_news_are_asked_for_by_months(since: datetime, months: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.office.clock.now", lambda: datetime(2026, 3, 9, 12, tzinfo=UTC))
    gateway, wire = canned.gateway(*[{"messages": {"resultCode": "Ok", "message": [{"code": "I00004"}]}}] * len(months))
    assert gateway.updates(since) == []
    assert [asked["getAUJobDetailsRequest"]["month"] for asked in wire.asked] == months


@pytest.mark.parametrize("row", [{"customerPaymentProfileID": None}, {"updateTimeUTC": "soon"}])
def test_news_without_method_or_time_are_no_list(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.office.clock.now", lambda: datetime(2026, 3, 9, 12, tzinfo=UTC))
    plain = {"customerPaymentProfileID": 800000002, "updateTimeUTC": "2026-03-09T10:00:00Z", "auReasonCode": "NED"}
    gateway, _wire = canned.gateway({"auDetails": {"auUpdate": [plain | row]}, "messages": OK})
    with pytest.raises(GatewayDown):
        gateway.updates(datetime(2026, 3, 1, tzinfo=UTC))
