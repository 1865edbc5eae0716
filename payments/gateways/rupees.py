"""Rupees and Indian days, as UPI, net banking and NACH write them."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from payments.gateways.base import Money

CURRENCY = "INR"
IST = timezone(timedelta(hours=5, minutes=30), "IST")
AMOUNT = re.compile(r"(\d{1,12})\.(\d{2})")


def rupees(money: Money) -> str:
    """As their wires have it: "1250.00"."""
    return f"{money.decimal:.2f}"


def paise(text: object) -> Money | None:
    """None for whatever is not digits with two decimals."""
    found = AMOUNT.fullmatch(text) if isinstance(text, str) else None
    return Money(int(found[1] + found[2]), CURRENCY) if found else None


def instant(text: object) -> datetime | None:
    """Aware UTC; None for what is no moment with its offset."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo else None


def day_in_india(at: datetime) -> date:
    return at.astimezone(IST).date()


def in_india(day: date, at: time) -> datetime:
    """A time of day there, as aware UTC."""
    return datetime.combine(day, at, IST).astimezone(UTC)
