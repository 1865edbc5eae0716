"""Replies as the processor notes have them (dwolla.md §1-§5), read without any server."""

from base64 import b64encode
from typing import Any

import pytest

from payments.gateways.base import (
    Advice,
    GatewayRef,
    HostedToken,
    Instrument,
    Money,
    OrderRef,
    Outcome,
    PayerRef,
    Reason,
    State,
)
from payments.gateways.wire import Lost, NotSent
from tests.payments.gateways.dwolla.canned import (
    BANK,
    HINT,
    HOST,
    TRANSFER,
    TWELVE,
    Reply,
    charged,
    gateway,
    refusal,
    row,
    status,
)

# What is said


def test_a_transfer_as_the_notes_have_it() -> None:
    found, wire = gateway((201, b"", {"location": TRANSFER}))
    result = found.charge(BANK, TWELVE, "att-7", OrderRef("INV-1"), None)
    assert (result.outcome, result.ref, result.state) == (Outcome.PENDING, TRANSFER, State.PENDING_SETTLEMENT)
    body = {
        "_links": {
            "source": {"href": f"{HOST}/funding-sources/A"}, "destination": {"href": f"{HOST}/funding-sources/B"},
        },
        "amount": {"value": "12.34", "currency": "USD"}, "metadata": {"order": "INV-1"}, "correlationId": "att-7",
    }  # fmt: skip
    assert wire.asked == [("POST", f"{HOST}/transfers", body)]
    (headers,) = wire.sent
    assert headers["accept"] == headers["content-type"] == "application/vnd.dwolla.v1.hal+json"
    assert headers["authorization"] == "Bearer t-1"
    assert len(headers["idempotency-key"]) == 36


def test_a_token_is_asked_for_as_the_documentation_says() -> None:
    found, wire = gateway((201, b"", {"location": TRANSFER}))
    found.charge(BANK, TWELVE, "att-7", OrderRef("INV-1"), None)
    form, pair = wire.token
    assert form == {"grant_type": "client_credentials"}
    assert pair == (found.settings["key"], "s")
    assert b64encode(b"k:s").decode() not in str(wire.sent)


@pytest.mark.parametrize(
    ("minor", "text"), [(1, "0.01"), (10, "0.10"), (100, "1.00"), (12_34, "12.34"), (9_999_999_99, "9999999.99")]
)
def test_amounts_have_two_decimals_exactly(minor: int, text: str) -> None:
    found, wire = gateway((201, b"", {"location": TRANSFER}))
    found.charge(BANK, Money(minor, "USD"), "att-7", OrderRef("INV-1"), None)
    assert wire.asked[0][2]["amount"]["value"] == text


# What is answered


@pytest.mark.parametrize(
    "reply",
    [
        (200, b""), (201, b""), (201, b"", {"location": f"{HOST}/customers/C"}), (200, b"", {"location": TRANSFER}),
        (200, [], {"location": TRANSFER}), (201, b"<html>", {"location": TRANSFER}), (202, {}), (204, b""), (302, b""),
        (500, {"code": "ServerError"}), (504, {"code": "RequestTimeout"}), (409, {"code": "Conflict"}),
        (503, b"<html>"), (400, b""), (400, {"code": "SomethingNew"}), (418, {"code": "ValidationFault"}),
        Lost("ReadTimeout"),
    ],
)  # fmt: skip
def test_only_201_with_the_address_of_a_transfer_is_a_yes(reply: Reply) -> None:
    """Whatever cannot be shown not to have moved money is unknown, an unlisted code among it."""
    result = charged(reply)
    assert (result.outcome, result.money) == (Outcome.UNKNOWN, TWELVE)
    assert result.reason in (Reason.GATEWAY_ERROR, Reason.GATEWAY_TIMEOUT)


def test_an_unlisted_code_is_kept() -> None:
    assert charged((400, {"code": "SomethingNew", "message": "m"})).raw_code == "SomethingNew"


