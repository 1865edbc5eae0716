"""Replies in XML or JSON, always behind a byte order mark, always with HTTP 200."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from tests.sandbox.authorizenet.reading import BOM, NAMESPACE
from tests.sandbox.wire import Reply

MERCHANT_ZONE = ZoneInfo("America/Los_Angeles")
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_SPACES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    f' xmlns="{NAMESPACE}"'
)


@dataclass(frozen=True)
class Items:
    """A list that XML wraps, <batchList><batch/></batchList>, and JSON does not, "batchList": []."""

    name: str
    rows: Sequence[Any]


def money(minor: int) -> Decimal:
    """Minor units of a currency with two decimals."""
    return Decimal(minor).scaleb(-2)


def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def local(at: datetime) -> str:
    there = at.astimezone(MERCHANT_ZONE)
    return there.strftime("%Y-%m-%dT%H:%M:%S.") + f"{there.microsecond // 1000:03d}"


def message_block(result: str, *rows: tuple[str, str]) -> dict[str, Any]:
    return {"resultCode": result, "message": [{"code": code, "text": text} for code, text in rows]}


def written(
    root: str, messages: dict[str, Any], body: Mapping[str, Any], ref_id: str | None, *, as_json: bool
) -> Reply:
    """In XML refId and messages come first, in JSON they come last, and the root has no name."""
    head = {"refId": ref_id, "messages": messages}
    if as_json:
        return Reply(200, BOM + json_text({**body, **head}).encode(), "application/json; charset=utf-8")
    inner = "".join(_element(name, value) for name, value in {**head, **body}.items())
    text = f"{_HEAD}<{root} {_SPACES}>{inner}</{root}>"
    return Reply(200, BOM + text.encode(), "application/xml; charset=utf-8")


def json_text(value: Any) -> str:
    """Amounts keep their digits: 300.00 is not 300.0. None is left out."""
    if isinstance(value, Items):
        value = value.rows
    if isinstance(value, Mapping):
        inside = ",".join(f"{json.dumps(key)}:{json_text(held)}" for key, held in value.items() if held is not None)
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(json_text(one) for one in value)}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, Items):
        inner = "".join(_element(value.name, one) for one in value.rows)
    elif isinstance(value, Mapping):
        inner = "".join(_element(key, held) for key, held in value.items())
    else:
        inner = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{inner}</{name}>" if inner else f"<{name} />"
