"""Webhook subscriptions, the history of events, and sending one again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.sandbox.dwolla.bulk import Bulk
from tests.sandbox.dwolla.customers import asked_of
from tests.sandbox.dwolla.hal import created, invalid, not_found, refused, said, stamp, wrong
from tests.sandbox.dwolla.hooks import Hook
from tests.sandbox.dwolla.records import Event, Subscription
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request

MOST = 10
PAUSED_AFTER, AND_AFTER = 400, timedelta(hours=24)  # failures in a row, and how long they went on


class Subscriptions(Bulk):
    @route("POST", r"/webhook-subscriptions")
    def subscribe(self, request: Request) -> Reply:
        asked = asked_of(request)
        need = [wrong("Required", f"{n} required.", f"/{n}") for n in ("url", "secret") if not asked.get(n)]
        if need:
            raise invalid(*need)
        if len(self.subscriptions) >= MOST:
            raise refused(400, "MaxNumberOfResources", f"At most {MOST} subscriptions are possible.")
        made = Subscription(str(uuid4()), str(asked["url"]), str(asked["secret"]), self.clock.now())
        self.subscriptions[made.id] = made
        if not self.webhooks.url:
            self.webhooks.url = made.url
            self.webhooks.forget_waiting()
        return created(self.url(f"/webhook-subscriptions/{made.id}"))

    @route("GET", r"/webhook-subscriptions")
    def list_subscriptions(self, request: Request) -> Reply:
        return self.listed(request, "webhook-subscriptions", list(self.subscriptions.values()), self._show_subscription)

    @route("GET", r"/webhook-subscriptions/(?P<id>[^/]+)")
    def read_subscription(self, request: Request) -> Reply:
        return said(self._show_subscription(self._subscription(request)))

    @route("POST", r"/webhook-subscriptions/(?P<id>[^/]+)")
    def pause(self, request: Request) -> Reply:
        row, asked = self._subscription(request), asked_of(request)
        if not isinstance(asked.get("paused"), bool):
            raise invalid(wrong("Required", "paused required.", "/paused"))
        row.paused, row.failures, row.failing_since = asked["paused"], 0, None
        return said(self._show_subscription(row))

    @route("DELETE", r"/webhook-subscriptions/(?P<id>[^/]+)")
    def unsubscribe(self, request: Request) -> Reply:
        row = self._subscription(request)
        del self.subscriptions[row.id]
        return said(self._show_subscription(row))

    def _subscription(self, request: Request) -> Subscription:
        found = self.subscriptions.get(request.args["id"])
        if found is None:
            raise not_found()
        return found

    def _told(self, hook: Hook, status: int) -> None:
        """Too many failures in a row for too long: Dwolla stops by itself."""
        row = self.subscriptions.get(hook.subscription)
        if row is None:
            return
        now = self.clock.now()
        if 200 <= status < 300:
            row.failures, row.failing_since = 0, None
            return
        row.failures, row.failing_since = row.failures + 1, row.failing_since or now
        if row.failures >= PAUSED_AFTER and now - row.failing_since >= AND_AFTER:
            row.paused = True

    def _show_subscription(self, row: Subscription) -> dict[str, Any]:
        path = f"/webhook-subscriptions/{row.id}"
        links = {"self": self.link(path, "webhook-subscription")}
        links["webhooks"] = self.link(f"{path}/webhooks", "webhook")
        return {"_links": links, "id": row.id, "url": row.url, "paused": row.paused, "created": stamp(row.created)}

    # Events and webhooks

    @route("GET", r"/events")
    def list_events(self, request: Request) -> Reply:
        return self.listed(request, "events", self.visible(self.events.values()), _event)

    @route("GET", r"/events/(?P<id>[^/]+)")
    def read_event(self, request: Request) -> Reply:
        if request.args["id"] not in self.events:
            raise not_found()
        return said(_event(self.events[request.args["id"]]))

    @route("GET", r"/webhook-subscriptions/(?P<id>[^/]+)/webhooks")
    def list_webhooks(self, request: Request) -> Reply:
        row = self._subscription(request)
        rows = [hook for hook in reversed(self._hooks()) if hook.subscription == row.id]
        return self.listed(request, "webhooks", rows, self._show_webhook)

    @route("GET", r"/webhooks/(?P<id>[^/]+)")
    def read_webhook(self, request: Request) -> Reply:
        return said(self._show_webhook(self._hook(request)))

    @route("POST", r"/webhooks/(?P<id>[^/]+)/retries")
    def retry_webhook(self, request: Request) -> Reply:
        hook = self._hook(request)
        self.webhooks.again(hook)
        return created(self.url(f"/webhooks/{hook.id}/retries/{uuid4()}"))

    def _hooks(self) -> list[Hook]:
        return [row for row in self.webhooks.rows if isinstance(row, Hook)]

    def _hook(self, request: Request) -> Hook:
        for hook in self._hooks():
            if hook.id == request.args["id"]:
                return hook
        raise not_found()

    def _show_webhook(self, hook: Hook) -> dict[str, Any]:
        path = f"/webhooks/{hook.id}"
        links = {"self": self.link(path, "webhook"), "event": self.link(f"/events/{hook.key}", "event")}
        links |= {"retry": self.link(f"{path}/retries", "webhook"), "subscription": self._whose(hook)}
        return {
            "_links": links, "id": hook.id, "topic": hook.topic, "eventId": hook.key,
            "subscriptionId": hook.subscription, "attempts": hook.attempts,
        }  # fmt: skip

    def _whose(self, hook: Hook) -> dict[str, str]:
        return self.link(f"/webhook-subscriptions/{hook.subscription}", "webhook-subscription")


def _event(row: Event) -> dict[str, Any]:
    return row.body
