"""Speaking JSON with an outsider that knows us by Basic authentication and refuses by {"error": {"code", "message"}}.

UPI's and NACH's neutral ports do. A refusal of theirs proves that nothing was done.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.office import clock
from payments.gateways.base import Advice, Kind, Money, Outcome, Reason, Result
from payments.gateways.rupees import instant
from payments.gateways.wire import Answer, Lost, NotSent, Wire, scrub

Row = dict[str, Any]
NOT_THERE, TOO_OFTEN = "not_found", "too_many_requests"
JSON = {"content-type": "application/json", "accept": "application/json"}
PAUSE = timedelta(minutes=5)  # where a refusal by volume names no time
LONGEST_PAUSE = 86_400


class Unanswered(Exception):
    """A question that got no answer; asking changes nothing. code: of the outsider, if it said one."""

    def __init__(self, text: str, code: str = "", retry_after: datetime | None = None) -> None:
        super().__init__(text)
        self.text, self.code, self.retry_after = text, code, retry_after


@dataclass(frozen=True)
class Said:
    """An answer that can be read. code: of a refusal, "" for none; bank_code: the bank's own beside it."""

    status: int
    body: Row = field(repr=False)
    code: str = ""
    bank_code: str = ""
    text: str = ""
    retry_after: datetime | None = None


class Line:
    """base: without a slash at its end. pair: user and password. private: fields that no log has need of."""

    def __init__(self, base: str, pair: tuple[str, str], wire: Wire, private: frozenset[str]) -> None:
        self.base, self._pair, self.wire, self.private = base.rstrip("/"), pair, wire, private
        wire.secret |= private

    def ask(
        self, method: str, path: str, body: Row | bytes | None = None, *, params: Mapping[str, str] | None = None
    ) -> Said:  # fmt: skip
        """One call, never repeated. body: bytes are sent as text. Raises NotSent, and Lost also for an answer that is
        not the outsider's own."""
        return self._said(self._send(method, path, body, params))

    def _send(
        self, method: str, path: str, body: Row | bytes | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:  # fmt: skip
        is_text = isinstance(body, bytes)
        headers = JSON | {"content-type": "text/plain"} if is_text else JSON
        data = body if is_text or body is None else json.dumps(body, separators=(",", ":")).encode()
        return self.wire.send(method, self.base + path, data=data, headers=headers, params=params, auth=self._pair)

    def _said(self, answer: Answer) -> Said:
        if answer.status >= 500:
            raise Lost(f"HTTP {answer.status}")
        body = _object(answer)
        if 200 <= answer.status < 300:
            return Said(answer.status, body)
        error = body.get("error")
        if answer.status < 400 or not isinstance(error, dict) or not error.get("code"):
            raise Lost(f"HTTP {answer.status}")
        named = _lines(error)
        return Said(
            answer.status, body, str(error["code"])[:40], str(error.get("upi_code") or "")[:40],
            scrub(" ".join(filter(None, (str(error.get("message") or ""), named))), self.private)[:400],
            _retry_after(answer, error),
        )  # fmt: skip

    def read(self, path: str, **params: str) -> Row | None:
        """What is there; None where there is no such thing. Raises Unanswered."""
        try:
            said = self.ask("GET", path, params=params)
        except (NotSent, Lost) as trouble:
            raise Unanswered(str(trouble)) from None
        if said.code == NOT_THERE:
            return None
        if said.code:
            raise Unanswered(said.text or said.code, said.code, said.retry_after)
        return said.body

    def file(self, path: str) -> str:
        """A file that is text. Raises Unanswered."""
        try:
            answer = self._send("GET", path)
            if answer.status != 200:
                raise Unanswered(f"HTTP {answer.status}")
            return answer.text
        except (NotSent, Lost) as trouble:
            raise Unanswered(str(trouble)) from None

    def must_read(self, path: str, **params: str) -> Row:
        """Raises Unanswered also where there is no such thing."""
        found = self.read(path, **params)
        if found is None:
            raise Unanswered("there is nothing of that reference", NOT_THERE)
        return found

    def carry_out(
        self, kind: Kind, key: str, method: str, path: str, body: Row | bytes | None, money: Money | None = None
    ) -> Said | Result:  # fmt: skip
        """The answer, a refusal among them; a Result where there is none or we were not let in."""
        try:
            said = self.ask(method, path, body)
        except NotSent as trouble:
            return not_done(kind, key, Unanswered(str(trouble)), money)
        except Lost as trouble:
            return Result(Outcome.UNKNOWN, kind, key, money=money, reason=Reason.GATEWAY_TIMEOUT, raw_text=str(trouble))
        if said.code == TOO_OFTEN or said.status == 401:
            return not_done(kind, key, Unanswered(said.text, said.code, said.retry_after), money)
        return said


def not_done(kind: Kind, key: str, trouble: Unanswered, money: Money | None = None) -> Result:
    """Nobody was reached, or we were turned away: certainly nothing was done."""
    return Result(
        Outcome.ERROR, kind, key, money=money, reason=Reason.GATEWAY_ERROR, raw_code=trouble.code,
        raw_text=trouble.text[:400], advice=Advice.RETRY_AFTER if trouble.retry_after else None,
        retry_after=trouble.retry_after,
    )  # fmt: skip


def unanswered(kind: Kind, key: str, trouble: Unanswered) -> Result:
    """A question that was not answered."""
    return Result(
        Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=trouble.code, raw_text=trouble.text[:400],
        retry_after=trouble.retry_after,
    )  # fmt: skip


def _object(answer: Answer) -> Row:
    """Raises Lost for anything but a JSON object: the call was made, its answer is spoilt."""
    try:
        found = json.loads(answer.text, parse_float=Decimal)
    except ValueError as trouble:
        raise Lost("unreadable") from trouble
    if not isinstance(found, dict):
        raise Lost("unreadable")
    return found


def _lines(error: Row) -> str:
    """Which lines of a file were wrong, where a file was."""
    lines = error.get("lines")
    rows = [one for one in lines if isinstance(one, dict)] if isinstance(lines, list) else []
    return " ".join(f"line {one.get('line')}: {one.get('message')}" for one in rows[:5])


def _retry_after(answer: Answer, error: Row) -> datetime | None:
    """As the error names it, else by the header; of a refusal by volume always some time."""
    named = instant(error.get("next_allowed_at"))
    text = answer.headers.get("retry-after", "")
    if named is not None or (answer.status != 429 and not text.isdecimal()):
        return named
    return clock.now() + (timedelta(seconds=min(int(text), LONGEST_PAUSE)) if text.isdecimal() else PAUSE)
