"""Journal entries as a page of record shows them: each with its lines."""

from collections.abc import Iterable
from dataclasses import dataclass

from billing.ledger.models import JournalEntry, JournalLine


@dataclass(frozen=True)
class EntryRow:
    entry: JournalEntry
    lines: list[JournalLine]


def entries_with_lines(organization_id: int, entry_ids: Iterable[int | None]) -> list[EntryRow]:
    """In the order of their numbers. Two queries."""
    wanted = {pk for pk in entry_ids if pk is not None}
    entries = JournalEntry.objects.filter(organization_id=organization_id, pk__in=wanted).order_by("year", "number")
    lines: dict[int, list[JournalLine]] = {pk: [] for pk in wanted}
    for line in (
        JournalLine.objects.filter(entry_id__in=wanted).select_related("account").order_by("entry_id", "ordinal")
    ):
        lines[line.entry_id].append(line)
    return [EntryRow(entry, lines[entry.pk]) for entry in entries.select_related("posted_by", "reverses")]
