"""Speaking to Zoho's interfaces: the token, the envelope of an answer, what an answer that is none means."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from payments.gateways.wire import Answer, Lost, NotSent, Wire
from payments.gateways.zoho.codes import DAILY, NOT_THERE, OK, TOKEN_SPENT
from payments.gateways.zoho.gate import Gate, gate_of
from payments.gateways.zoho.trouble import NotThere, Refused, Unreachable, Unsure

BURST_REST = 60
DAILY_REST = 3_600  # nothing says when Zoho's day is over, so one call an hour finds out
DENIED_REST = 600
MOST_PAGES = 50
PER_PAGE = 200
Json = dict[str, Any]


@dataclass
class Line:
    """Calls of one configuration. Raises Unreachable, Unsure, Refused, NotThere; nothing is repeated, but after a token
    that was refused, with which nothing can have been done."""

    settings: Mapping[str, str]
    wire: Wire
    urls: dict[str, str] = field(init=False)
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        found = self.settings
        dc = found.get("dc", "com")
        host = f"https://www.zohoapis.{dc}"
        self.urls = {
            "accounts": found.get("accounts_url", f"https://accounts.zoho.{dc}"),
            "billing": found.get("billing_url", f"{host}/billing/v1"),
            "books": found.get("books_url", f"{host}/books/v3"), "crm": found.get("crm_url", f"{host}/crm/v8"),
        }  # fmt: skip
        self.gate = gate_of(self.urls["accounts"], found["client_id"], found["refresh_token"], found["organization_id"])
        self.wire.secret = self.wire.secret | {"client_id", "hostedpage_id"}

    def ask(
        self, method: str, where: str, path: str, body: Json | None = None, query: Mapping[str, str] | None = None
    ) -> Json:
        """One call. where: "billing", "books" or "crm". Returns the envelope, whose code is 0 (CRM has none)."""
        self.gate.check()
        token = self.gate.token(self._fresh_token)
        answer = self._send(token, method, where, path, body, query or {})
        if answer.status == 401:
            token = self.gate.token(self._fresh_token, spent=token)
            answer = self._send(token, method, where, path, body, query or {})
        return self._read(answer, reading=method == "GET", has_code=where != "crm")

    def pages(self, where: str, path: str, rows: str, **query: str) -> Iterator[Json]:
        """Every row of a list. Raises Unreachable where it does not end."""
        for page in range(1, MOST_PAGES + 1):
            found = self.ask("GET", where, path, None, query | {"page": str(page), "per_page": str(PER_PAGE)})
            listed = found.get(rows)
            if not isinstance(listed, list):
                raise Unreachable(f"no {rows} in the answer")
            yield from listed
            if not (found.get("page_context") or {}).get("has_more_page"):
                return
        raise Unreachable(f"{path} has no end")

    # Sending

    def _send(
        self, token: str, method: str, where: str, path: str, body: Json | None, query: Mapping[str, str]
    ) -> Answer:
        headers = {"Authorization": f"Zoho-oauthtoken {token}", "Accept": "application/json"}
        asked = dict(query)
        if where == "billing":
            headers["X-com-zoho-subscriptions-organizationid"] = self.settings["organization_id"]
        elif where == "books":
            asked["organization_id"] = self.settings["organization_id"]
        data = None
        if body is not None:
            data, headers["Content-Type"] = to_json(body).encode(), "application/json;charset=UTF-8"
        try:
            return self.wire.send(method, self.urls[where] + path, data=data, headers=headers, params=asked)
        except NotSent as trouble:
            raise Unreachable(str(trouble)) from None
        except Lost as trouble:
            raise lost(method == "GET", str(trouble)) from None

    def _fresh_token(self) -> tuple[str, int]:
        """A new access token. Errors come with HTTP 200 too: it is the key that tells."""
        form = {name: self.settings[name] for name in ("refresh_token", "client_id", "client_secret")}
        try:
            answer = self.wire.send(
                "POST", f"{self.urls['accounts']}/oauth/v2/token", data=form | {"grant_type": "refresh_token"}
            )
            found = json.loads(answer.text)
            token, lives = str(found["access_token"]), int(found.get("expires_in", 3600))
        except (NotSent, Lost, ValueError, TypeError) as trouble:
            raise Unreachable(f"no token: {type(trouble).__name__}") from None
        except KeyError:
            words = str(found.get("error_description") or found.get("error") or answer.status)
            if "denied" in str(found.get("error", "")).lower():
                raise Unreachable(f"no token: {words}", DENIED_REST) from None
            raise Unreachable(f"no token: {words}") from None
        return token, lives

    # Reading

    def _read(self, answer: Answer, *, reading: bool, has_code: bool) -> Json:
        if answer.status == 204 and reading:
            return {}
        try:
            found = json.loads(answer.text, parse_float=Decimal)
        except (ValueError, Lost):
            found = None
        if answer.status == 429:
            raise self._too_often(found, answer.headers)
        if answer.status >= 500 or not isinstance(found, dict):
            raise lost(reading, f"HTTP {answer.status}")
        code = found.get("code")
        if answer.status == 401 or code in TOKEN_SPENT:
            raise Unreachable("the credentials are not good")
        if code == OK or (not has_code and answer.status < 400):
            return found
        if code is None:
            raise lost(reading, f"HTTP {answer.status} without a code")
        refusal = NotThere if answer.status == 404 or code == NOT_THERE else Refused
        raise refusal(str(code)[:40], str(found.get("message", ""))[:400])

    def _too_often(self, found: Any, headers: Mapping[str, str]) -> Unreachable:
        """Of the day or of the minute; until then nobody of this process asks again."""
        code = found.get("code") if isinstance(found, dict) else None
        if code == DAILY:
            why, wait = "the calls of the day are used up", max(_seconds(headers, 0), DAILY_REST)
        else:  # 43, 44, or a proxy's own page
            why, wait = "too many calls at once", _seconds(headers, BURST_REST)
        self.gate.close(why, wait)
        return Unreachable(why, wait)


def lost(reading: bool, why: str) -> Exception:
    """An answer that did not come. A question may be asked again; whether an order was carried out is not known."""
    return Unreachable(why) if reading else Unsure(why)


def _seconds(headers: Mapping[str, str], otherwise: int) -> int:
    for name in ("retry-after", "x-rate-limit-reset"):
        text = headers.get(name, "")
        if text.isdecimal() and int(text) > 0:
            return int(text)
    return otherwise


def to_json(value: Any) -> str:
    """JSON whose amounts are the very digits of their Decimals."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{to_json(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
