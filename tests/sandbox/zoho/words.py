"""How Zoho writes things down: envelopes, refusals, decimals in JSON, dates and times; and how it reads them."""

import calendar
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.sandbox.wire import Reply, Request

JSON = "application/json;charset=UTF-8"
# Digits after the point; what is not listed has two.
EXPONENTS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
# Marks a decimal on its way through the encoder, which cannot write one itself.
_MARK = "\ue000"


class Refused(Exception):
    """An answer that is a refusal. code: a number in Billing and Books, a word in CRM."""

    def __init__(
        self, code: int | str, message: str, status: int = 400, details: Mapping[str, Any] | None = None
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.code, self.message, self.status, self.details = code, message, status, details or {}


def invalid(name: str) -> Refused:
    return Refused(2, f"Invalid value passed for {name}")


def missing(name: str) -> Refused:
    return Refused(4, f"The parameter {name} is missing.")


def not_found(what: str) -> Refused:
    return Refused(1002, f"{what} does not exist.", 404)


def dump(value: Any) -> bytes:
    """JSON without blanks; Decimals become bare numbers with the digits they have."""
    text = json.dumps(value, separators=(",", ":"), default=_plain)
    return re.sub(r'"\\ue000(-?[\d.]+)"', r"\1", text).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value}"
    raise TypeError(f"cannot write {type(value).__name__}")


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, dump(value), JSON, dict(headers or {}))


def done(message: str = "success", status: int = 200, **entities: Any) -> Reply:
    """The envelope of Billing and Books."""
    return json_answer({"code": 0, "message": message, **entities}, status)


def money(minor: int, currency: str) -> Decimal:
    """Integer minor units as major units with the currency's digits."""
    return Decimal(minor).scaleb(-EXPONENTS.get(currency, 2))


def minor_units(value: Any, currency: str, name: str = "amount", *, least: int = 1) -> int:
    """A JSON number or text of major units as minor ones. Raises Refused for what is no such amount."""
    if value is None or isinstance(value, bool):
        raise invalid(name) if value is not None else missing(name)
    try:
        scaled = Decimal(str(value)).scaleb(EXPONENTS.get(currency, 2))
    except InvalidOperation:
        raise invalid(name) from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or scaled < least:
        raise invalid(name)
    return int(scaled)


def read_json(body: bytes) -> dict[str, Any]:
    """Zoho also takes the JSON in a form field JSONString; that older way is not spoken here."""
    try:
        found = json.loads(body or b"{}", parse_float=Decimal)
    except ValueError:
        raise Refused(1038, "JSON is not well formed") from None
    if not isinstance(found, dict):
        raise Refused(1038, "JSON is not well formed")
    customer = found.get("customer")
    for part in (found, customer if isinstance(customer, dict) else {}):
        for name in ("card", "bank_account"):
            if part.get(name):  # numbers come in by the hosted pages and in no other way
                raise invalid(name)
    return found


def read_date(text: Any, name: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise invalid(name) from None


def page_asked(request: Request) -> tuple[int, int]:
    """Which page, and how many rows: 200 at most."""
    page, size = request.asked("page") or "1", request.asked("per_page") or "200"
    if not page.isdigit() or not size.isdigit() or int(page) < 1 or int(size) < 1:
        raise invalid("page")
    return int(page), min(int(size), 200)


def stamp(moment: datetime) -> str:
    """2016-06-05T02:15:15-0700"""
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def is_on(value: Any) -> bool:
    return str(value).lower() == "true"


def later(start: date, unit: str, count: int) -> date:
    """`count` units after `start`; the day of the month is kept where the month has it."""
    if unit == "weeks":
        return start + timedelta(weeks=count)
    months = start.year * 12 + start.month - 1 + count * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def weekdays_later(start: date, count: int) -> date:
    day = start
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
