"""Issuing the papers that are not receipts: frozen, numbered, once for a subject and a period (R155, R157, R158)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import Customer, Provider
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.transactions import transaction_required
from receipts.models import IssuedPaper, PaperKind
from receipts.models.issued_paper import SERIES, digest_of_facts
from receipts.services.letterhead import amount_text

LOCK = 151  # class of the advisory locks: one paper is issued once, whoever asks at the same moment


@dataclass(frozen=True)
class PaperOrder:
    """A paper to be issued. subject: as IssuedPaper has it. head: letterhead(). facts: what the paper is about.

    totals: (currency, amount) of what stands large. reader: the customer, provider or login whose paper it is.
    number: of the document the paper shows; without one it gets a number of its own.
    """

    kind: PaperKind
    subject: str
    first: date
    last: date
    organization: Organization | None
    reader: Customer | Provider | User
    head: Mapping[str, Any]
    totals: Sequence[tuple[str, Decimal]]
    facts: Mapping[str, Any]
    words: Mapping[str, str] | None = None
    number: str = ""

    @property
    def key(self) -> tuple[str, str, date, date]:
        return (str(self.kind), self.subject, self.first, self.last)

    @property
    def digest(self) -> str:
        return digest_of_facts(self.facts)


@transaction_required
def issue_papers(
    *, orders: Sequence[PaperOrder], organization: Organization | None, now: datetime, by: User | None
) -> list[IssuedPaper]:
    """The paper of each order, in their order. One that was issued before and says the same is given again.

    Where the facts have changed since, a new version is issued, which names the one it replaces. organization: of all
    orders. Takes numbers last. A handful of statements, however many orders.
    """
    _lock(orders)
    standing = standing_papers(orders)
    wanted: dict[tuple[str, str, date, date], PaperOrder] = {}
    for order in orders:
        before = standing.get(order.key)
        if before is None or before.digest != order.digest:
            wanted[order.key] = order
    numbers = _numbers(list(wanted.values()), organization, now)
    rows = [_row(order, standing.get(key), numbers[key], now, by) for key, order in wanted.items()]
    for row in IssuedPaper.objects.bulk_create(rows):
        standing[(row.kind, row.subject, row.period_start, row.period_end)] = row
    return [standing[order.key] for order in orders]


def standing_papers(orders: Sequence[PaperOrder]) -> dict[tuple[str, str, date, date], IssuedPaper]:
    """The last version of each paper that was issued already. One query."""
    if not orders:
        return {}
    rows = IssuedPaper.objects.filter(
        superseded_by__isnull=True, kind__in={order.kind for order in orders},
        subject__in=[order.subject for order in orders], period_start__in={order.first for order in orders},
        period_end__in={order.last for order in orders},
    )  # fmt: skip
    return {(row.kind, row.subject, row.period_start, row.period_end): row for row in rows}


def _lock(orders: Sequence[PaperOrder]) -> None:
    """Until the end of the transaction; in one order everywhere, so that nobody waits for each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(n, %s) AS k"
            " FROM unnest(%s::text[]) n ORDER BY 1) keys",
            [LOCK, [f"{order.kind} {order.subject}" for order in orders]],
        )


def _numbers(
    orders: Sequence[PaperOrder], organization: Organization | None, now: datetime
) -> dict[tuple[str, str, date, date], str]:
    found = {order.key: order.number for order in orders if order.number}
    own = [order for order in orders if not order.number]
    if organization is None:
        return found | {order.key: _family_number(now) for order in own}
    counts: dict[str, int] = {}
    for order in own:
        counts[SERIES[order.kind]] = counts.get(SERIES[order.kind], 0) + 1
    taken = take_numbers(organization, organization.today(now), counts)
    ready = {series: iter(numbers) for series, numbers in taken.items()}
    return found | {order.key: next(ready[SERIES[order.kind]]) for order in own}


def _family_number(now: datetime) -> str:
    """Of no organization, so from a sequence; it may have holes, which mean nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('receipts_family_paper')")
        return f"FAM-{now.year}-{cursor.fetchone()[0]:08d}"


def _row(order: PaperOrder, before: IssuedPaper | None, number: str, now: datetime, by: User | None) -> IssuedPaper:
    reader = order.reader
    content = {
        **order.head,
        "period": [order.first.isoformat(), order.last.isoformat()],
        "totals": [[currency, amount_text(amount)] for currency, amount in order.totals],
        "currency": order.totals[0][0],
        "amount": amount_text(order.totals[0][1]),
        "words": dict(order.words or {}),
        "replaces": before.number if before is not None and before.number != number else "",
        "version": before.version + 1 if before is not None else 1,
        "notes": {},
        "facts": order.facts,
    }
    return IssuedPaper(
        organization=order.organization, customer=reader if isinstance(reader, Customer) else None,
        provider=reader if isinstance(reader, Provider) else None, user=reader if isinstance(reader, User) else None,
        kind=order.kind, subject=order.subject, period_start=order.first, period_end=order.last,
        version=content["version"], number=number, content=content, digest=order.digest, supersedes=before,
        issued_at=now, issued_by=by,
    )  # fmt: skip
