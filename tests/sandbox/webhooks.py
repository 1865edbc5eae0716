"""Calls that a processor makes to the merchant: signed, repeated, out of order, late, as the real ones do."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import requests

from tests.sandbox.clock import Clock

TIMEOUT = 10


@dataclass
class Delivery:
    """One event on its way. status: of the last try, 0 where nobody answered, None before the first.

    url: where to, if not where all the others go.
    """

    key: str
    topic: str
    body: bytes
    headers: dict[str, str]
    query: str = ""
    url: str = ""
    made_at: datetime | None = None
    due_at: datetime | None = None
    tries: int = 0
    status: int | None = None
    is_done: bool = False
    gave_up: bool = False


@dataclass
class Webhooks:
    """The events of one processor, kept after they were delivered so that they can be sent again.

    url: where to; "" keeps them waiting. retries: seconds between tries, by the processor's own schedule.
    accepted: whether an HTTP status means "received". repeat: further copies of each. muted: nothing is sent.
    """

    clock: Clock
    retries: Sequence[float] = ()
    url: str = ""
    accepted: Callable[[int], bool] = lambda status: 200 <= status < 300
    repeat: int = 0
    muted: bool = False
    shuffled: bool = False
    rows: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = RLock()

    def emit(
        self, key: str, topic: str, body: bytes, headers: Mapping[str, str], query: str = "", *,
        url: str = "", after: float = 0.0,
    ) -> Delivery:  # fmt: skip
        """Queue an event that is signed already, to be sent `after` so many seconds."""
        now = self.clock.now()
        delivery = Delivery(
            key, topic, body, dict(headers), query, url, made_at=now, due_at=now + timedelta(seconds=after)
        )
        with self._lock:
            self.rows.append(delivery)
        return delivery

    def due(self) -> list[Delivery]:
        """What is to be sent by now, oldest first unless shuffled."""
        now = self.clock.now()
        with self._lock:
            found = [row for row in self.rows if not row.is_done and not row.gave_up and (row.due_at or now) <= now]
        if self.shuffled:
            random.shuffle(found)
        return found

    def find(self, topic: str) -> list[Delivery]:
        with self._lock:
            return [row for row in self.rows if row.topic == topic]

    def deliver_due(self) -> int:
        """Send what is due; returns how many calls were made."""
        calls = 0
        for row in [] if self.muted else self.due():
            if not (row.url or self.url):
                continue
            for _copy in range(1 + self.repeat):
                self.deliver(row)
                calls += 1
        return calls

    def deliver(self, row: Delivery) -> int:
        """Send one now, whatever became of it before; returns the HTTP status, 0 where nobody answered."""
        address = f"{row.url or self.url}{'?' if row.query else ''}{row.query}"
        try:
            status = requests.post(address, data=row.body, headers=row.headers, timeout=TIMEOUT).status_code
        except requests.RequestException:
            status = 0
        self.noted(row, status)
        return status

    def noted(self, row: Delivery, status: int) -> None:
        """What became of a try: done, to be tried again by the schedule, or given up."""
        with self._lock:
            row.tries, row.status = row.tries + 1, status
            row.is_done = self.accepted(status)
            row.gave_up = not row.is_done and row.tries > len(self.retries)
            if not row.is_done and not row.gave_up:
                row.due_at = self.clock.now() + timedelta(seconds=self.retries[row.tries - 1])

    def listed(self) -> list[dict[str, Any]]:
        """Oldest first; place: by which one of them can be sent again."""
        with self._lock:
            return [
                {
                    "place": place, "key": row.key, "topic": row.topic, "tries": row.tries, "status": row.status,
                    "is_done": row.is_done, "gave_up": row.gave_up, "url": row.url or self.url,
                    "made_at": row.made_at.isoformat() if row.made_at else "",
                }
                for place, row in enumerate(self.rows)
            ]  # fmt: skip
