"""Webhooks: the REST door to them and the signed notifications themselves."""

import base64
import hashlib
import hmac
import uuid
from typing import Any

from tests.sandbox.authorizenet.records import Hook, Notification, Transaction
from tests.sandbox.authorizenet.reports import Reports
from tests.sandbox.authorizenet.writing import json_text, money, utc
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request

HOOKS = r"/rest/v1/webhooks"
NOTIFICATIONS = r"/rest/v1/notifications"
EVENTS = (
    "net.authorize.customer.created", "net.authorize.customer.deleted", "net.authorize.customer.updated",
    "net.authorize.customer.paymentProfile.created", "net.authorize.customer.paymentProfile.deleted",
    "net.authorize.customer.paymentProfile.updated", "net.authorize.customer.subscription.cancelled",
    "net.authorize.customer.subscription.created", "net.authorize.customer.subscription.expiring",
    "net.authorize.customer.subscription.suspended", "net.authorize.customer.subscription.terminated",
    "net.authorize.customer.subscription.updated", "net.authorize.payment.authcapture.created",
    "net.authorize.payment.authorization.created", "net.authorize.payment.capture.created",
    "net.authorize.payment.fraud.approved", "net.authorize.payment.fraud.declined",
    "net.authorize.payment.fraud.held", "net.authorize.payment.priorAuthCapture.created",
    "net.authorize.payment.refund.created", "net.authorize.payment.void.created",
)  # fmt: skip


