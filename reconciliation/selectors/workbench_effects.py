"""What matches did, for the preview (they are taken back afterwards) and for the history of a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import get_language

from billing.models import Allocation
from billing.models.allocation import AllocationKind
from billing.money import ZERO
from billing.selectors.journal import EntryRow, entries_with_lines
from reconciliation.models import Match, StatementLine


@dataclass(frozen=True)
class Applied:
    """What an invoice got. left: what stays open of it."""

    invoice_id: int
    number: str
    amount: Decimal
    kind: str
    kind_words: str
    left: Decimal


@dataclass
class Effect:
    """A match with what follows from it. waits: a second person must look before the money counts."""

    match: Match
    applied: list[Applied] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    unapplied: Decimal = ZERO

    @property
    def waits(self) -> bool:
        return self.match.payment is not None and bool(self.match.payment.pending_for)

    @property
    def customer(self) -> str:
        found = self.match.customer
        if found is None:
            return ""
        latin = not (get_language() or "").startswith("zh") and found.latin_name
        return f"{found.latin_name if latin else found.name} ({found.code})"


def effects_of(matches: Sequence[Match]) -> list[Effect]:
    """In the order given, each with what it posted itself. Five queries, however many matches."""
    rows = Match.objects.filter(pk__in=[match.pk for match in matches]).select_related(
        "customer", "payment__credit_item", "deposit", "refund", "settlement", "cheque", "ledger_account", "other_line",
        "payment_list", "made_by", "undone_by",
    )  # fmt: skip
    found = {row.pk: row for row in rows}
    effects = [Effect(found[match.pk]) for match in matches if match.pk in found]
    items = {
        effect.match.payment.credit_item_id: effect
        for effect in effects
        if effect.match.made_payment and effect.match.payment and effect.match.payment.credit_item_id
    }
    entries: dict[int, set[int | None]] = {effect.match.pk: {effect.match.entry_id} for effect in effects}
    for row in _standing(items):
        effect = items[row.credit_item_id]
        entries[effect.match.pk].add(row.entry_id)
        effect.applied.append(
            Applied(row.invoice_id, row.invoice.number, row.amount, row.kind, str(AllocationKind(row.kind).label),
                    row.invoice.open_amount)
        )  # fmt: skip
    for effect in items.values():
        payment = effect.match.payment
        assert payment is not None and payment.credit_item is not None
        effect.unapplied = payment.credit_item.unapplied_amount
        entries[effect.match.pk].add(payment.entry_id)
    _add_entries(effects, entries)
    return effects


def _standing(items: Iterable[int | None]) -> Iterable[Allocation]:
    rows = Allocation.objects.filter(credit_item__in=[pk for pk in items if pk], reverses=None, reversed_by=None)
    return rows.select_related("invoice").order_by("pk")


def _add_entries(effects: Sequence[Effect], wanted: dict[int, set[int | None]]) -> None:
    if not effects:
        return
    keys = {pk for keys in wanted.values() for pk in keys}
    rows = {row.entry.pk: row for row in entries_with_lines(effects[0].match.organization_id, keys)}
    for effect in effects:
        keys = {pk for pk in wanted[effect.match.pk] if pk is not None}
        effect.entries = [row for pk, row in rows.items() if pk in keys]


def history_of(line: StatementLine) -> list[Match]:
    """Every match of a line, the latest first, undone ones too. One query."""
    rows = Match.objects.filter(line=line).select_related("made_by", "undone_by", "rule")
    return list(rows.order_by("-pk"))
