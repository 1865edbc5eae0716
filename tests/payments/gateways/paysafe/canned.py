"""Replies as the processor notes have them, without any server."""

import json
from typing import Any

from payments.gateways.base import Instrument, MethodRef, Money, OrderRef, Result
from payments.gateways.paysafe import Gateway
from payments.gateways.wire import Answer, Wire

SETTINGS = {
    "base_url": "https://api.test.paysafe.com", "user": "pmle-1", "password": "B-qa2-0-5f",
    "public_key": "cHViOmtleQ==", "account_id": "1001234560", "hmac_key": "paysafe-hmac-key",
}  # fmt: skip
CARD = MethodRef("MUxy12", Instrument.CARD, "cust-1", "1111")
BANK = MethodRef("MUab34", Instrument.BANK, "cust-1", "13")
ORDER = OrderRef("INV-1", ip="203.0.113.9")
USD = Money(1100, "USD")


class Canned(Wire):
    """Answers the calls in turn. asked: (method, url, body) of each."""

    def answering(self, *replies: tuple[int, Any]) -> "Canned":
        self.replies, self.asked, self.sent_headers = list(replies), [], []  # type: ignore[var-annotated]
        return self

    def send(self, method: str, url: str, *, data: Any = None, headers: Any = None, **rest: Any) -> Answer:
        self.asked.append((method, url, json.loads(data) if data else rest.get("params")))
        self.sent_headers.append(headers)
        status, body = self.replies.pop(0)
        return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def gateway(*replies: tuple[int, Any], **settings: str) -> tuple[Gateway, Canned]:
    wire = Canned().answering(*replies)
    return Gateway("north", SETTINGS | settings, wire), wire


def charged(*replies: tuple[int, Any], method: MethodRef = CARD) -> Result:
    """What comes of a charge of 11.00 that is answered so."""
    return gateway(*replies)[0].charge(method, USD, "att-7", ORDER, None)


def payment(**changed: Any) -> dict[str, Any]:
    """A sale by card, as it answers."""
    return {
        "id": "pay-1", "merchantRefNum": "att-7", "amount": 1100, "currencyCode": "USD", "status": "COMPLETED",
        "txnTime": "2026-03-09T14:05:06Z", "paymentType": "CARD", "settleWithAuth": True, "availableToSettle": 0,
        "card": {"cardType": "VI", "lastDigits": "1111", "cardExpiry": {"month": 9, "year": 2029}},
        "gatewayResponse": {"processor": "TPS", "code": "00", "avsCode": "Z", "cvv2Result": "M", "authCode": "804513"},
        "settlements": [{"id": "set-1", "status": "PENDING", "amount": 1100, "availableToRefund": 1100}], **changed,
    }  # fmt: skip


def settlement(**changed: Any) -> dict[str, Any]:
    return {
        "id": "set-1", "merchantRefNum": "att-7", "amount": 1100, "currencyCode": "USD", "status": "PENDING",
        "txnTime": "2026-03-09T14:05:06Z", **changed,
    }  # fmt: skip


def decline(code: str, message: str = "No.") -> dict[str, Any]:
    """HTTP 402: an error beside the id of what was declined."""
    return {
        "id": "pay-1", "merchantRefNum": "att-7", "error": {"code": code, "message": message, "links": []},
        "riskReasonCode": [], "settleWithAuth": True, "cvvVerification": "NO_MATCH",
    }  # fmt: skip
