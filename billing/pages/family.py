"""How the family's page writes what it shows: states in a parent's words, reasons as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.errors import Sentence
from billing.rules.explaining import sentences
from billing.rules.priced import PricedLine
from billing.selectors.family import Period

# A state in a parent's words, with a shape beside it so that colour alone says nothing.
STATES: Mapping[str, tuple[Sentence, str, str]] = {
    "planned": (pgettext_lazy("instalment", "to come"), "○", "info"),
    "billed": (pgettext_lazy("instalment", "to pay"), "◐", "info"),
    "part_paid": (_("part-paid"), "◐", "info"),
    "paid": (_("paid"), "●", "good"),
    "overdue": (_("overdue"), "▲", "bad"),
    "in_grace": (pgettext_lazy("instalment", "late, still in time"), "▲", "warn"),
    "skipped": (_("not charged"), "–", "quiet"),
}
TROUBLES: Mapping[str, Sentence] = {
    "paused": _("This rests at the moment."),
    "suspended": _("This is suspended because something is unpaid. It goes on when what is owed is paid."),
    "lapsed": _("This policy has lapsed. The office tells you what it takes to revive it."),
}


def shown_period(period: Period, currency: str) -> dict[str, Any]:
    word, shape, tone = STATES[period.state]
    return {
        "period": period, "word": word, "shape": shape, "tone": tone,
        "lines": [priced(line, currency) for line in period.lines],
    }  # fmt: skip


def priced(line: PricedLine, currency: str) -> tuple[str, Any, Sequence[str]]:
    return line.text, line.total, sentences(line.steps, currency)
