"""Facts of a charge that failed, for tables of decisions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from payments.services.recovery.facts import Failure, Terms, Tried, Way

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)  # a Thursday, 11:00 in New York
ZONE = ZoneInfo("America/New_York")


def terms(**other: Any) -> Terms:
    return Terms(zone=ZONE, **other)


def tried(reason: str = "insufficient_funds", instrument: str = "card", **other: Any) -> Tried:
    """The primary, a Visa, tried once."""
    facts: dict[str, Any] = {
        "method": 1, "place": 1, "gateway_account": 10, "last_at": FIRST, "first_at": FIRST, "presented": 1,
        "brand": "visa", "tried_at": (FIRST,),
    }  # fmt: skip
    return Tried(reason=reason, instrument=instrument, **(facts | other))


def failure(reason: str = "insufficient_funds", instrument: str = "card", **other: Any) -> Failure:
    """Of the primary, unattended. What names a column of Tried is about the primary, the rest about the failure.

    began_at: its first_at. others: further methods that were tried.
    """
    began = other.pop("began_at", FIRST)
    own = {name: other.pop(name) for name in list(other) if name in Tried.__dataclass_fields__}
    other.setdefault("is_proven", reason in ("gateway_timeout", "gateway_error"))
    other.setdefault("technical", 1 if other["is_proven"] else 0)
    facts: dict[str, Any] = {"amount": Decimal("90.00"), "first_at": began}
    more = other.pop("others", ())
    return Failure(tried=(tried(reason, instrument, **own), *more), **(facts | other))


def way(method: int = 2, place: int = 2, gateway_account: int = 10, instrument: str = "card") -> Way:
    return Way(method, instrument, place, gateway_account)
