"""What all resources share: tokens, idempotency keys, lists, events and their webhooks."""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from tests.sandbox.dwolla.hal import VENDOR, Refused, created, not_found, refused, said, stamp
from tests.sandbox.dwolla.hooks import RETRIES, Hook, Hooks, signature
from tests.sandbox.dwolla.records import (
    ACCOUNT,
    Bank,
    ClientToken,
    Customer,
    Event,
    Exchange,
    MassPayment,
    Once,
    Subscription,
    Transfer,
)  # fmt: skip
from tests.sandbox.faults import Fault
from tests.sandbox.numbers import fingerprint
from tests.sandbox.processor import Processor, deed, route
from tests.sandbox.wire import Reply, Request, json_reply

PUBLIC = re.compile(r"/token|/v[\d.]+/dwolla-web\.js|/drop-ins/.*")
Row = TypeVar("Row", Customer, Bank, Transfer, MassPayment, Event)
KEYS_KEPT = timedelta(hours=24)
PAGE, MOST = 25, 200

# What a client token of an action may ask for.
ACTIONS = {
    "customer.fundingsources.create": ("POST", r"/customers/(?P<customer>[^/]+)/funding-sources"),
    "customer.fundingsources.read": ("GET", r"/(customers/(?P<customer>[^/]+)/funding-sources|funding-sources/[^/]+)"),
    "customer.microdeposits.create": ("POST", r"/funding-sources/[^/]+/micro-deposits"),
    "customer.microdeposits.verify": ("POST", r"/funding-sources/[^/]+/micro-deposits"),
}


