"""The PSP's memory and what all its desks need: credentials, time that passes, events, money that moves."""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.sandbox.faults import Fault
from tests.sandbox.processor import Processor, deed
from tests.sandbox.server import dumps
from tests.sandbox.upi.records import Mandate, Notice, Order, Refund
from tests.sandbox.upi.words import CODES, LATE, Refused, ist_day, refuse
from tests.sandbox.webhooks import Delivery, Webhooks
from tests.sandbox.wire import Reply, Request, json_reply

LIE = "7777.77"


@dataclass
class TimelyWebhooks(Webhooks):
    """Before it looks what is due to be sent, the clock's due work is done: a request that expires says so itself."""

    tick: Callable[[], Any] = field(default=lambda: None)

    def due(self) -> list[Delivery]:
        self.tick()
        return super().due()


class Desk(Processor):
    """fee_minor: what the PSP keeps of each payment, in paise. collect_is_allowed: NPCI withdraws it for merchants."""

    name = "upi"
    title = "UPI payment service provider"
    KEY_ID = "psp_test_school"
    KEY_SECRET = "sandbox-psp-secret"
    WEBHOOK_SECRET = "psp-webhook-secret"
    PAYEE_VPA = "school@okbank"
    PAYEE_NAME = "Sandbox School"
    fee_minor = 0
    kept = (
        "orders", "refunds", "mandates", "notices", "numbers", "collect_is_allowed", "settlements", "next_day",
        "carried", "fee_minor",
    )  # fmt: skip
    retries = (60, 300, 1800, 7200, 21_600)

    def start(self) -> None:
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, Refund] = {}
        self.mandates: dict[str, Mandate] = {}
        self.notices: dict[str, Notice] = {}
        self.numbers = 0
        self.collect_is_allowed = True
        self.settlements: dict[str, dict[str, Any]] = {}
        self.next_day: date = ist_day(self.clock.now())  # the first day that was not paid out yet
        self.carried = 0
        self.webhooks = TimelyWebhooks(self.clock, self.retries, tick=self._tick)

    # Answering

    def answer(self, request: Request) -> Reply:
        try:
            if request.path.startswith("/v1/"):
                self._check_key(request)
            self._tick()
            return super().answer(request)
        except Refused as no:
            return no.reply()

    def _check_key(self, request: Request) -> None:
        wanted = "Basic " + base64.b64encode(f"{self.KEY_ID}:{self.KEY_SECRET}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), wanted):
            raise refuse(401, "unauthorized", "key id or secret is wrong")

    def sent(self, request: Request) -> Any:
        try:
            return request.json()
        except ValueError:
            raise refuse(400, "invalid_request", "the body is no JSON") from None

    def not_there(self, request: Request) -> Reply:
        return refuse(404, "not_found", "no such resource").reply()

    def too_often(self, request: Request) -> Reply:
        body = {"error": {"code": "too_many_requests", "message": "slow down"}}
        return json_reply(body, 429, retry_after="30")

    def not_allowed(self, request: Request) -> Reply:
        return refuse(401, "unauthorized", "this key has expired").reply()

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        value = json.loads(reply.body)
        if reply.content_type == "application/json" and isinstance(value, dict) and "amount" in value:
            return json_reply(value | {"amount": LIE}, reply.status)
        return reply

    def do(self, name: str, **values: str) -> Any:
        """A deed finds the world as the clock has it."""
        with self.lock:
            self.catch_up()
        return super().do(name, **values)

    # Time

    def _tick(self) -> None:
        with self.lock:
            self.catch_up()

    @deed("Do what is due by the clock")
    def catch_up(self) -> None:
        """Everything that happens without anybody asking, in the order in which it fell due."""
        now = self.clock.now()
        while due := min(self._due(), key=lambda work: work[0], default=None):
            at, work = due
            if at > now:
                break
            work(at)

    def _due(self) -> list[tuple[datetime, Callable[[datetime], object]]]:
        """Instant and work; each desk adds its own. Work must take itself off the list."""
        return []

    # Numbers and events

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def txn_id(self) -> str:
        return "PSP" + uuid.uuid4().hex

    def rrn(self, at: datetime) -> str:
        """Last digit of the year, day of the year, eight digits that count."""
        here = at.timetuple()
        return f"{here.tm_year % 10}{here.tm_yday:03}{self.number():08}"

    def umn(self) -> str:
        return secrets.token_hex(16) + "@psp"

    def signature(self, timestamp: str, body: bytes) -> str:
        return hmac.new(self.WEBHOOK_SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    def tell(self, event: str, key: str, data: dict[str, Any]) -> None:
        now = self.clock.now()
        event_id, stamp = f"evt_{self.number():08}", str(int(now.timestamp()))
        body = dumps({"event_id": event_id, "event": event, "occurred_at": now.isoformat(), "data": data})
        headers = {
            "content-type": "application/json", "x-psp-timestamp": stamp,
            "x-psp-signature": self.signature(stamp, body),
        }  # fmt: skip
        self.webhooks.emit(key, event, body, headers)

    # Money

    def approve(self, order: Order, at: datetime) -> None:
        """The payer said yes; what comes of it stands in `wants`."""
        order.txn_id, order.acted_at, order.due_at = self.txn_id(), at, None
        if order.wants not in LATE:
            self.finish(order, "SUCCESS" if order.wants == "00" else "FAILURE", order.wants, at)
            return
        order.status, order.late, seconds, moved = LATE[order.wants]
        order.code, order.due_at = order.wants, at + timedelta(seconds=seconds)
        if moved:
            self._take(order, at)
        self.tell("order.deemed" if order.status == "DEEMED" else "order.unknown", order.tr, order.shown())

    def finish(self, order: Order, status: str, code: str | None, at: datetime) -> None:
        order.status, order.code, order.completed_at, order.due_at = status, code, at, None
        if status == "SUCCESS" and not order.is_taken:
            self._take(order, at)
        if status == "FAILURE" and order.is_taken:
            self.ledger.add(at, "void", order.txn_id or "", order.tr, order.minor, "INR", "reversed")
            order.is_taken = False
        self.tell(f"order.{status.lower()}", order.tr, order.shown())
        self.finished(order, at)

    def finished(self, order: Order, at: datetime) -> None:
        """An order is final. Mandates look at their own."""

    def _take(self, order: Order, at: datetime) -> None:
        order.is_taken, order.rrn = True, self.rrn(at)
        self.ledger.add(at, "capture", order.txn_id or "", order.tr, order.minor, "INR", CODES[order.wants])

    def find_order(self, tr: str) -> Order:
        if tr not in self.orders:
            raise refuse(404, "not_found", "no order with this tr")
        return self.orders[tr]
