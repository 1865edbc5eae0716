"""Dwolla's way of speaking: HAL bodies, links that are identifiers, errors with a code."""

import json
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from tests.sandbox.wire import Reply

VENDOR = "application/vnd.dwolla.v1.hal+json"
_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,10})?")


class Refused(Exception):
    """The request is answered with `reply` and goes no further."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


def said(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), VENDOR)


def created(location: str) -> Reply:
    """201 with nothing but where the new resource is."""
    return Reply(201, b"", VENDOR, {"location": location})


def refused(status: int, code: str, message: str, **more: Any) -> Refused:
    return Refused(said({"code": code, "message": message, **more}, status))


def wrong(code: str, message: str, path: str) -> dict[str, Any]:
    """One embedded error. path: JSON pointer to the field."""
    return {"code": code, "message": message, "path": path, "_links": {}}


def invalid(*errors: dict[str, Any]) -> Refused:
    message = "Validation error(s) present. See embedded errors list for more details."
    return refused(400, "ValidationError", message, _embedded={"errors": list(errors)})


def not_found() -> Refused:
    return refused(404, "NotFound", "The requested resource was not found.")


def tail(href: object) -> str:
    """The identifier at the end of a link, "" for what is no link. The host is taken on trust."""
    return href.rstrip("/").rsplit("/", 1)[-1] if isinstance(href, str) else ""


def linked(asked: dict[str, Any], name: str) -> str:
    """The identifier that _links.name of a request points at, "" without one."""
    link = (asked.get("_links") or {}).get(name) or {}
    return tail(link.get("href")) if isinstance(link, dict) else ""


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(cents: int) -> dict[str, str]:
    return {"value": f"{Decimal(cents) / 100:.2f}", "currency": "USD"}


def cents_of(amount: Any, path: str = "/amount") -> int:
    """Cents of {"value": "12.34", "currency": "USD"}; further decimals are rounded half to even, as Dwolla does.

    Zero and less are returned as they are. Raises Refused for what is no amount.
    """
    if not isinstance(amount, dict):
        raise invalid(wrong("Required", "Amount required.", path))
    if amount.get("currency") != "USD":
        raise invalid(wrong("Invalid", "Invalid currency.", f"{path}/currency"))
    value = amount.get("value")
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise invalid(wrong("InvalidFormat", "Amount is not in a valid format.", f"{path}/value"))
    return int(Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_EVEN) * 100)
