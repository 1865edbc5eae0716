"""Questions to PayU's query service: a signed form out, JSON back. HTTP says nothing; `status` in the body does."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments.gateways.json_line import Row, Unanswered
from payments.gateways.netbanking import signing
from payments.gateways.netbanking.codes import NOT_LET_IN
from payments.gateways.wire import Answer, Lost, NotSent, Wire, scrub

SERVICE = "/merchant/postservice.php"
FOUND, ABSENT = 1, 0
NOT_FOUND = "Not Found"
# Of a payer, and what a log has no need of.
PRIVATE = frozenset(("firstname", "lastname", "email", "phone", "field9", "bank_arn"))


class TurnedAway(Exception):
    """Our credentials are not good, or we ask too often: nothing was done."""


class Line:
    def __init__(self, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.base = settings["base_url"].rstrip("/")
        self.url = settings.get("query_url", self.base).rstrip("/") + SERVICE
        self.key, self.salt, self.wire = settings["key"], settings["salt"], wire
        wire.secret |= PRIVATE

    def command(self, name: str, first: str, **more: str) -> Row:
        """An answer with a status, of yes or no. Raises NotSent, Lost, TurnedAway."""
        fields = {
            "key": self.key, "command": name, "var1": first,
            "hash": signing.of_command(self.key, name, first, self.salt), **more,
        }  # fmt: skip
        return _said(self.wire.send("POST", self.url, data=fields, params={"form": "2"}))

    def ask(self, name: str, first: str, **more: str) -> Row:
        """Raises Unanswered: asking changes nothing."""
        try:
            return self.command(name, first, **more)
        except (NotSent, Lost, TurnedAway) as trouble:
            raise Unanswered(str(trouble)) from None

    def payment(self, key: str) -> Row | None:
        """PayU's record of a key of ours; None where it has none. Raises Unanswered."""
        row = mapping(mapping(self.ask("verify_payment", key), "transaction_details"), key)
        if not row:
            raise Unanswered("no record, and no word that there is none")
        return None if word(row, "mihpayid") == NOT_FOUND else row

    def refunds(self, payment: str) -> list[Row]:
        """Of a payment, by its mihpayid. Raises Unanswered."""
        body = self.ask("check_action_status", payment, var2="payuid")
        return [row for row in _nested(body, payment) if word(row, "action") == "refund"]

    def refund(self, request: str) -> Row | None:
        """By PayU's number of it. Raises Unanswered."""
        rows = _nested(self.ask("check_action_status", request), request)
        return next((row for row in rows if word(row, "request_id") == request), None)


def _nested(body: Row, first: str) -> list[Row]:
    """Rows by request below what was asked for; none where PayU says that there are none. Raises Unanswered."""
    details = body.get("transaction_details")
    if body.get("status") == ABSENT:
        return []
    if not isinstance(details, dict):
        raise Unanswered("no list of refunds")
    return [row for row in mapping(details, first).values() if isinstance(row, dict)]


def _said(answer: Answer) -> Row:
    if answer.status in (401, 403, 429):
        raise TurnedAway(f"HTTP {answer.status}")
    try:
        body: Any = json.loads(answer.text, parse_float=Decimal)
    except ValueError as trouble:
        raise Lost("unreadable") from trouble
    if answer.status != 200 or not isinstance(body, dict) or body.get("status") not in (FOUND, ABSENT):
        raise Lost(f"HTTP {answer.status}")
    if body["status"] == ABSENT and body.get("msg") in NOT_LET_IN:
        raise TurnedAway(str(body["msg"]))
    return body


def mapping(row: Row, name: str) -> Row:
    """A part of a row; {} where it has none."""
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def word(row: Mapping[str, Any], name: str) -> str:
    """A field as text; "" for none. PayU writes numbers both ways."""
    found = row.get(name)
    return scrub(str(found), PRIVATE) if isinstance(found, str | int | Decimal) and not isinstance(found, bool) else ""
