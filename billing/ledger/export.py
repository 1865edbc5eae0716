"""The journal as rows for the accountant's own books (R143)."""

from collections.abc import Generator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from billing.ledger.models import GlBatchState, JournalLine

CHUNK = 2000


class ExportRow(NamedTuple):
    """A journal line with its entry and account. party: the customer's key."""

    entry: str
    date: date
    event: str
    memo: str
    account_code: str
    account_name: str
    role: str
    debit: Decimal
    credit: Decimal
    currency: str
    party: int | None
    department: str
    project: str
    key: str
    account_kind: str


def export_rows(
    organization_id: int, first: date, last: date, *, posted_only: bool = False
) -> Generator[ExportRow, None, None]:
    """Lines of entries dated first to last, both included, by date, number and ordinal. One query, read as it comes.

    posted_only: those in batches that are posted to the general ledger.
    """
    lines = JournalLine.objects.filter(
        organization_id=organization_id, entry__organization_id=organization_id,
        entry__entry_date__range=(first, last),
    )  # fmt: skip
    if posted_only:
        lines = lines.filter(entry__gl__batch__state=GlBatchState.POSTED)
    rows = (
        lines
        .order_by("entry__entry_date", "entry__year", "entry__number", "ordinal")
        .values_list(
            "entry__year", "entry__number", "entry__entry_date", "entry__event", "entry__memo", "account__code",
            "account__name", "account__role", "debit", "credit", "currency", "party", "department", "project",
            "entry__key", "account__kind",
        )
    )  # fmt: skip
    for year, number, *rest in rows.iterator(chunk_size=CHUNK):
        yield ExportRow._make((f"JE-{year}-{number:08d}", *rest))
