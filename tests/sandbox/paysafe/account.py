"""The account: credentials, what is remembered, who may ask, and how it answers."""

import base64
import secrets
import string
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from tests.sandbox.faults import Fault
from tests.sandbox.paysafe import simulator
from tests.sandbox.paysafe.errors import Refused, error_reply
from tests.sandbox.paysafe.records import (
    Customer,
    Handle,
    Instrument,
    Payment,
    Refund,
    Settlement,
    Verification,
    Void,
    stamp,
)
from tests.sandbox.paysafe.signing import event_body, sign
from tests.sandbox.processor import Processor
from tests.sandbox.wire import Reply, Request, json_reply

HUB = "/paymenthub/v1"
LEGACY = ("/cardpayments/v1", "/customervault/v1")
ID = r"(?P<id>[^/]+)"
# The one call that the public key may make.
PUBLIC = f"{HUB}/singleusepaymenthandles"
ALPHABET = string.ascii_letters + string.digits


class Recorded(Protocol):
    id: str
    ref: str
    at: datetime
    status: str


@dataclass
class Late(Reply):
    """An answer that the simulator holds back."""

    seconds: float = 0.0


class Account(Processor):
    """slowness: by what the simulator's seconds are multiplied. declines_burn: whether a merchantRefNum that was
    declined counts as used. embeds_settlements: whether payments are answered with their settlements."""

    user: ClassVar[str] = "sandbox-merchant"
    password: ClassVar[str] = "sandbox-private-key"
    public_user: ClassVar[str] = "sandbox-public"
    public_password: ClassVar[str] = "sandbox-public-key"
    hmac_key: ClassVar[str] = "sandbox-webhook-key"
    # A merchant account has one currency.
    accounts: ClassVar[Mapping[str, str]] = {"1000000001": "USD", "1000000002": "CAD"}
    kept: ClassVar[tuple[str, ...]] = (
        "handles", "payments", "settlements", "refunds", "voids", "verifications", "customers",
        "declining", "next_code", "unpaid",
    )  # fmt: skip
    # Three attempts in all; the seconds between them are not published.
    retries: ClassVar[tuple[float, ...]] = (300.0, 3600.0)

    def start(self) -> None:
        self.slowness = 1.0
        self.declines_burn = False
        self.embeds_settlements = True
        self.webhooks.accepted = lambda status: status in (200, 202)
        self.handles: dict[str, Handle] = {}
        self.payments: dict[str, Payment] = {}
        self.settlements: dict[str, Settlement] = {}
        self.refunds: dict[str, Refund] = {}
        self.voids: dict[str, Void] = {}
        self.verifications: dict[str, Verification] = {}
        self.customers: dict[str, Customer] = {}
        self.declining: dict[str, str] = {}  # token of a handle → code
        self.next_code = ""
        self.unpaid: dict[str, int] = {}  # currency → what the next payout pays, below zero where it is owed to them

    # Answering

    @classmethod
    def public_key(cls) -> str:
        """What a page hands to Paysafe.js."""
        return base64.b64encode(f"{cls.public_user}:{cls.public_password}".encode()).decode()

    def answer(self, request: Request) -> Reply:
        try:
            if request.path.startswith((HUB, *LEGACY)):
                self._check_allowed(request)
            reply = super().answer(request)
        except Refused as refused:
            return refused.reply()
        if isinstance(reply, Late):
            time.sleep(reply.seconds * self.slowness)
        return reply

    def _check_allowed(self, request: Request) -> None:
        """Raises 5279 for nobody we know, 5270 for the public key where the private one is needed."""
        scheme, _blank, given = request.headers.get("authorization", "").partition(" ")
        private = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if scheme != "Basic" or given not in (private, self.public_key()):
            raise Refused("5279")
        if given != private and request.path != PUBLIC:
            raise Refused("5270")

    def not_there(self, request: Request) -> Reply:
        if request.path.startswith(LEGACY):
            return Refused("5023", f"Request method {request.method} not supported").reply()
        known = any(pattern.fullmatch(request.path) for _method, pattern, _name in self._routes)
        return Refused("5281" if known else "5269").reply()

    def too_often(self, request: Request) -> Reply:
        return Refused("1200").reply()

    def not_allowed(self, request: Request) -> Reply:
        return Refused("5275").reply()

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        """One minor unit more than is true."""
        found = Request("", "", [], {}, reply.body).json()
        for row in (found, *found.get("payments", [])):
            if "amount" in row:
                row["amount"] += 1
        return Reply(reply.status, json_reply(found).body, reply.content_type, reply.headers)

    # What all calls need

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def new_token(self, start: str) -> str:
        return start + "".join(secrets.choice(ALPHABET) for _ in range(14))

    def account_of(self, asked: Mapping[str, Any], account: str = "") -> tuple[str, str]:
        """(merchant account, currency). Raises 5016 for no account of ours, 5001 for a currency it does not have."""
        account = account or str(asked.get("accountId") or "")
        if account and account not in self.accounts:
            raise Refused("5016")
        currency = str(asked.get("currencyCode") or self.accounts.get(account, ""))
        fitting = [name for name, has in self.accounts.items() if has == currency and account in ("", name)]
        if not fitting:
            raise Refused("5001")
        return fitting[0], currency

    def check_unused(self, records: Mapping[str, Recorded], ref: str) -> None:
        """Raises 5031 for a merchantRefNum that this endpoint has seen; the first result is not given again.

        What was declined at once does not count; a debit that was taken in and failed later does.
        """
        for record in records.values():
            is_declined = record.status == "FAILED" and record.id not in self.settlements
            if record.ref == ref and (self.declines_burn or not is_declined):
                raise Refused("5031")

    def is_seen(self, record: Recorded) -> bool:
        """Whether a query finds it by now."""
        blind = self.faults.blindness()
        return not blind or record.at <= self.clock.now() - timedelta(seconds=blind)

    def verdict(self, instrument: Instrument, token: str, amount: int) -> str:
        """The code by which a card is declined, "" where it is not. Takes what a person set for the next one."""
        code, self.next_code = self.next_code, ""
        if code:
            return code
        if token in self.declining:
            return self.declining[token]
        if instrument.has_expired(self.clock.now()):
            return "3012"
        return simulator.DECLINES.get(amount, "") if instrument.kind == "CARD" else ""

    def held_back(self, reply: Reply, amount: int, instrument: Instrument) -> Reply:
        seconds = simulator.WAITS.get(amount, 0) if instrument.kind == "CARD" else 0
        return Late(reply.status, reply.body, reply.content_type, reply.headers, seconds) if seconds else reply

    def failed(self, code: str, body: dict[str, Any]) -> Reply:
        """A decline is a result: it has an id."""
        return error_reply(code, body)

    def announce(self, event: str, kind: str, payload: dict[str, Any]) -> None:
        """Queue a webhook. The merchantRefNum is the key by which it can be sent again."""
        body = event_body(event, kind, payload, stamp(self.clock.now()))
        headers = {"content-type": "application/json", "Signature": sign(self.hmac_key, body)}
        self.webhooks.emit(str(payload.get("merchantRefNum", payload["id"])), event, body, headers)
