"""Replies as the processor notes have them, without any server."""

import json
from typing import Any
from uuid import uuid4

from payments.gateways.base import (
    GatewayRef,
    Instrument,
    Kind,
    MethodRef,
    Money,
    OrderHint,
    OrderRef,
    Result,
)
from payments.gateways.dwolla import Gateway
from payments.gateways.wire import Answer, Wire
from tests.payments.gateways.dwolla.desk import NOW

HOST = "https://api-sandbox.dwolla.com"
BANK = MethodRef(f"{HOST}/funding-sources/A", Instrument.BANK, f"{HOST}/customers/C", "6789")
TRANSFER = f"{HOST}/transfers/0f-1"
TWELVE = Money(12_34, "USD")
REF = GatewayRef(TRANSFER, Instrument.BANK)
HINT = OrderHint(Kind.SALE, TWELVE, "6789", NOW, Instrument.BANK, "", BANK.payer_id)
Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Exception


class Canned(Wire):
    """Answers the calls in turn; a token is always to be had. asked: (method, url, what) of each, sent: headers."""

    def answering(self, *replies: Reply) -> "Canned":
        self.replies, self.asked, self.sent = list(replies), [], []  # type: ignore[var-annotated]
        return self

    def send(self, method: str, url: str, *, data: Any = None, headers: Any = None, **rest: Any) -> Answer:
        if url.endswith("/token"):
            self.token = (data, rest.get("auth"))
            return Answer(200, {}, b'{"access_token":"t-1","token_type":"bearer","expires_in":3600}')
        self.asked.append((method, url, json.loads(data) if data else rest.get("params")))
        self.sent.append(headers)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, body, told = (*reply, {})[:3]
        return Answer(status, told, body if isinstance(body, bytes) else json.dumps(body).encode())


def gateway(*replies: Reply) -> tuple[Gateway, Canned]:
    """key: another each time, so that no token is left from another test."""
    wire = Canned().answering(*replies)
    settings = {
        "base_url": HOST, "key": f"k-{uuid4()}", "secret": "s", "webhook_secret": "w",
        "funding_source": f"{HOST}/funding-sources/B",
    }  # fmt: skip
    return Gateway("dwolla", settings, wire), wire


def charged(*replies: Reply, money: Money = TWELVE) -> Result:
    return gateway(*replies)[0].charge(BANK, money, "att-7", OrderRef("INV-1"), None)


def refusal(code: str, path: str = "", text: str = "", status: int = 400) -> Reply:
    """A validation error with one embedded error."""
    error = {"code": code, "message": text, "path": path}
    return (status, {"code": "ValidationError", "message": "See embedded errors.", "_embedded": {"errors": [error]}})


def row(status: str, **changed: Any) -> dict[str, Any]:
    links = {
        "self": TRANSFER, "source": f"{HOST}/customers/C", "destination": f"{HOST}/accounts/X",
        "source-funding-source": f"{HOST}/funding-sources/A", "destination-funding-source": f"{HOST}/funding-sources/B",
    } | changed.pop("links", {})  # fmt: skip
    return {
        "id": "0f-1", "status": status, "amount": {"value": "12.34", "currency": "USD"}, "correlationId": "att-7",
        "created": "2026-03-09T15:00:00.000Z", "_links": {name: {"href": href} for name, href in links.items()},
    } | changed  # fmt: skip


def status(*replies: Reply) -> Result:
    return gateway(*replies)[0].status(REF)
