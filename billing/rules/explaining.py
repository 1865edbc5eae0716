"""How an amount came about, in a parent's words: a sentence for each step, in the reader's language."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.money import format_money
from billing.rules import words_agreements, words_dunning, words_earnings, words_lessons, words_premiums, words_runs
from billing.rules.priced import Step

# Code of a step → its sentence. Each room of the rules brings its own.
WORDS: dict[str, Sentence] = {
    "tax": _("{name} {percent} %: {tax_amount}."),
    "tax_inside": _("The price contains {tax_amount} {name} ({percent} %)."),
    "tax_parts": _("{name} {percent} % ({parts}): {tax_amount}."),
    "tax_inside_parts": _("The price contains {tax_amount} {name} ({percent} %: {parts})."),
    "tax_exempt": _("No {name}: {reason}."),
    "tax_taken_out": _("{tax_amount} {name} ({percent} %) are taken out of the price: {reason}."),
    "share": _("Your share of it is {percent} %."),
    **words_agreements.WORDS,
    **words_lessons.WORDS,
    **words_premiums.WORDS,
    **words_dunning.WORDS,
    **words_earnings.WORDS,
    **words_runs.WORDS,
}


def sentences(steps: Iterable[Step | Mapping[str, Any]], currency: str) -> list[str]:
    """One sentence a step, as stored or as made. A fact named *_amount is money, *_on a date."""
    made = [one if isinstance(one, Step) else Step.from_json(one) for one in steps]
    return [str(WORDS[one.code]).format(**shown_facts(one.facts, currency)) for one in made]


def explanation(steps: Sequence[Step | Mapping[str, Any]], currency: str, longest: int = 400) -> str:
    """All sentences in one text, for papers and machines; cut at a sentence's end."""
    text = ""
    for sentence in sentences(steps, currency):
        if len(text) + len(sentence) + 1 > longest:
            break
        text += (" " if text else "") + sentence
    return text


def shown_facts(facts: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A step's facts as people read them: money with its sign, days in the reader's way."""
    return {name: _one(name, value, currency) for name, value in facts.items()}


def _one(name: str, value: Any, currency: str) -> Any:
    if name.endswith("_amount"):
        return format_money(Decimal(str(value)), currency)
    if name.endswith("_on"):
        return date_format(date.fromisoformat(str(value)))
    return value
