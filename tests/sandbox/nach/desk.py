"""The sponsor bank's memory and what all its desks need: credentials, time that passes, refusals."""

import base64
import hmac
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from tests.sandbox.faults import Fault
from tests.sandbox.nach.records import Item, Mandate, Presentation, ResultFile
from tests.sandbox.nach.words import DAY, Refused, ist, ist_day, refuse
from tests.sandbox.processor import Processor, deed
from tests.sandbox.wire import Reply, Request, json_reply

RUN_HOUR = 18  # of the day, in India: when result files are made
LIE_RUPEES, LIE_PAISE = "7777.77", "777777"
OPEN_TO_ALL = "/enach/"

Due = list[tuple[datetime, Callable[[datetime], object]]]


class Desk(Processor):
    name = "nach"
    title = "NACH sponsor bank"
    UTILITY_CODE = "NACH00000000012345"
    PASSWORD = "sandbox-nach-password"
    kept = (
        "mandates", "umrns", "amendments", "files", "items", "results", "settlements", "steering", "numbers",
        "next_run", "carried",
    )  # fmt: skip

    def start(self) -> None:
        self.mandates: dict[str, Mandate] = {}
        self.umrns: dict[str, str] = {}  # UMRN → message_ref
        self.amendments: set[str] = set()
        self.files: dict[str, Presentation] = {}
        self.items: dict[str, Item] = {}
        self.results: dict[str, ResultFile] = {}
        self.settlements: dict[str, dict[str, Any]] = {}
        self.steering: dict[str, tuple[str, str]] = {}  # UMRN → how and code of its next item
        self.numbers = 0
        self.carried = 0
        today = ist_day(self.clock.now())
        self.next_run: date = today if self.clock.now() < ist(today, RUN_HOUR) else today + DAY

    # Answering

    def answer(self, request: Request) -> Reply:
        try:
            if not request.path.startswith(OPEN_TO_ALL):
                self._check_password(request)
            with self.lock:
                self.catch_up()
            return super().answer(request)
        except Refused as no:
            return no.reply()

    def _check_password(self, request: Request) -> None:
        wanted = "Basic " + base64.b64encode(f"{self.UTILITY_CODE}:{self.PASSWORD}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), wanted):
            raise refuse(401, "unauthorized", "utility code or password is wrong")

    def sent(self, request: Request) -> Any:
        try:
            return request.json()
        except ValueError:
            raise refuse(400, "invalid_request", "the body is no JSON") from None

    def not_there(self, request: Request) -> Reply:
        return refuse(404, "not_found", "no such resource").reply()

    def too_often(self, request: Request) -> Reply:
        return json_reply({"error": {"code": "too_many_requests", "message": "slow down"}}, 429, retry_after="30")

    def not_allowed(self, request: Request) -> Reply:
        return refuse(401, "unauthorized", "the password has expired").reply()

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        if reply.content_type.startswith("text/plain"):
            text = re.sub(r"(?m)^(R\|\d+\|\w+\|)\d+", rf"\g<1>{LIE_PAISE}", reply.body.decode())
            return Reply(reply.status, text.encode(), reply.content_type)
        if reply.content_type != "application/json":
            return reply
        value: dict[str, Any] = json.loads(reply.body)
        lied = {name: LIE_RUPEES for name in ("amount", "total") if name in value}
        return json_reply(value | lied, reply.status)

    def hidden(self, at: datetime | None) -> bool:
        """Whether queries do not see yet what happened then."""
        blind = self.faults.blindness()
        return bool(blind and at and (self.clock.now() - at).total_seconds() < blind)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def do(self, name: str, **values: str) -> Any:
        """A deed finds the world as the clock has it."""
        with self.lock:
            self.catch_up()
        return super().do(name, **values)

    # Time

    @deed("Do what is due by the clock")
    def catch_up(self) -> None:
        """Everything that happens without anybody asking, in the order in which it fell due."""
        now = self.clock.now()
        while due := min(self._due(), key=lambda work: work[0], default=None):
            at, work = due
            if at > now:
                break
            work(at)

    def _due(self) -> Due:
        """Instant and work; each desk adds its own. Work must take itself off the list."""
        return []

    # Mandates, as every desk looks them up

    def find_mandate(self, ref: str) -> Mandate:
        """ref: message_ref or UMRN."""
        found = self.mandates.get(self.umrns.get(ref, ref))
        if found is None:
            raise refuse(404, "not_found", "no mandate with this reference")
        return found

    def turn(self, mandate: Mandate, status: str, at: datetime, code: str | None = None, message: str = "") -> None:
        mandate.status, mandate.code, mandate.message = status, code, message or None
        mandate.changed_at = at
        if status in ("REJECTED", "CANCELLED", "EXPIRED"):
            mandate.due_at = mandate.amends_at = None
            mandate.changes = {}
