"""Speaking to Paysafe's payment hub: JSON both ways, one key pair, errors with a code of their own."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from billing.office import clock
from payments.gateways.paysafe.codes import NOT_THERE
from payments.gateways.wire import Answer, Lost, NotSent, Wire, scrub

Row = dict[str, Any]
PATH = "/paymenthub/v1/"
PAGE = 50
MOST_PAGES = 400
# Of a payer, and what a log has no need of.
PRIVATE = frozenset(
    (
        "paymentToken", "singleUseCustomerToken", "holderName", "accountHolderName", "firstName", "lastName", "email",
        "phone", "street", "street2", "iban", "transitNumber", "sortCode", "mandateReference", "customerIp", "cardBin",
        "city", "zip",
    )
)  # fmt: skip


class Unanswered(Exception):
    """A question that got no answer; asking changes nothing. code: of the processor, if it said one."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text, self.code = text, code


@dataclass(frozen=True)
class Said:
    """An answer that can be read. code: of its error, "" for none. retry_after: aware UTC."""

    status: int
    body: Row = field(repr=False)
    code: str = ""
    text: str = ""
    retry_after: datetime | None = None

    @property
    def is_refusal(self) -> bool:
        return self.status >= 300 or ("error" in self.body and "status" not in self.body)


class Hub:
    def __init__(self, settings: Mapping[str, str], wire: Wire) -> None:
        self.base = settings["base_url"].rstrip("/") + PATH
        pair = f"{settings['user']}:{settings['password']}".encode()
        self.headers = {
            "authorization": f"Basic {base64.b64encode(pair).decode()}", "content-type": "application/json",
            "accept": "application/json",
        }  # fmt: skip
        if settings.get("simulator"):
            self.headers["simulator"] = settings["simulator"]
        self.wire = wire
        wire.secret |= PRIVATE

    def ask(self, method: str, path: str, body: Row | None = None, params: Mapping[str, str] | None = None) -> Said:
        """Raises NotSent, and Lost also for an answer that is not the processor's."""
        data = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
        answer = self.wire.send(method, self.base + path, data=data, headers=self.headers, params=params)
        if method == "DELETE" and answer.status < 300 and not answer.body:
            return Said(answer.status, {})
        return _said(answer)

    def read(self, path: str, **params: str) -> Row | None:
        """What is there; None where there is no such thing. Raises Unanswered."""
        try:
            said = self.ask("GET", path, params=params)
        except (NotSent, Lost) as trouble:
            raise Unanswered(str(trouble)) from None
        if said.is_refusal and said.code in NOT_THERE:
            return None
        if said.is_refusal:
            raise Unanswered(said.text, said.code)
        return said.body

    def rows(self, noun: str, **params: str) -> list[Row]:
        """One page of a list: as much as one key of ours ever has. noun: "payments". Raises Unanswered."""
        return listed(self.read(noun.lower(), limit=str(PAGE), **params), noun)

    def pages(self, noun: str, **params: str) -> Iterator[Row]:
        """All pages of a list, each row once. Raises Unanswered."""
        seen: set[str] = set()
        for _page in range(MOST_PAGES):
            answer = self.read(noun, limit=str(PAGE), offset=str(len(seen)), **params)
            fresh = [row for row in listed(answer, noun) if str(row.get("id", "")) not in seen]
            if not fresh:
                return
            yield from fresh
            seen |= {str(row.get("id", "")) for row in fresh}
        raise Unanswered(f"more than {MOST_PAGES} pages of {noun}")


def listed(answer: Row | None, noun: str) -> list[Row]:
    """The rows of a list. Raises Unanswered where the answer is no list of that noun."""
    rows = [] if answer is None else answer.get(noun, answer.get(noun.lower()))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unanswered(f"no list of {noun}")
    return rows


def mapping(row: Row, name: str) -> Row:
    """A part of a row; {} where it has none."""
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def step(reference: str) -> str:
    """A reference as one step of a path."""
    return quote(reference, safe="")


def _said(answer: Answer) -> Said:
    body = _json(answer)
    error = mapping(body, "error")
    code = str(error.get("code") or (answer.headers.get("x-application-status-code", "") if error else ""))
    return Said(answer.status, body, code[:40], _text(error), _retry_after(answer.headers.get("retry-after", "")))


def _json(answer: Answer) -> Row:
    """Raises Lost for anything but a JSON object."""
    try:
        found = json.loads(answer.text, parse_float=Decimal)
    except ValueError as trouble:
        raise Lost("unreadable") from trouble
    if not isinstance(found, dict):
        raise Lost("unreadable")
    return found


def _text(error: Row) -> str:
    """The message, its details, and which fields are meant: what a person needs to understand it, scrubbed."""
    fields = [str(one.get("field", "")) for one in error.get("fieldErrors") or () if isinstance(one, dict)]
    details = [str(one) for one in error.get("details") or () if isinstance(one, str)]
    parts = [str(error.get("message") or ""), *details, *filter(None, [", ".join(filter(None, fields))])]
    return scrub("; ".join(filter(None, parts)), PRIVATE)[:400]


def _retry_after(text: str) -> datetime | None:
    """Seconds or a date of HTTP."""
    if text.isdecimal():
        return clock.now() + timedelta(seconds=min(int(text), 86_400))
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
