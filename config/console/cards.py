"""The cards of the start page: one number each, which opens the list it is made of."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from billing.admin.columns import screen_url
from billing.money import ZERO, format_money


@dataclass(frozen=True)
class Card:
    """One number. note: what it is made of, or what would be here. tone: "" or "warn" or "bad" or "good"."""

    title: str
    figure: str
    note: str
    link: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Desk:
    """What the sections are built from: the clock is read once."""

    request: Any
    now: datetime
    today: date

    @property
    def organization(self) -> Any:
        return self.request.organization

    @property
    def currency(self) -> str:
        return str(self.request.organization.currency)

    def money(self, value: Decimal | None) -> str:
        return format_money(value or ZERO, self.currency)


def listed(screen: str, **filters: object) -> str:
    """The list a number is made of."""
    url = screen_url(f"{screen}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def opened(screen: str, **filters: object) -> str:
    """A work screen with something chosen."""
    url = screen_url(screen)
    return f"{url}?{urlencode(filters)}" if filters and url else url
