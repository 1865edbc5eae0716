"""What Billing, Books and CRM have in common: settings, records, lists, events."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from tests.sandbox.faults import Fault
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho import records
from tests.sandbox.zoho.gate import BILLING, Gate
from tests.sandbox.zoho.posts import RETRIES
from tests.sandbox.zoho.records import Event, Plan
from tests.sandbox.zoho.words import dump, json_answer, not_found, page_asked, stamp

T = TypeVar("T")
# The product's names in the source documents, for a webhook whose body the merchant words himself.
DOTTED = {"payment_declined": "subscription.payment_failed"}


class Office(Gate):
    """Settings may be changed on an instance.

    webhook_secret: "" leaves webhooks unsigned. webhook_query: pairs that the webhook's address carries.
    event_spelling: underscore as Zoho's own, or dotted. signature_format: hex or base64.
    """

    name: ClassVar[str] = "zoho"
    title: ClassVar[str] = "Zoho Billing, Books and CRM"
    retries: ClassVar[tuple[float, ...]] = RETRIES
    kept: ClassVar[tuple[str, ...]] = (
        "last_id", "numbers", "tokens", "token_times", "calls_today", "minute", "customers", "methods", "plans",
        "subscriptions", "invoices", "payments", "creditnotes", "refunds", "pages", "events", "journals", "declines",
        "crm", "crm_fields", "watches",
    )  # fmt: skip

    currency = "USD"
    webhook_secret = "secret12token"
    webhook_query: tuple[tuple[str, str], ...] = ()
    event_spelling = "underscore"
    signature_format = "hex"
    retry_days: tuple[int, ...] = (5, 5, 3)  # between a declined renewal and its retries
    final_action = "cancel"  # or unpaid

    def start(self) -> None:
        super().start()
        self.numbers: dict[str, int] = {}
        self.customers: dict[str, records.Customer] = {}
        self.methods: dict[str, records.Method] = {}
        self.plans = {"TUITION-MONTHLY": Plan("TUITION-MONTHLY", "Tuition, monthly", 10000)}
        self.subscriptions: dict[str, records.Subscription] = {}
        self.invoices: dict[str, records.Invoice] = {}
        self.payments: dict[str, records.Payment] = {}
        self.creditnotes: dict[str, records.CreditNote] = {}
        self.refunds: dict[str, records.Refund] = {}
        self.pages: dict[str, records.Page] = {}
        self.events: dict[str, Event] = {}
        self.journals: dict[str, records.Journal] = {}
        self.declines: list[tuple[str, str]] = []  # method id or "" for any, reason: one each for coming charges
        self.crm: dict[str, dict[str, dict[str, Any]]] = {}
        self.crm_fields: dict[str, list[dict[str, Any]]] = {}
        self.watches: dict[str, records.Watch] = {}

    def new_number(self, prefix: str) -> str:
        self.numbers[prefix] = self.numbers.get(prefix, 0) + 1
        return f"{prefix}-{self.numbers[prefix]:06d}"

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        """Amounts and totals ten times as large."""
        body = re.sub(rb'("(?:amount|total|payment_made)":)(\d+)', rb"\g<1>\g<2>9", reply.body)
        return Reply(reply.status, body, reply.content_type, reply.headers)

    # Records

    def get(self, rows: dict[str, T], key: Any, what: str) -> T:
        """Raises Refused where there is none."""
        found = rows.get(str(key))
        if found is None:
            raise not_found(what)
        return found

    def seen(self, rows: Iterable[T]) -> list[T]:
        """Newest first, without what lists do not show yet (fault "blind"). Rows have made_at."""
        blind = self.faults.blindness()
        limit = self.now() - timedelta(seconds=blind)
        found = [row for row in rows if not blind or row.made_at <= limit]  # type: ignore[attr-defined]
        return found[::-1]

    def paged(self, request: Request, key: str, rows: list[dict[str, Any]]) -> Reply:
        """A list as Billing and Books give it, 200 a page."""
        page, size = page_asked(request)
        part = rows[(page - 1) * size : page * size]
        context = {"page": page, "per_page": size, "has_more_page": len(rows) > page * size}
        return json_answer({"code": 0, "message": "success", key: part, "page_context": context})

    # Events

    def happened(self, event_type: str, **data: Any) -> Event:
        """Keep an event and send it as a signed webhook."""
        now = self.now()
        event_id = self.new_id()
        spelling = event_type
        if self.event_spelling == "dotted":
            spelling = DOTTED.get(event_type, event_type.replace("_", ".", 1))
        content = {"event_id": event_id, "event_type": spelling, "created_time": stamp(now), "data": data}
        raw = dump(content)
        self.events[event_id] = Event(event_id, event_type, now, dump(content | {"event_type": event_type}).decode())
        headers = {"content-type": "application/json;charset=UTF-8"}
        if self.webhook_secret:
            headers["X-Zoho-Webhook-Signature"] = self.signature(self.webhook_query, raw)
        self.webhooks.emit(event_id, event_type, raw, headers, urlencode(self.webhook_query))
        return self.events[event_id]

    def signature(self, query: Iterable[tuple[str, str]], raw: bytes) -> str:
        """HMAC-SHA256 over the sorted pairs, key and value without anything between, and then the body."""
        text = "".join(key + value for key, value in sorted(query)).encode() + raw
        digest = hmac.new(self.webhook_secret.encode(), text, hashlib.sha256).digest()
        return base64.b64encode(digest).decode() if self.signature_format == "base64" else digest.hex()

    def shown_event(self, event: Event) -> dict[str, Any]:
        rows = [row for row in self.webhooks.rows if row.key == event.id]
        return {
            "event_id": event.id, "event_type": event.type, "event_time": stamp(event.at), "payload": event.payload,
            "webhooks": [
                {
                    "webhook_id": "903000000001001", "url": self.webhooks.url,
                    "status": "success" if row.is_done else "failure" if row.gave_up else "scheduled",
                }
                for row in rows if self.webhooks.url
            ],
        }  # fmt: skip

    @route("GET", f"{BILLING}/events")
    def list_events(self, request: Request) -> Reply:
        rows = [event for event in reversed(self.events.values()) if request.asked("event_type") in ("", event.type)]
        brief = [{key: value for key, value in self.shown_event(row).items() if key != "payload"} for row in rows]
        return self.paged(request, "events", brief)

    @route("GET", rf"{BILLING}/events/(?P<event_id>\d+)")
    def get_event(self, request: Request) -> Reply:
        event = self.get(self.events, request.args["event_id"], "Event")
        return json_answer({"code": 0, "message": "success", "event": self.shown_event(event)})
