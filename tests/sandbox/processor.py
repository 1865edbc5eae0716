"""What all sandbox processors have in common: routes, state under a lock, faults, a ledger, webhooks, steering."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar

from tests.sandbox.clock import Clock
from tests.sandbox.faults import Fault, Faults
from tests.sandbox.ledger import Ledger
from tests.sandbox.webhooks import Webhooks
from tests.sandbox.wire import Reply, Request, json_reply

Handler = Callable[[Any, Request], Reply]


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Answers `method` on paths that match the whole pattern; its named groups become request.args."""

    def mark(handler: Handler) -> Handler:
        handler.__dict__.setdefault("routes", []).append((method, re.compile(pattern)))
        return handler

    return mark


def deed(label: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Something a person at the steering page may have the processor do: settle a batch, return a debit."""

    def mark(work: Callable[..., Any]) -> Callable[..., Any]:
        work.__dict__["deed"] = label
        return work

    return mark


class Processor:
    """One outsider. A subclass gives routes, and keeps all it must remember in picklable attributes named in `kept`.

    Requests are handled one at a time, under `lock`; waiting for a fault happens outside of it. The ledger is always
    kept. A card or account number may be looked at while a request is handled and is never kept.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    kept: ClassVar[tuple[str, ...]] = ()
    # Seconds between tries to deliver a webhook.
    retries: ClassVar[tuple[float, ...]] = ()

    def __init__(self, clock: Clock | None = None, keep_in: Path | None = None) -> None:
        self.clock = clock or Clock()
        self.lock = RLock()
        self.faults = Faults()
        self.ledger = Ledger()
        self.latency = 0.0  # seconds that every answer takes
        self.webhooks = Webhooks(self.clock, self.retries)
        self.file = keep_in / f"{self.name}.pickle" if keep_in else None
        self._routes = [
            (method, pattern, name)
            for name in dir(type(self))
            for method, pattern in getattr(getattr(type(self), name), "routes", ())
        ]
        self.start()
        self._load()

    def start(self) -> None:
        """Set up what is in `kept`, as on a fresh account."""

    # Answering

    def answer(self, request: Request) -> Reply:
        """Find the route and handle the request. Raises nothing: what is not there is answered."""
        for method, pattern, name in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                found = {key: value for key, value in match.groupdict().items() if value is not None}
                named = Request(
                    request.method, request.path, request.query, request.headers, request.body, found, request.base
                )
                with self.lock:
                    reply: Reply = getattr(self, name)(named)
                    if request.method != "GET":
                        self._save()
                return reply
        return self.not_there(request)

    def not_there(self, request: Request) -> Reply:
        return json_reply({"error": "not found"}, 404)

    def too_often(self, request: Request) -> Reply:
        """The processor's own words for too many requests."""
        return json_reply({"error": "too many requests"}, 429, retry_after="30")

    def not_allowed(self, request: Request) -> Reply:
        """The processor's own words for credentials that are no longer good."""
        return json_reply({"error": "unauthorized"}, 401)

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        """The same answer with another amount. A subclass that answers amounts overrides this."""
        return reply

    # Being steered

    def deeds(self) -> dict[str, str]:
        """name → label of what a person may have it do."""
        found = {}
        for name in dir(type(self)):
            label = getattr(getattr(type(self), name), "deed", None)
            if label:
                found[name] = label
        return found

    def shown(self) -> list[dict[str, Any]]:
        """Rows of what it keeps besides money and a person may want to see, oldest first: messages, mandates."""
        return []

    def do(self, name: str, **values: str) -> Any:
        """Raises KeyError for what is no deed."""
        if name not in self.deeds():
            raise KeyError(name)
        with self.lock:
            done = getattr(self, name)(**values)
            self._save()
        return done

    # Being kept

    def _save(self) -> None:
        if self.file is None:
            return
        state = {name: getattr(self, name) for name in (*self.kept, "ledger")}
        spare = self.file.with_suffix(".new")
        spare.parent.mkdir(parents=True, exist_ok=True)
        spare.write_bytes(pickle.dumps(state))
        spare.replace(self.file)

    def _load(self) -> None:
        if self.file is not None and self.file.exists():
            for name, value in pickle.loads(self.file.read_bytes()).items():
                setattr(self, name, value)
