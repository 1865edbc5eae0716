"""Money nobody could tell whose it is: how old, whose work it is, and whether suspense is what the ledger says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from billing.ledger.models import JournalLine, Role
from billing.money import ZERO
from billing.office.models import Organization
from reconciliation.models import EXPLAINED, Match, MatchKind, StatementLine

# Days since the bank booked it: (from, until).
BUCKETS: tuple[tuple[int, int | None], ...] = ((0, 7), (8, 30), (31, 60), (61, 90), (91, None))


@dataclass(frozen=True)
class Bucket:
    first: int
    last: int | None
    count: int
    amount: Decimal


@dataclass(frozen=True)
class Suspense:
    """Signed, money that came in positive. ledger: the balance of the suspense account in the same currency."""

    currency: str
    held: Decimal
    ledger: Decimal

    @property
    def agrees(self) -> bool:
        return self.held == self.ledger


def unidentified(organization: Organization) -> QuerySet[StatementLine]:
    """Lines that are still to be explained, the oldest first."""
    rows: QuerySet[StatementLine] = StatementLine.objects.standing()
    rows = rows.filter(organization=organization, kind__in=EXPLAINED, open_amount__gt=0)
    return rows.select_related("bank_account", "work__owner").order_by("booked_on", "pk")


def in_suspense(organization: Organization) -> QuerySet[Match]:
    """What is held, the oldest first."""
    rows = Match.objects.filter(organization=organization, kind=MatchKind.SUSPENSE, undone_at__isnull=True)
    return rows.select_related("line__bank_account", "line__work__owner", "made_by").order_by("line__booked_on", "pk")


def ages(rows: QuerySet[Any], day: str, amount: str, today: date) -> list[Bucket]:
    """How much lies how long. day, amount: the fields of the rows. One query."""
    parts: dict[str, Any] = {}
    for n, (first, last) in enumerate(BUCKETS):
        within = Q(**{f"{day}__lte": _back(today, first)})
        if last is not None:
            within &= Q(**{f"{day}__gte": _back(today, last)})
        if n == 0:
            within = Q(**{f"{day}__gte": _back(today, last or 0)})  # what the bank dates ahead too
        parts |= {f"n{n}": Count("pk", filter=within), f"s{n}": Sum(amount, filter=within)}
    found = rows.order_by().aggregate(**parts)
    return [Bucket(first, last, found[f"n{n}"], found[f"s{n}"] or ZERO) for n, (first, last) in enumerate(BUCKETS)]


def _back(today: date, days: int) -> date:
    return date.fromordinal(today.toordinal() - days)


def suspense_of(organization: Organization) -> Sequence[Suspense]:
    """By currency: what the matches hold, and the ledger's suspense account beside it. Two queries."""
    held = dict(
        in_suspense(organization).order_by().values_list("line__currency").annotate(
            s=Sum("amount", filter=Q(line__direction="in"), default=ZERO)
            - Sum("amount", filter=Q(line__direction="out"), default=ZERO)
        )
    )  # fmt: skip
    booked = dict(
        JournalLine.objects.filter(account__organization=organization, account__role=Role.SUSPENSE)
        .order_by().values_list("currency").annotate(s=Sum(F("credit") - F("debit")))
    )  # fmt: skip
    return [
        Suspense(currency, held.get(currency) or ZERO, booked.get(currency) or ZERO)
        for currency in sorted({*held, *booked})
    ]