class Hooks(Reports):
    def signature(self, body: bytes) -> str:
        """The key counts as the text it is written in."""
        digest = hmac.new(self.signature_key.encode(), body, hashlib.sha512).hexdigest()
        return f"sha512={digest.upper()}"

    def announce(self, event: str, made: Transaction) -> None:
        payload: dict[str, Any] = {
            "responseCode": made.response, "authCode": made.auth_code, "avsResponse": made.avs,
            "authAmount": money(made.minor), "merchantReferenceId": made.ref_id or None,
            "invoiceNumber": made.invoice or None,
        }  # fmt: skip
        if made.filters:
            payload["fraudList"] = [{"fraudFilter": name, "fraudAction": "authAndHold"} for name in made.filters]
        self._notify(event, payload | {"entityName": "transaction", "id": made.id})

    def announce_customer(self, event: str, payload: dict[str, Any]) -> None:
        self._notify(event, payload)

    def _notify(self, event: str, payload: dict[str, Any]) -> None:
        """To every active webhook that asked for it; without any registered, to where the sandbox was told to post."""
        wanting = [hook.id for hook in self.hooks.values() if hook.status == "active" and event in hook.events]
        if not self.hooks:
            wanting = [str(uuid.UUID(int=0))]
        for hook_id in wanting:
            told = Notification(str(uuid.uuid4()), event, self.clock.now(), hook_id, payload)
            self.notifications.append(told)
            body = json_text(_told(told)).encode()
            headers = {"content-type": "application/json; charset=utf-8", "X-ANET-Signature": self.signature(body)}
            self.webhooks.emit(told.id, event, body, headers)

    # The REST door

    def _stranger(self, request: Request) -> Reply | None:
        """The refusal of who does not show loginId:transactionKey."""
        expected = base64.b64encode(f"{self.login_id}:{self.transaction_key}".encode()).decode()
        if request.headers.get("authorization") == f"Basic {expected}":
            return None
        return self.not_allowed(request)

    @route("GET", r"/rest/v1/eventtypes")
    def event_types(self, request: Request) -> Reply:
        return self._stranger(request) or _json([{"name": name} for name in EVENTS])

    @route("GET", HOOKS)
    def list_hooks(self, request: Request) -> Reply:
        return self._stranger(request) or _json([_hook_shown(hook) for hook in self.hooks.values()])

    @route("POST", HOOKS)
    def create_hook(self, request: Request) -> Reply:
        return self._stranger(request) or self._written(request, Hook(str(uuid.uuid4()), "", []))

    @route("GET", rf"{HOOKS}/(?P<id>[\w-]+)")
    def get_hook(self, request: Request) -> Reply:
        refused = self._stranger(request)
        if refused:
            return refused
        hook = self.hooks.get(request.args["id"])
        return _json(_hook_shown(hook)) if hook else self.not_there(request)

    @route("PUT", rf"{HOOKS}/(?P<id>[\w-]+)")
    def update_hook(self, request: Request) -> Reply:
        refused = self._stranger(request)
        if refused:
            return refused
        hook = self.hooks.get(request.args["id"])
        return self._written(request, hook) if hook else self.not_there(request)

    @route("DELETE", rf"{HOOKS}/(?P<id>[\w-]+)")
    def delete_hook(self, request: Request) -> Reply:
        refused = self._stranger(request)
        if refused:
            return refused
        gone = self.hooks.pop(request.args["id"], None)
        self._aim()
        return Reply(200) if gone else self.not_there(request)

    @route("POST", rf"{HOOKS}/(?P<id>[\w-]+)/pings")
    def ping_hook(self, request: Request) -> Reply:
        """A made-up event for the webhook, as the merchant's own test."""
        refused = self._stranger(request)
        if refused:
            return refused
        if request.args["id"] not in self.hooks:
            return self.not_there(request)
        payload = {"entityName": "transaction", "id": "0"}
        told = Notification(str(uuid.uuid4()), EVENTS[12], self.clock.now(), request.args["id"], payload)
        body = json_text(_told(told)).encode()
        headers = {"content-type": "application/json; charset=utf-8", "X-ANET-Signature": self.signature(body)}
        self.webhooks.emit(told.id, told.event, body, headers)
        return Reply(200)

    def _written(self, request: Request, hook: Hook) -> Reply:
        """Create or change: url, eventTypes, status and name."""
        try:
            asked = request.json()
        except ValueError:
            return self.rest_error(400, "INVALID_DATA", "The request is not valid JSON.")
        url, events = asked.get("url", hook.url), asked.get("eventTypes", hook.events)
        if not url or not events:
            return self.rest_error(400, "MISSING_DATA", "Please provide the url and the eventTypes of the webhook.")
        unknown = [name for name in events if name not in EVENTS]
        if unknown or asked.get("status", "active") not in ("active", "inactive"):
            return self.rest_error(400, "INVALID_DATA", f"Invalid value: {', '.join(unknown) or 'status'}.")
        hook.url, hook.events = url, list(events)
        hook.status, hook.name = asked.get("status", hook.status), asked.get("name", hook.name)
        self.hooks[hook.id] = hook
        self._aim()
        return _json(_hook_shown(hook))

    def _load(self) -> None:
        super()._load()
        if self.hooks:
            self._aim()

    def _aim(self) -> None:
        """Post to the webhook that is active, the newest of several."""
        active = [hook.url for hook in self.hooks.values() if hook.status == "active"]
        self.webhooks.url = active[-1] if active else ""

    @route("GET", NOTIFICATIONS)
    def list_notifications(self, request: Request) -> Reply:
        refused = self._stranger(request)
        if refused:
            return refused
        offset, limit = request.asked("offset", "0"), request.asked("limit", "100")
        if not offset.isdecimal() or not limit.isdecimal():
            return self.rest_error(400, "INVALID_DATA", "offset and limit are numbers.")
        rows = self.notifications[int(offset) : int(offset) + int(limit)]
        links = {"self": {"href": f"{request.base}{request.path}?offset={offset}&limit={limit}"}}
        return _json({"_links": links, "notifications": [self._listed_one(request, one) for one in rows]})

    @route("GET", rf"{NOTIFICATIONS}/(?P<id>[\w-]+)")
    def get_notification(self, request: Request) -> Reply:
        refused = self._stranger(request)
        if refused:
            return refused
        for one in self.notifications:
            if one.id == request.args["id"]:
                return _json(self._listed_one(request, one) | {"payload": one.payload, "retryLog": []})
        return self.not_there(request)

    def _listed_one(self, request: Request, one: Notification) -> dict[str, Any]:
        row = next((row for row in self.webhooks.rows if row.key == one.id), None)
        status = "Delivered" if row and row.is_done else "Failed" if row and row.gave_up else "RetryPending"
        return {
            "_links": {"self": {"href": f"{request.base}/rest/v1/notifications/{one.id}"}}, "notificationId": one.id,
            "deliveryStatus": status, "eventType": one.event, "eventDate": utc(one.at), "webhookId": one.hook_id,
        }  # fmt: skip


def _told(one: Notification) -> dict[str, Any]:
    return {
        "notificationId": one.id, "eventType": one.event, "eventDate": utc(one.at), "webhookId": one.hook_id,
        "payload": one.payload,
    }  # fmt: skip


def _hook_shown(hook: Hook) -> dict[str, Any]:
    return {
        "_links": {"self": {"href": f"/rest/v1/webhooks/{hook.id}"}}, "webhookId": hook.id, "name": hook.name or None,
        "eventTypes": hook.events, "status": hook.status, "url": hook.url,
    }  # fmt: skip


def _json(value: Any) -> Reply:
    return Reply(200, json_text(value).encode(), "application/json; charset=utf-8")
