"""Where a bank line and what it is taken for differ, in words and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.errors import Sentence
from billing.money import format_money
from reconciliation.rules.workbench import Suggestion
from reconciliation.rules.workbench_text import Piece, shared_words


@dataclass(frozen=True)
class Beside:
    """One fact on both sides. bank, ours: what differs in them is marked. words: the difference, or none."""

    what: Sentence
    bank: Sequence[Piece]
    ours: Sequence[Piece]
    words: str
    differs: bool


def beside(suggestion: Suggestion, *, amount: Decimal, currency: str, party: str, other_name: str = "") -> list[Beside]:
    """Amount and payer of a line beside those of a suggestion. amount: what is left of the line."""
    rows = []
    if suggestion.shares:
        rows.append(_amounts(suggestion, amount, currency))
    if suggestion.customer_id is not None:
        rows.append(_payers(party, suggestion.name, suggestion.other_name))
    return rows


def _amounts(suggestion: Suggestion, amount: Decimal, currency: str) -> Beside:
    asked = suggestion.asks_for
    gap = amount - asked
    mark = "differs" if gap else ""
    if not gap:
        words = _("fits exactly")
    elif gap < 0:
        words = _("{amount} less than the invoices ask for").format(amount=format_money(-gap, currency))
    else:
        words = _("{amount} more than the invoices ask for").format(amount=format_money(gap, currency))
    bank, ours = Piece(format_money(amount, currency), mark), Piece(format_money(asked, currency), mark)
    return Beside(_("Amount"), [bank], [ours], words, bool(gap))


def _payers(party: str, name: str, other_name: str) -> Beside:
    """Against the name, or the other name where more of it is the same."""
    if not party:
        return Beside(_("Payer"), [Piece("–")], [Piece(name)], _("the bank names nobody"), True)
    best = min((name, other_name or name), key=lambda one: sum(bool(piece.what) for piece in shared_words(party, one)))
    bank, ours = shared_words(party, best), shared_words(best, party)
    differs = any(piece.what for piece in (*bank, *ours))
    return Beside(_("Payer"), bank, ours, _("written otherwise") if differs else _("the same"), differs)
