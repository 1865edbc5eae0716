"""The gateway's memory and what all its desks need: numbers, credentials, events."""

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime
from typing import Any, ClassVar

from tests.sandbox.nmi.events import transaction_body
from tests.sandbox.nmi.records import Action, Method, Token, Transaction, Vault
from tests.sandbox.nmi.words import Refused, said
from tests.sandbox.processor import Processor
from tests.sandbox.server import dumps
from tests.sandbox.wire import Reply, Request

MINUTE, HOUR = 60, 3600


class Desk(Processor):
    """Settings of the merchant account are plain attributes, so that a test may change them.

    dup_seconds: the account's own window. compares_orders: whether two order ids make two payments.
    may_disable: whether dup_seconds=0 is allowed. per_minute: requests before 3/301, None for no end.
    """

    name = "nmi"
    title = "PrecisePay (NMI)"
    security_key: ClassVar[str] = "sandbox-precisepay-security-key"
    demo_key: ClassVar[str] = "6457Thfj624V5r7WUwc5v6a68Zsd6YEm"  # published for everybody
    tokenization_key: ClassVar[str] = "sandbox-precisepay-public-key"
    signing_key: ClassVar[str] = "sandbox-precisepay-signing-key"
    merchant: ClassVar[dict[str, str]] = {"id": "1234", "name": "Test Account"}
    retries = (15, *(MINUTE,) * 3, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *(HOUR,) * 10, 12 * HOUR, 12 * HOUR, 24 * HOUR)
    kept = (
        "transactions", "vaults", "tokens", "asked", "numbers", "next_codes", "next_partial", "chargebacks",
        "dup_seconds", "compares_orders", "may_disable", "per_minute",
    )  # fmt: skip

    def start(self) -> None:
        self.transactions: dict[str, Transaction] = {}
        self.vaults: dict[str, Vault] = {}
        self.tokens: dict[str, Token] = {}
        self.numbers = 0
        self.asked: dict[str, Any] = {}
        self.next_codes: list[tuple[str, bool]] = []  # code, and whether the money is taken all the same
        self.next_partial: int | None = None
        self.chargebacks: list[str] = []
        self.dup_seconds = 1200
        self.compares_orders = False
        self.may_disable = True
        self.per_minute: int | None = None
        self.asked_at: list[datetime] = []
        self.webhooks.accepted = lambda status: status == 200

    def number(self, start: int) -> str:
        """The next id; nothing is numbered twice."""
        self.numbers += 1
        return str(start + self.numbers)

    def transaction_id(self) -> str:
        return self.number(3192000000)

    def is_known(self, form: dict[str, str]) -> bool:
        if form.get("security_key") in (self.security_key, self.demo_key):
            return True
        return (form.get("username"), form.get("password")) == ("demo", "password")

    def is_hurried(self) -> bool:
        """Whether this request is one too many of the last minute."""
        now = self.clock.now()
        self.asked_at = [at for at in self.asked_at if (now - at).total_seconds() < MINUTE]
        if self.per_minute is not None and len(self.asked_at) >= self.per_minute:
            return True
        self.asked_at.append(now)
        return False

    def too_often(self, request: Request) -> Reply:
        """The whole gateway is busy: HTTP 429. An account's own limit answers 3/301 instead."""
        return Reply(429, b"Too Many Requests", "text/html; charset=UTF-8", {"retry-after": "30"})

    def not_there(self, request: Request) -> Reply:
        return Reply(404, b"<html><body><h1>404 Not Found</h1></body></html>", "text/html; charset=UTF-8")

    def refusal(self, wrong: Refused, form: dict[str, str]) -> Reply:
        text = f"{wrong.text} REFID:{self.number(140000000)}" if wrong.with_ref else wrong.text
        vault = {"customer_vault_id": form["customer_vault_id"]} if form.get("customer_vault_id") else {}
        return said(
            "300", text, transactionid=wrong.transaction_id, orderid=form.get("orderid", ""),
            type=form.get("type", ""), **vault,
        )  # fmt: skip

    # Events

    def emit(self, topic: str, body: dict[str, Any]) -> None:
        """Sign and queue. The nonce is no time, and there is nothing to judge freshness by."""
        event = {"event_id": str(uuid.uuid4()), "event_type": topic, "event_body": body}
        raw = dumps(event)
        headers = {"Content-Type": "application/json", "Webhook-Signature": self.signature(raw)}
        self.webhooks.emit(str(event["event_id"]), topic, raw, headers)

    def signature(self, raw: bytes, nonce: str = "") -> str:
        nonce = nonce or secrets.token_hex(8)
        signed = hmac.new(self.signing_key.encode(), nonce.encode() + b"." + raw, hashlib.sha256).hexdigest()
        return f"t={nonce},s={signed}"

    def act(self, row: Transaction, action: Action, topic: str = "") -> None:
        """Note what befell a transaction and tell the merchant: transaction.sale.success and its like."""
        action.condition = row.condition
        row.actions.append(action)
        unclear = row.condition == "unknown"
        outcome = "success" if action.is_success else "unknown" if unclear else "failure"
        self.emit(topic or f"transaction.{action.kind}.{outcome}", transaction_body(self.merchant, row, action))

    def book(self, kind: str, row: Transaction, minor: int, note: str = "", key: str = "") -> None:
        self.ledger.add(self.clock.now(), kind, row.id, key or row.order_id, minor, row.currency, note)

    def spend(self, token: str) -> Token:
        """Raises Refused for a token that is unknown, used or a day old."""
        found = self.tokens.get(token)
        if found is None or found.is_used or (self.clock.now() - found.made_at).total_seconds() >= 24 * HOUR:
            raise Refused("Invalid Payment Token", with_ref=False)
        found.is_used = True
        return found

    def mint(self, method: Method, cvv: str = "") -> str:
        token = str(uuid.uuid4())
        self.tokens[token] = Token(method, self.clock.now(), cvv)
        return token
