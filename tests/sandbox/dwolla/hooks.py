"""How Dwolla delivers: each subscription has a place and a secret of its own, and every attempt is written down."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.sandbox.dwolla.hal import stamp
from tests.sandbox.webhooks import TIMEOUT, Delivery, Webhooks

MINUTES, HOURS = 60, 3600
RETRIES = (
    15 * MINUTES, 45 * MINUTES, 2 * HOURS, 3 * HOURS, 6 * HOURS, 12 * HOURS, 24 * HOURS, 24 * HOURS,
)  # fmt: skip


def signature(secret: str, body: bytes) -> str:
    """X-Request-Signature-SHA-256: lower-case hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Hook(Delivery):
    """One event on its way to one subscription; subscription "" where only the steering page said where to."""

    id: str = ""
    url: str = ""
    subscription: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Hooks(Webhooks):
    """told: hears of each try, with the HTTP status, 0 where nobody answered."""

    told: Callable[[Hook, int], None] = lambda hook, status: None

    def add(self, hook: Hook) -> None:
        hook.made_at = hook.due_at = self.clock.now()
        with self._lock:
            self.rows.append(hook)

    def forget_waiting(self) -> None:
        """What came about before there was anywhere to tell it is never told; it stays among the events."""
        with self._lock:
            for row in self.rows:
                row.gave_up = not row.is_done

    def deliver(self, row: Delivery) -> int:
        hook = row if isinstance(row, Hook) else Hook(**vars(row))
        url, asked_at = hook.url or self.url, stamp(self.clock.now())
        try:
            answer = requests.post(url, data=row.body, headers=row.headers, timeout=TIMEOUT)
            status, text = answer.status_code, answer.text
        except requests.RequestException:
            status, text = 0, ""
        request = {"created": asked_at, "url": url, "headers": _pairs(row.headers), "body": row.body.decode()}
        response = {"created": stamp(self.clock.now()), "statusCode": status, "headers": [], "body": text}
        number = str(len(hook.attempts) + 1)
        hook.attempts.append({"id": number, "request": request, "response": response})
        self.noted(row, status)
        self.told(hook, status)
        return status

    def again(self, hook: Hook) -> None:
        """Sent once more as soon as what is due is delivered, whatever became of it before."""
        with self._lock:
            hook.is_done = hook.gave_up = False
            hook.due_at = self.clock.now()


def _pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]
