"""What the items between bank and books are, in words: of lists on screens, on papers, in what is frozen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from billing.ledger.models import JournalEntry
from reconciliation.models import Match, StatementLine
from reconciliation.selectors.bank_position import Ref

LONGEST_TEXT = 160


@dataclass(frozen=True)
class Item:
    """ref: what and how much. number: of the entry, or place of the line. kind: the entry's event, the match's kind, or
    "repeat" of a line that seems to repeat another. entry, line, match, payment: keys of what to open, where there is.
    """

    ref: Ref
    number: str
    words: str
    kind: str = ""
    entry: int | None = None
    line: int | None = None
    match: int | None = None
    payment: int | None = None
    by: str = ""

    def frozen(self) -> list[Any]:
        """As a row of what is kept for good."""
        ref = self.ref
        return [ref.day.isoformat(), self.number, self.words, self.kind, f"{ref.amount:.2f}", f"{ref.of}:{ref.id}"]


def describe(refs: Sequence[Ref]) -> list[Item]:
    """In their order. At most three queries."""
    entries = JournalEntry.objects.in_bulk([ref.id for ref in refs if ref.of == "entry"])
    lines = _lines(ref.id for ref in refs if ref.of == "line")
    matches = _matches(ref.id for ref in refs if ref.of == "match")
    found = []
    for ref in refs:
        if ref.of == "entry":
            entry = entries[ref.id]
            found.append(Item(ref, str(entry), entry.memo, entry.event, entry=entry.pk))
        elif ref.of == "line":
            found.append(_of_line(ref, lines[ref.id]))
        else:
            found.append(_of_match(ref, matches[ref.id]))
    return found


def place_of(line: StatementLine) -> str:
    """Statement and line on it."""
    return f"{line.statement} #{line.ordinal}"


def _of_line(ref: Ref, line: StatementLine) -> Item:
    words = f"{line.party_name} {line.text}".strip()[:LONGEST_TEXT]
    return Item(ref, place_of(line), words, "repeat" if line.looks_like_id else "", line=line.pk)


def _of_match(ref: Ref, match: Match) -> Item:
    thing = match.payment or match.deposit or match.refund or match.settlement or match.ledger_account or match.cheque
    words = f"{thing or ''} {match.line.party_name} {match.note}".strip()[:LONGEST_TEXT]
    return Item(
        ref, place_of(match.line), words, match.kind, entry=match.entry_id, line=match.line_id, match=match.pk,
        payment=match.payment_id, by=str(match.made_by) if match.made_by else "",
    )  # fmt: skip


def _lines(keys: Iterable[int]) -> dict[int, StatementLine]:
    return StatementLine.objects.select_related("statement").in_bulk(list(keys))


def _matches(keys: Iterable[int]) -> dict[int, Match]:
    rows = Match.objects.select_related(
        "line__statement", "payment", "deposit", "refund", "settlement", "ledger_account", "cheque", "made_by"
    )
    return rows.in_bulk(list(keys))
