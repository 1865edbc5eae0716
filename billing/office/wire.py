"""Talking HTTP to outsiders: explicit timeouts, an honest account of what became of a call, a scrubbed log of it."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

CONNECT_SECONDS = 5.0
READ_SECONDS = 38.0
LONGEST_REPLY = 5_000_000
KEPT = 4_000  # characters of a request or reply that the log keeps
HIDDEN = "•••"


class NotSent(Exception):
    """Nobody was reached, so nothing was done."""


class Lost(Exception):
    """The request left; whether it was carried out is not known."""


@dataclass(frozen=True)
class Exchange:
    """One call as the log keeps it. asked, answered: scrubbed. status: of HTTP, 0 for none. trouble: "" or a word."""

    method: str
    url: str
    asked: str
    answered: str
    status: int
    seconds: float
    trouble: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Raises Lost for bytes that are no text: the call was made, its answer is spoilt."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError as trouble:
            raise Lost("unreadable") from trouble


@dataclass
class Wire:
    """Calls of one adapter. exchanges: what was said so far, for whoever keeps the log. secret: field names to hide
    besides those that are hidden everywhere.

    Nothing is ever repeated here: only the caller knows whether it may be. Redirects are not followed.
    """

    secret: frozenset[str] = frozenset()
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    exchanges: list[Exchange] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def send(
        self, method: str, url: str, *, data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None, files: Mapping[str, Any] | None = None,
    ) -> Answer:  # fmt: skip
        """Raises NotSent, Lost."""
        began, trouble, answer = time.monotonic(), "", None
        try:
            answer = self._call(method, url, data=data, headers=headers, params=params, auth=auth, files=files)
            return answer
        except requests.RequestException as failure:
            trouble = type(failure).__name__
            if _was_not_sent(failure):
                raise NotSent(trouble) from None
            raise Lost(trouble) from None
        finally:
            self._note(method, url, data, params, answer, time.monotonic() - began, trouble)

    def _call(self, method: str, url: str, **what: Any) -> Answer:
        timeout = (self.connect_seconds, self.read_seconds)
        with self.session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **what) as response:
            body = b""
            for part in response.iter_content(64 * 1024):
                body += part
                if len(body) > LONGEST_REPLY:
                    raise requests.exceptions.ContentDecodingError("too long")
            return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)

    def _note(
        self, method: str, url: str, data: Any, params: Any, answer: Answer | None, seconds: float, trouble: str
    ) -> None:  # fmt: skip
        asked = {**(params or {}), **data} if isinstance(data, Mapping) else data or params or ""
        answered = answer.body.decode(errors="replace") if answer else ""
        self.exchanges.append(
            Exchange(
                method, scrub(url, self.secret)[:300], scrub(_as_text(asked), self.secret)[:KEPT],
                scrub(answered, self.secret)[:KEPT], answer.status if answer else 0, round(seconds, 3), trouble,
            )
        )  # fmt: skip


def _was_not_sent(failure: requests.RequestException) -> bool:
    """Whether no connection came about at all; a connection that broke may have carried the request."""
    cause = failure.args[0] if failure.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return isinstance(cause, NewConnectionError | ConnectTimeoutError | NameResolutionError)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return "&".join(f"{name}={text}" for name, text in value.items())
    return str(value)


# Scrubbing

# Hidden whatever the processor: by field name in forms, JSON and XML.
NAMES = (
    "security_key", "password", "passwd", "secret", "client_secret", "api_key", "apikey", "access_token",
    "refresh_token", "authorization", "token", "payment_token", "paymenthandletoken", "paymenthandletokenfrom",
    "plaidtoken", "datavalue", "transactionkey", "signature", "checksum", "hash", "salt", "key", "ccnumber",
    "cardnumber", "cardnum", "cvv", "cvc", "cardcode", "ccexp", "expirationdate", "checkaba", "checkaccount",
    "accountnumber", "routingnumber", "cavv", "xid", "cryptogram", "pin", "otp", "code_verifier", "vpa", "aadhaar",
)  # fmt: skip
CARDLIKE = re.compile(r"(?<![\dA-Za-z])(?:\d[ -]?){12,18}\d(?![\dA-Za-z])")
BEARER = re.compile(r"(?i)\b(bearer|basic|zoho-oauthtoken)\s+[\w.~+/=-]+")


def _patterns(names: frozenset[str]) -> list[re.Pattern[str]]:
    either = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return [
        re.compile(rf'(?i)("(?:{either})"\s*:\s*)("(?:[^"\\]|\\.)*"|[^\s,}}\]]+)'),
        re.compile(rf"(?i)((?:^|[?&\s])(?:{either})=)([^&\s]*)"),
        re.compile(rf"(?i)(<(?:\w+:)?(?:{either})(?:\s[^>]*)?>)([^<]*)"),
    ]


_EVERYWHERE = _patterns(frozenset(NAMES))


def scrub(text: str, secret: frozenset[str] = frozenset()) -> str:
    """Text without secrets: named fields hidden in forms, JSON and XML, bearer tokens, and any number that could be a
    card's (invariant 47)."""
    for pattern in [*_EVERYWHERE, *(_patterns(secret) if secret else [])]:
        text = pattern.sub(
            lambda found: f'{found[1]}"{HIDDEN}"' if found[2][:1] == '"' else f"{found[1]}{HIDDEN}", text
        )
    text = BEARER.sub(lambda found: f"{found[1]} {HIDDEN}", text)
    return CARDLIKE.sub(lambda found: _masked(found[0]), text)


def _masked(digits: str) -> str:
    plain = [int(c) for c in digits if c.isdigit()]
    doubled = (sum(divmod(2 * d, 10)) for d in plain[-2::-2])
    is_card = (sum(plain[-1::-2]) + sum(doubled)) % 10 == 0
    return f"{HIDDEN}{''.join(map(str, plain[-4:]))}" if is_card else digits
