"""Speaking to Authorize.Net: one address, JSON both ways, in the order of the schema."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from payments.gateways.authorizenet.codes import EMPTY, NOT_FOUND
from payments.gateways.wire import HIDDEN, Lost, NotSent, Wire, scrub

Row = dict[str, Any]
PAGE = 1000  # the most
MOST_PAGES = 100
# Of a payer, and what a log has no need of. A "direct response" is a line of text with all of it.
PRIVATE = frozenset({
    "firstName", "lastName", "company", "address", "city", "zip", "phoneNumber", "email", "nameOnAccount", "customerIP",
    "directResponse", "validationDirectResponse", "validationDirectResponseList", "customerPaymentProfileId",
    "customerPaymentProfileID", "paymentProfileId", "customerProfileId", "customerProfileID",
})  # fmt: skip
# A schema error repeats the value that it does not like, whichever that is.
REPEATED = re.compile(r"(?i)(\bvalue )('|\\u0027).*?\2")


class Unanswered(Exception):
    """A question that got no answer; asking changes nothing. code: of the processor, if it said one."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text, self.code = text, code


@dataclass(frozen=True)
class Said:
    """An answer that can be read. code, text: of the envelope's first message."""

    body: Row = field(repr=False)
    is_ok: bool
    code: str
    text: str


class Line:
    def __init__(self, settings: Mapping[str, str], wire: Wire) -> None:
        self.endpoint = settings["endpoint"]
        self._known = {"name": settings["login"], "transactionKey": settings["transaction_key"]}
        self._wire = wire
        wire.secret |= PRIVATE

    def ask(self, request: str, **body: Any) -> Said:
        """One call. body: in the order of the schema. Raises NotSent, and Lost for what is not the processor's.

        Yes, no and trouble all come with HTTP's 200, and in most cases with a byte order mark.
        """
        data = json.dumps({request: {"merchantAuthentication": self._known, **body}}, separators=(",", ":")).encode()
        answer = self._wire.send("POST", self.endpoint, data=data, headers={"content-type": "application/json"})
        self._hush()
        if answer.status != 200:
            raise Lost(f"HTTP {answer.status}")
        return _said(answer.text)

    def _hush(self) -> None:
        if self._wire.exchanges:
            last = self._wire.exchanges[-1]
            self._wire.exchanges[-1] = replace(last, answered=quiet(last.answered))

    def read(self, request: str, **body: Any) -> Row | None:
        """What is there; None where there is no such thing. Raises Unanswered."""
        try:
            said = self.ask(request, **body)
        except (NotSent, Lost) as trouble:
            raise Unanswered(str(trouble)) from None
        if said.code == NOT_FOUND:
            return None
        if not said.is_ok:
            raise Unanswered(said.text, said.code)
        return {} if said.code == EMPTY else said.body

    def pages(self, request: str, noun: str, *, newest_first: bool = False, **body: Any) -> Iterator[Row]:
        """All rows of a list of transactions. Raises Unanswered."""
        order = {"orderBy": "submitTimeUTC", "orderDescending": newest_first}
        for page in range(1, MOST_PAGES + 1):
            found = self.read(request, **body, sorting=order, paging={"limit": PAGE, "offset": page})
            rows = listed(found or {}, noun)
            yield from rows
            if len(rows) < PAGE:
                return
        raise Unanswered(f"more than {MOST_PAGES} pages")


def _said(text: str) -> Said:
    """Raises Lost."""
    try:
        body = json.loads(text, parse_float=Decimal)
        told = body["messages"]
        first, result = told["message"][0], told["resultCode"]
        code, words = str(first["code"]), str(first.get("text", ""))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise Lost("unreadable") from None
    if result not in ("Ok", "Error"):
        raise Lost("unreadable")
    return Said(body, result == "Ok", code[:40], tidy(words))


def quiet(text: str) -> str:
    return REPEATED.sub(rf"\1{HIDDEN}", text)


def tidy(text: str) -> str:
    """A message that may be kept."""
    return scrub(quiet(text), PRIVATE)[:400]


def mapping(row: Row, name: str) -> Row:
    """A part of a row; {} where it has none."""
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def listed(row: Row, name: str) -> list[Row]:
    """A list of a row; [] where it has none. Raises Unanswered for what is no list."""
    found = row.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unanswered(f"no list of {name}")
    return found


def word(row: Row, name: str) -> str:
    """A value as text, whether it came as text or as a number; "" for none."""
    found = row.get(name)
    return "" if found is None or isinstance(found, dict | list | bool) else str(found).strip()


def instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
