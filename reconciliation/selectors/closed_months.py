"""Months as they stand: begun, closed, locked; what the next close may take."""

from dataclasses import dataclass
from datetime import date, datetime
from statistics import median_low

from billing.ledger.models import Period
from billing.office.models import Organization
from reconciliation.models import MonthClose, MonthPack, MonthStart

LOOKED_BACK = 12


@dataclass(frozen=True)
class Prediction:
    """Minutes that a close takes, as the last ones did: the median, the shortest, the longest, of how many."""

    minutes: int
    shortest: int
    longest: int
    months: int


def prediction(organization: Organization) -> Prediction | None:
    """None before the first close. One query."""
    rows = MonthClose.objects.filter(organization=organization).order_by("-closed_at")
    minutes = list(rows.values_list("minutes", flat=True)[:LOOKED_BACK])
    if not minutes:
        return None
    return Prediction(median_low(minutes), min(minutes), max(minutes), len(minutes))


def minutes_since_start(organization: Organization, month: date, asked_at: datetime, now: datetime) -> int:
    """From when somebody began the close, or asked for it, until now."""
    begun = start_of(organization, month)
    since = begun.begun_at if begun is not None else asked_at
    return max(0, int((now - min(since, now)).total_seconds() // 60))


def start_of(organization: Organization, month: date) -> MonthStart | None:
    return MonthStart.objects.filter(organization=organization, month=month).select_related("begun_by").first()


@dataclass(frozen=True)
class MonthRow:
    period: Period
    close: MonthClose | None
    pack: MonthPack | None


def months_of(organization: Organization) -> list[MonthRow]:
    """Every month of the books, newest first. Three queries."""
    periods = Period.objects.filter(organization=organization).select_related("changed_by").order_by("-month")
    rows = MonthClose.objects.filter(organization=organization).select_related("closed_by").order_by("round")
    closes = {close.month: close for close in rows}
    packs = {pack.month: pack for pack in MonthPack.objects.filter(organization=organization).order_by("pk")}
    return [MonthRow(period, closes.get(period.month), packs.get(period.month)) for period in periods]


def pack_of(organization: Organization, month: date) -> MonthPack | None:
    """The newest. One query."""
    return MonthPack.objects.filter(organization=organization, month=month).order_by("-pk").first()