DECLINED, ERROR = Outcome.DECLINED, Outcome.ERROR


@pytest.mark.parametrize(
    ("reply", "outcome", "reason"),
    [
        (refusal("InsufficientFunds", "/amount/value"), DECLINED, Reason.INSUFFICIENT_FUNDS),
        (refusal("Restricted", "/_links/source/href"), DECLINED, Reason.AUTHORIZATION_REVOKED),
        (refusal("Invalid", "/_links/source/href", "Sender Restricted."), DECLINED, Reason.AUTHORIZATION_REVOKED),
        (refusal("Invalid", "/_links/destination/href", "Receiver restricted."), DECLINED, "authorization_revoked"),
        (refusal("Invalid", "/amount/value", "greater than your transaction limit."), DECLINED, "limit_exceeded"),
        (refusal("Invalid", "/amount/value", "must be a positive number."), ERROR, Reason.GATEWAY_ERROR),
        (refusal("Invalid", "/_links/source/href", "Invalid funding source."), DECLINED, Reason.INVALID_ACCOUNT),
        (refusal("Invalid", "/_links/destination/href", "Invalid."), ERROR, Reason.GATEWAY_ERROR),
        (refusal("Required", "/amount/currency"), ERROR, Reason.GATEWAY_ERROR),
        (refusal("InvalidFormat", "/correlationId"), ERROR, Reason.GATEWAY_ERROR),
        (refusal("ReadOnly", "/status"), ERROR, Reason.GATEWAY_ERROR),
        (refusal("NotAllowed", "/metadata", "Metadata not supported"), ERROR, Reason.GATEWAY_ERROR),
        (refusal("RequiresFundingSource"), ERROR, Reason.GATEWAY_ERROR),
        (refusal("Duplicate"), DECLINED, Reason.DUPLICATE),
        (refusal("NobodyHeardOfIt", "/x"), ERROR, Reason.GATEWAY_ERROR),
        ((400, {"code": "ValidationError"}), ERROR, Reason.GATEWAY_ERROR),
        ((403, {"code": "Forbidden"}), ERROR, Reason.GATEWAY_ERROR),
        ((404, {"code": "NotFound"}), ERROR, Reason.GATEWAY_ERROR),
        ((406, {"code": "InvalidVersion"}), ERROR, Reason.GATEWAY_ERROR),
        ((429, {"code": "TooManyRequests"}), ERROR, Reason.GATEWAY_ERROR),
        ((403, {"code": "InvalidResourceState"}), DECLINED, Reason.GATEWAY_ERROR),
        (NotSent("ConnectTimeout"), ERROR, Reason.GATEWAY_ERROR),
    ],
)  # fmt: skip
def test_each_documented_error_has_its_meaning(reply: Reply, outcome: Outcome, reason: Reason) -> None:
    result = charged(reply)
    assert (result.outcome, result.reason, result.ref) == (outcome, reason, "")


@pytest.mark.parametrize("code", ["ExpiredAccessToken", "InvalidAccessToken", "InvalidCredentials"])
def test_a_token_is_replaced_once_and_never_twice(code: str) -> None:
    refused: Reply = (401, {"code": code})
    assert charged(refused, (201, b"", {"location": TRANSFER})).outcome == Outcome.PENDING
    assert charged(refused, refused).outcome == Outcome.ERROR


def test_a_401_that_is_not_dwollas_is_not_sent_again() -> None:
    for reply in ((401, b"<html>"), (401, {"code": "Else"})):
        found, wire = gateway(reply)
        assert found.charge(BANK, TWELVE, "att-7", OrderRef("INV-1"), None).outcome == Outcome.UNKNOWN
        assert len(wire.asked) == 1


def test_too_many_calls_wait_as_told_or_five_minutes() -> None:
    body = {"code": "TooManyRequests"}
    told, untold = charged((429, body, {"retry-after": "30"})), charged((429, body))
    assert told.retry_after and untold.retry_after
    assert told.advice == Advice.RETRY_AFTER
    assert 260 < (untold.retry_after - told.retry_after).total_seconds() < 280