class Office(Processor):
    """Links and Locations name the host by which the caller came."""

    key: ClassVar[str] = "sandbox-key-made-up"
    secret: ClassVar[str] = "sandbox-secret-made-up"
    # Signs what goes to `webhooks.url` while nobody subscribed.
    webhook_secret: ClassVar[str] = "sandbox-webhook-secret-made-up"
    token_seconds: ClassVar[int] = 3600
    retries = RETRIES
    kept = (
        "base", "tokens", "client_tokens", "once", "busy_seconds", "customers", "banks", "transfers", "mass_payments",
        "exchanges", "on_demand", "events", "subscriptions", "blocked",
    )  # fmt: skip

    def start(self) -> None:
        self.webhooks: Hooks = Hooks(self.clock, self.retries, told=self._told)
        self.base = "https://api-sandbox.dwolla.com"
        self.tokens: dict[str, datetime] = {}
        self.client_tokens: dict[str, ClientToken] = {}
        self.once: dict[str, Once] = {}
        self.busy_seconds = 0.0
        self.customers: dict[str, Customer] = {}
        self.banks: dict[str, Bank] = {}
        self.transfers: dict[str, Transfer] = {}
        self.mass_payments: dict[str, MassPayment] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.on_demand: dict[str, datetime] = {}
        self.events: dict[str, Event] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.blocked: set[str] = set()  # fingerprints of banks that may not come back

    # Answering

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self.base = request.base or self.base
            self.time_passes()
            try:
                if not PUBLIC.fullmatch(request.path):
                    self._admit(request)
                reply = self._answer_once(request)
            except Refused as no:
                reply = no.reply
            if request.method != "GET":
                self._save()
            return reply

    def time_passes(self) -> None:
        """What comes about by itself, as far as the clock has moved on. A resource with such things adds to it."""

    def _admit(self, request: Request) -> None:
        """Raises Refused for who may not ask, and for who asks for another version."""
        scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refused(401, "InvalidCredentials", "Missing or invalid Authorization header.")
        if token in self.client_tokens:
            self._admit_client(self.client_tokens[token], request)
        elif token not in self.tokens:
            raise refused(401, "InvalidAccessToken", "Invalid access token.")
        elif self.tokens[token] <= self.clock.now():
            raise refused(401, "ExpiredAccessToken", "Expired access token.")
        if VENDOR not in request.headers.get("accept", ""):
            raise refused(406, "InvalidVersion", "Missing or invalid API version.")

    def _admit_client(self, token: ClientToken, request: Request) -> None:
        method, path = ACTIONS.get(token.action, ("", ""))
        match = re.fullmatch(path, request.path) if request.method == method else None
        if token.is_used or token.until <= self.clock.now():
            raise refused(401, "ExpiredAccessToken", "Expired access token.")
        if not match or self._owner_of(request.path, match) != token.customer:
            raise refused(403, "Forbidden", "The client token is not authorized for this action.")
        token.is_used = True

    def _owner_of(self, path: str, match: re.Match[str]) -> str:
        bank = self.banks.get(path.split("/")[2]) if path.startswith("/funding-sources/") else None
        return bank.owner if bank else match.groupdict().get("customer") or ""

    def _answer_once(self, request: Request) -> Reply:
        """A create under an Idempotency-Key comes about once in 24 hours; a resend gets the Location of the first."""
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        if not key or request.path == "/token":
            return super().answer(request)
        now, asked = self.clock.now(), fingerprint(request.path, _canonical(request))
        first = self.once.get(key)
        if first and now < first.at + KEYS_KEPT:
            if (first.path, first.body) != (request.path, asked):
                raise refused(409, "Conflict", "The idempotency key was used with another request.")
            if now < first.at + timedelta(seconds=self.busy_seconds):
                raise refused(409, "Conflict", "The request with this idempotency key is still being processed.")
            return created(self.url(first.location))
        reply = super().answer(request)
        if reply.status == 201:
            location = reply.headers["location"].removeprefix(self.base)
            self.once[key] = Once(request.path, asked, location, now)
        return reply

    # The processor's own words

    def not_there(self, request: Request) -> Reply:
        return not_found().reply

    def too_often(self, request: Request) -> Reply:
        return said({"code": "TooManyRequests", "message": "Too many requests. Try again later."}, 429)

    def not_allowed(self, request: Request) -> Reply:
        return said({"code": "ExpiredAccessToken", "message": "Expired access token."}, 401)

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        """Every amount in the answer is a dollar more than it is."""
        if not reply.body or reply.content_type != VENDOR:
            return reply
        told = json.loads(reply.body, object_hook=_dearer)
        return Reply(reply.status, json.dumps(told).encode(), VENDOR, reply.headers)

    # Tokens

    @route("POST", r"/token")
    def make_token(self, request: Request) -> Reply:
        form = request.form()
        if form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type", "error_description": "Unsupported grant type."}, 400)
        if _credentials(request, form) != (self.key, self.secret):
            words = "Invalid application credentials."
            return json_reply({"error": "access_denied", "error_description": words}, 401)
        token = secrets.token_urlsafe(32)
        self.tokens[token] = self.clock.now() + timedelta(seconds=self.token_seconds)
        return json_reply({"access_token": token, "token_type": "bearer", "expires_in": self.token_seconds})

    @deed("Let all access tokens expire")
    def expire_tokens(self) -> None:
        self.tokens = dict.fromkeys(self.tokens, self.clock.now())

    @deed("Take some seconds over every create: a resend before that is answered 409")
    def take_time(self, seconds: str = "30") -> None:
        self.busy_seconds = float(seconds)

    @route("GET", r"/")
    def root(self, request: Request) -> Reply:
        names = ("customers", "events", "webhook-subscriptions", "exchange-partners")
        links = {"account": self.link(f"/accounts/{ACCOUNT}", "account")}
        return said({"_links": links | {name: self.link(f"/{name}", name) for name in names}})

    # Links and lists

    def url(self, path: str) -> str:
        return f"{self.base}{path}"

    def link(self, path: str, kind: str) -> dict[str, str]:
        return {"href": self.url(path), "type": VENDOR, "resource-type": kind}

    def owner_link(self, owner: str) -> dict[str, dict[str, str]]:
        if owner == ACCOUNT:
            return {"account": self.link(f"/accounts/{ACCOUNT}", "account")}
        return {"customer": self.link(f"/customers/{owner}", "customer")}

    def visible(self, rows: Iterable[Row]) -> list[Row]:
        """Newest first, without what is too young to be seen while queries are blind."""
        blind = self.faults.blindness()
        since = self.clock.now() - timedelta(seconds=blind)
        return [row for row in reversed(list(rows)) if not blind or row.created <= since]

    def listed(self, request: Request, name: str, rows: list[Any], show: Callable[[Any], dict[str, Any]]) -> Reply:
        try:
            limit, offset = int(request.asked("limit", str(PAGE))), int(request.asked("offset", "0"))
        except ValueError:
            raise refused(400, "BadRequest", "limit and offset must be numbers.") from None
        limit, offset = max(1, min(limit, MOST)), max(0, offset)
        links = {"self": self.link(request.path, name)}
        if offset + limit < len(rows):
            links["next"] = self.link(f"{request.path}?limit={limit}&offset={offset + limit}", name)
        page = [show(row) for row in rows[offset : offset + limit]]
        return said({"_links": links, "_embedded": {name: page}, "total": len(rows)})

    # Events

    def happened(self, what: str, owner: str, path: str, kind: str, correlation_id: str | None = None) -> None:
        """An event, told to every subscription. what: topic without the prefix that names whose it is.

        path: of the resource. Before anybody subscribed it goes to `webhooks.url`, signed with `webhook_secret`.
        """
        now, identity = self.clock.now(), str(uuid4())
        of_customer = owner != ACCOUNT
        topic = f"customer_{what}" if of_customer else what
        links = {"self": self.link(f"/events/{identity}", "event"), **self.owner_link(ACCOUNT)}
        links["resource"] = self.link(path, kind)
        links |= self.owner_link(owner) if of_customer else {}
        body = {
            "id": identity, "resourceId": path.rsplit("/", 1)[-1], "topic": topic, "timestamp": stamp(now),
            "_links": links, "created": stamp(now),
        }  # fmt: skip
        if correlation_id:
            body["correlationId"] = correlation_id
        self.events[identity] = Event(identity, topic, body, now)
        for subscription in self.subscriptions.values():
            if not subscription.paused:
                self._send(self.events[identity], subscription)
        if not self.subscriptions:
            self._send(self.events[identity], None)

    def _send(self, event: Event, subscription: Subscription | None) -> None:
        body = json.dumps(event.body).encode()
        secret = subscription.secret if subscription else self.webhook_secret
        headers = {
            "Content-Type": "application/json", "X-Dwolla-Topic": event.topic,
            "X-Request-Signature-SHA-256": signature(secret, body),
        }  # fmt: skip
        url, whose = (subscription.url, subscription.id) if subscription else ("", "")
        self.webhooks.add(Hook(event.id, event.topic, body, headers, id=str(uuid4()), url=url, subscription=whose))

    def _told(self, hook: Hook, status: int) -> None:
        """A try to deliver was made. A subscription says here what that means for it."""


def _canonical(request: Request) -> str:
    try:
        return json.dumps(request.json(), sort_keys=True)
    except ValueError:
        return request.body.decode(errors="replace")


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Key and secret: by HTTP Basic, as Dwolla's pages have it, or in the form, as its own client sends them."""
    scheme, _blank, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        key, _colon, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def _dearer(found: dict[str, Any]) -> dict[str, Any]:
    if set(found) == {"value", "currency"}:
        whole, dot, rest = found["value"].partition(".")
        found["value"] = f"{int(whole) + 1}{dot}{rest}"
    return found
