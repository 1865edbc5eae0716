"""Speaking with PrecisePay: forms out, a query string or XML back."""

from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError, fromstring

from payments.gateways.base import GatewayDown
from payments.gateways.wire import Answer, Lost, NotSent, Wire, scrub

FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
# Hidden from the log besides what is hidden everywhere: theirs of a card or account, and where the payer lives.
SECRET = frozenset({
    "check_aba", "check_account", "check_name", "cc_exp", "cc_hash", "check_hash", "tokenization_key", "phone", "email",
    "address1", "address_1",
})  # fmt: skip


class TooOften(Exception):
    """The whole system lets nobody in at the moment; nothing was done."""


class Line:
    """One account's two addresses. base_url: without a path; query_url: whole, where it is another machine."""

    def __init__(self, settings: Mapping[str, str], wire: Wire) -> None:
        base = settings["base_url"].rstrip("/")
        self.pay_url, self.query_url = f"{base}/api/transact.php", settings.get("query_url") or f"{base}/api/query.php"
        self._key, self._wire = settings["security_key"], wire
        wire.secret |= SECRET

    def post(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Have something done; the reply's fields, of a repeated one the first. Raises NotSent, Lost, TooOften."""
        answer = self._send(self.pay_url, fields)
        if answer.status == 429:
            raise TooOften
        if answer.status != 200:
            raise Lost(f"HTTP {answer.status}")
        said: dict[str, str] = {}
        for name, value in parse_qsl(answer.text, keep_blank_values=True):
            said.setdefault(name, value)
        if said.get("response") not in ("1", "2", "3"):
            raise Lost("unreadable")
        return said

    def ask(self, filters: Mapping[str, str]) -> Element:
        """The query's answer, <nm_response>. Raises GatewayDown whatever went wrong: asking changes nothing."""
        try:
            answer = self._send(self.query_url, filters)
            text = answer.text
        except (NotSent, Lost) as trouble:
            raise GatewayDown(str(trouble)) from None
        if answer.status != 200:
            raise GatewayDown(f"HTTP {answer.status}")
        root = _parsed(text)
        refusal = root.findtext("error_response")
        if root.tag != "nm_response" or refusal is not None:
            raise GatewayDown(scrub(refusal or "unreadable")[:200])
        return root

    def _send(self, url: str, fields: Mapping[str, str]) -> Answer:
        filled = {name: value for name, value in fields.items() if value}
        return self._wire.send("POST", url, data={"security_key": self._key, **filled}, headers=FORM)


def _parsed(text: str) -> Element:
    """Entities of a document's own making are no part of the protocol, and are not expanded."""
    if "<!DOCTYPE" in text:
        raise GatewayDown("unreadable")
    try:
        return fromstring(text)
    except (ParseError, ValueError):
        raise GatewayDown("unreadable") from None