# Transfers as they stand


@pytest.mark.parametrize(
    ("word", "outcome", "state"),
    [
        ("pending", Outcome.PENDING, State.PENDING_SETTLEMENT), ("processed", Outcome.APPROVED, State.SETTLED),
        ("cancelled", Outcome.DECLINED, State.VOIDED), ("reclaimed", Outcome.UNKNOWN, None),
        ("", Outcome.UNKNOWN, None), ("Processed", Outcome.UNKNOWN, None),
    ],
)  # fmt: skip
def test_each_status_of_a_transfer(word: str, outcome: Outcome, state: State | None) -> None:
    result = status((200, row(word)))
    assert (result.outcome, result.state, result.ref) == (outcome, state, TRANSFER)


@pytest.mark.parametrize(
    ("failure", "code", "reason", "state"),
    [
        ({"code": "R01", "description": "Insufficient Funds"}, "R01", Reason.INSUFFICIENT_FUNDS, State.RETURNED),
        ({"code": "R29"}, "R29", Reason.AUTHORIZATION_REVOKED, State.RETURNED),
        ({"code": "R99"}, "R99", Reason.GATEWAY_ERROR, State.RETURNED),
        ({"code": "SomethingElse"}, "", Reason.GATEWAY_ERROR, State.FAILED),
    ],
)  # fmt: skip
def test_a_failed_transfer_says_why(failure: dict[str, str], code: str, reason: Reason, state: State) -> None:
    result = status((200, row("failed")), (200, failure))
    assert (result.outcome, result.return_code, result.reason, result.state) == (
        Outcome.DECLINED, code, reason, state,
    )  # fmt: skip
    assert result.raw_code == failure["code"]


def test_a_leg_may_know_why() -> None:
    """Bank legs have transfers of their own; where the payment says nothing they are asked."""
    absent: Reply = (404, {"code": "notFound"})
    links = {"funding-transfer": f"{HOST}/transfers/leg-1"}
    assert status((200, row("failed", links=links)), absent, (200, {"code": "R16"})).return_code == "R16"
    silent = status((200, row("failed")), absent)
    assert (silent.outcome, silent.return_code, silent.state) == (Outcome.DECLINED, "", State.FAILED)


@pytest.mark.parametrize("value", ["12.345", "x", "", "NaN", "-1.00", None, True, [], "Infinity"])
def test_an_amount_that_cannot_be_is_not_guessed(value: object) -> None:
    result = status((200, row("processed", amount={"value": value, "currency": "USD"})))
    assert (result.outcome, result.money) == (Outcome.UNKNOWN, None)


@pytest.mark.parametrize(("value", "minor"), [("12.3", 12_30), ("12", 12_00), ("0.01", 1), (12.34, 12_34), (0, 0)])
def test_an_amount_is_read_exactly(value: object, minor: int) -> None:
    assert status((200, row("processed", amount={"value": value, "currency": "USD"}))).money == Money(minor, "USD")


def test_addresses_come_home() -> None:
    """A proxy, or an old host: what we keep can be compared as text, and our token goes nowhere else."""
    elsewhere = row("processed", links={"self": "https://other.example/transfers/0f-1"})
    assert status((200, elsewhere)).ref == TRANSFER
    found, wire = gateway((200, row("processed")))
    found.status(GatewayRef("https://evil.example/transfers/0f-1", Instrument.BANK))
    assert [url for _method, url, _what in wire.asked] == [TRANSFER]


# Looking for a key


def listing(*rows: dict[str, Any]) -> Reply:
    return (200, {"_embedded": {"transfers": list(rows)}, "total": len(rows)})


