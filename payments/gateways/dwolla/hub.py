"""Speaking to Dwolla: HAL both ways, addresses instead of identifiers, errors with a code of their own."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from billing.office import clock
from payments.gateways.dwolla.tokens import NoToken, bearer
from payments.gateways.wire import Answer, Lost, NotSent, Wire, scrub

Row = dict[str, Any]
TYPE = "application/vnd.dwolla.v1.hal+json"
PAGE = 200
MOST_PAGES = 500
IDENTITY = re.compile(r"[0-9A-Za-z-]{1,64}")
# Our token is not let in: whatever was asked was not done.
NOT_LET_IN = {"ExpiredAccessToken", "InvalidAccessToken", "InvalidCredentials", "InvalidAccountStatus"}
NOT_THERE = "notfound"  # spelt NotFound and notFound
PAUSE = timedelta(minutes=5)  # that a refusal by volume lasts
# Of a payer, and what a log has no need of.
PRIVATE = frozenset(("firstName", "lastName", "businessName", "email", "ipAddress", "phone", "address1", "dateOfBirth"))


class Unanswered(Exception):
    """A question that got no answer; asking changes nothing. code: of the processor, if it said one."""

    def __init__(self, text: str, code: str = "", retry_after: datetime | None = None) -> None:
        super().__init__(text)
        self.text, self.code, self.retry_after = text, code, retry_after


@dataclass(frozen=True)
class Trouble:
    """One of the embedded errors. path: of the field, "/amount/value"."""

    code: str
    path: str
    text: str


@dataclass(frozen=True)
class Said:
    """An answer that can be read. location, about: addresses, of what was made and of what is there already."""

    status: int
    body: Row = field(repr=False)
    location: str = ""
    code: str = ""
    text: str = ""
    troubles: tuple[Trouble, ...] = ()
    about: str = ""
    retry_after: datetime | None = None

    @property
    def is_refusal(self) -> bool:
        return not 200 <= self.status < 300


class Hub:
    def __init__(self, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.base = settings["base_url"].rstrip("/")
        self._pair = settings["key"], settings["secret"]
        self.wire = wire
        wire.secret |= PRIVATE

    def at(self, noun: str, reference: str) -> str:
        """The address of something at our Dwolla. reference: an address, whatever its host, or a bare identity.

        The token goes to no other host than ours, whoever named the address. Raises Unanswered for what is no `noun`.
        """
        *before, last = urlsplit(reference).path.rstrip("/").split("/")
        if (before and before[-1] != noun) or not IDENTITY.fullmatch(last):
            raise Unanswered(f"no address among {noun}")
        return f"{self.base}/{noun}/{last}"

    def ask(
        self, method: str, url: str, body: Row | None = None, *, params: Mapping[str, str] | None = None, key: str = ""
    ) -> Said:  # fmt: skip
        """One call; once more only where our token had run out. key: of Idempotency-Key, "" for none.

        Raises NotSent, and Lost also for an answer that is not the processor's.
        """
        data = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
        token = bearer(self.base, *self._pair, self.wire)
        said = self._send(method, url, data, params, key, token)
        if said.status == 401 and said.code in NOT_LET_IN:
            token = bearer(self.base, *self._pair, self.wire, stale=token)
            said = self._send(method, url, data, params, key, token)
        return said

    def _send(
        self, method: str, url: str, data: bytes | None, params: Mapping[str, str] | None, key: str, token: str
    ) -> Said:  # fmt: skip
        headers = {"authorization": f"Bearer {token}", "accept": TYPE, "content-type": TYPE}
        if key:
            headers["idempotency-key"] = key
        return _said(self.wire.send(method, url, data=data, headers=headers, params=params))

    def read(self, url: str, **params: str) -> Row | None:
        """What is there; None where there is no such thing. Raises Unanswered."""
        try:
            said = self.ask("GET", url, params=params)
        except NoToken as trouble:
            raise Unanswered(str(trouble), trouble.code) from None
        except (NotSent, Lost) as trouble:
            raise Unanswered(str(trouble)) from None
        if said.status == 404 and said.code.lower() == NOT_THERE:
            return None
        if said.is_refusal or not said.body:
            raise Unanswered(said.text or f"HTTP {said.status}", said.code, said.retry_after)
        return said.body

    def must_read(self, url: str) -> Row:
        """Raises Unanswered also where there is no such thing."""
        found = self.read(url)
        if found is None:
            raise Unanswered("there is nothing of that reference", "NotFound")
        return found

    def pages(self, url: str, noun: str, **params: str) -> Iterator[Row]:
        """All pages of a list, each row once, however many the processor gives at a time. Raises Unanswered."""
        seen: set[str] = set()
        for _page in range(MOST_PAGES):
            rows = listed(self.read(url, limit=str(PAGE), offset=str(len(seen)), **params), noun)
            fresh = [row for row in rows if str(row.get("id", "")) not in seen]
            if not fresh:
                return
            yield from fresh
            seen |= {str(row.get("id", "")) for row in fresh}
        raise Unanswered(f"more than {MOST_PAGES} pages of {noun}")

    def account(self) -> str:
        """The address of our own account. Raises Unanswered."""
        found = link(self.must_read(f"{self.base}/"), "account")
        return self.at("accounts", found)


def listed(answer: Row | None, noun: str) -> list[Row]:
    """The rows of a list. Raises Unanswered where the answer is no list of that noun: it proves no absence."""
    rows = mapping(answer or {}, "_embedded").get(noun)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unanswered(f"no list of {noun}")
    return rows


def mapping(row: Row, name: str) -> Row:
    """A part of a row; {} where it has none."""
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def link(row: Row, name: str) -> str:
    """An address that a row names; "" where it names none."""
    return str(mapping(mapping(row, "_links"), name).get("href") or "")


def identity(url: str) -> str:
    """The last step of an address; "" for none."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


def _said(answer: Answer) -> Said:
    body = _json(answer)
    rows = mapping(body, "_embedded").get("errors")
    found = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    troubles = tuple(Trouble(*(str(one.get(name) or "") for name in ("code", "path", "message"))) for one in found)
    texts = [str(body.get("message") or ""), *(f"{one.path} {one.text}".strip() for one in troubles)]
    code = str(body.get("code") or "")[:40] if answer.status >= 202 else ""
    return Said(
        answer.status, body, answer.headers.get("location", ""), code,
        scrub(" ".join(filter(None, texts if code else [])), PRIVATE)[:400], troubles,
        next(filter(None, (link(one, "about") for one in (body, *found))), ""),
        _retry_after(answer) if answer.status == 429 else None,
    )  # fmt: skip


def _json(answer: Answer) -> Row:
    """{} for an empty answer, as after a create. Raises Lost for anything else but a JSON object."""
    if not answer.body:
        return {}
    try:
        found = json.loads(answer.text, parse_float=Decimal)
    except ValueError as trouble:
        raise Lost("unreadable") from trouble
    if not isinstance(found, dict):
        raise Lost("unreadable")
    return found


def _retry_after(answer: Answer) -> datetime:
    """By the header, else when the refusal ends as documented."""
    text = answer.headers.get("retry-after", "")
    return clock.now() + (timedelta(seconds=min(int(text), 86_400)) if text.isdecimal() else PAUSE)