def test_find_reads_all_pages_and_takes_only_its_own() -> None:
    """Even from a processor that does not filter, or gives few rows at a time."""
    others = [row("processed", id=f"o-{place}", correlationId="att-70") for place in range(3)]
    found, wire = gateway(listing(*others), listing(row("processed")), listing())
    assert [one.key for one in found.find("att-7", HINT)] == ["att-7"]
    assert [what["offset"] for _method, _url, what in wire.asked] == ["0", "3", "4"]
    assert {(url, what["correlationId"]) for _method, url, what in wire.asked} == {
        (f"{HOST}/customers/C/transfers", "att-7")
    }


@pytest.mark.parametrize(
    "reply", [(200, {}), (200, {"total": 0}), (200, {"_embedded": {}}), (200, {"_embedded": {"transfers": [1]}}),
              (404, {"code": "NotFound"}), (500, {"code": "ServerError"}), Lost("x"), NotSent("x")]
)  # fmt: skip
def test_only_a_list_proves_an_absence(reply: Reply) -> None:
    assert [one.outcome for one in gateway(reply)[0].find("att-7", HINT)] == [Outcome.UNKNOWN]
    assert gateway(listing())[0].find("att-7", HINT) == []


# Keeping bank accounts


def test_a_server_error_in_dwollas_own_words_is_read_back_too() -> None:
    """Whether the amounts were compared is not known; whether the account is proven is."""
    trouble: Reply = (500, {"code": "ServerError", "message": "m"})
    for word, outcome in (("verified", Outcome.APPROVED), ("unverified", Outcome.UNKNOWN)):
        found, _wire = gateway(trouble, (200, {"id": "A", "status": word}))
        assert found.confirm_micro_deposits(BANK, (3, 7), "att-7").outcome == outcome
    kept = {
        "id": "A", "name": "Bank att-7", "_links": {"self": {"href": BANK.token}, "customer": {"href": BANK.payer_id}},
    }  # fmt: skip
    for rows, outcome in (([kept], Outcome.APPROVED), ([], Outcome.UNKNOWN)):
        found, _wire = gateway(trouble, (200, {"_embedded": {"funding-sources": rows}}))
        token, payer = HostedToken("p-1", Instrument.BANK), PayerRef("p", "Ada", vault_id="C")
        assert found.store(token, payer, "att-7").outcome == outcome


def test_a_balance_is_no_bank_account() -> None:
    balance = {"id": "A", "type": "balance", "status": "verified", "_links": {"customer": {"href": BANK.payer_id}}}
    found, _wire = gateway((200, balance))
    result = found.store(HostedToken(BANK.token, Instrument.BANK), PayerRef("p", "Ada", vault_id="C"), "att-7")
    assert (result.outcome, result.token) == (Outcome.DECLINED, "")


def test_a_duplicate_is_adopted_however_it_is_told() -> None:
    """In the answer itself or in an embedded error, with a link to the one that is there."""
    about = {"_links": {"about": {"href": f"{HOST}/funding-sources/A"}}}
    bank = {
        "id": "A", "status": "verified", "bankName": "Bank", "fingerprint": "f-1",
        "_links": {"self": {"href": f"{HOST}/funding-sources/A"}, "customer": {"href": f"{HOST}/customers/C"}},
    }  # fmt: skip
    embedded = {"code": "ValidationError", "_embedded": {"errors": [{"code": "Duplicate", "path": "", **about}]}}
    for body in ({"code": "DuplicateResource", **about}, embedded):
        found, _wire = gateway((400, body), (200, bank))
        result = found.store(HostedToken("p-1", Instrument.BANK), PayerRef("p", "Ada", vault_id="C"), "att-7")
        assert (result.outcome, result.existing, result.token) == (Outcome.APPROVED, True, BANK.token)
        assert result.payer_id == BANK.payer_id


def test_an_error_with_numbers_in_it_is_scrubbed() -> None:
    card = "4111111111111111"
    result = charged(refusal("Invalid", "/accountNumber", f"Invalid {card}"))
    assert card not in result.raw_text and result.reason == Reason.INVALID_ACCOUNT
