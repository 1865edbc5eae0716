"""Whether a rule of the house fits a line: plain phrases on text made comparable, so that a person can foresee it."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache

from billing.money import ZERO
from reconciliation.rules.matching.facts import LineFacts, RuleFacts
from reconciliation.rules.matching.normalising import VARIANTS, spellings, upper, words

Ways = tuple[str, ...]
# Letters that may be written in more than one way, and marks that stand alone; other text has one spelling.
MARKED = re.compile("[\u00c0-\u036f\u1e00-\u1eff]")


class Said:
    """What a line says, each text in the ways it may be spelt: "MUELLER GMBH", "MULLER GMBH". Read when asked for."""

    def __init__(self, line: LineFacts) -> None:
        self._line = line

    @cached_property
    def text(self) -> Ways:
        return ways_of(self._line.text)

    @cached_property
    def payer(self) -> Ways:
        return (*ways_of(self._line.party_name), *ways_of(self._line.ultimate_party))

    @cached_property
    def code(self) -> Ways:
        return ways_of(self._line.code)


def ways_of(text: str) -> Ways:
    """Upper case, half width, without marks, words apart by one space; none where nothing of it can be compared."""
    if text.isascii():
        plain = " ".join(words(text.upper()))
        return (plain,) if plain else ()
    whole = unicodedata.normalize("NFC", upper(text)).translate(VARIANTS)
    made = spellings(text) if MARKED.search(whole) else (whole,)
    return tuple(way for way in dict.fromkeys(" ".join(words(way)) for way in made) if way)


def first_fitting(line: LineFacts, rules: Iterable[RuleFacts]) -> RuleFacts | None:
    """The first of the rules, in their order, that fits."""
    wanted = tuple(rules)
    if not wanted:
        return None
    said = Said(line)
    return next((rule for rule in wanted if fits(line, rule, said)), None)


def fits(line: LineFacts, rule: RuleFacts, said: Said | None = None) -> bool:
    """Whether all conditions hold. said: of this line, where it is at hand."""
    if not _amount_fits(line, rule):
        return False
    told = said or Said(line)
    if rule.bank_code and not occurs(rule.bank_code, told.code):
        return False
    if rule.payer_has and not occurs(rule.payer_has, told.payer):
        return False
    if any(not occurs(phrase, told.text) for phrase in rule.text_has):
        return False
    return not any(occurs(phrase, told.text) for phrase in rule.text_lacks)


def _amount_fits(line: LineFacts, rule: RuleFacts) -> bool:
    if rule.direction and (line.amount > ZERO) != (rule.direction == "in"):
        return False
    amount = abs(line.amount)
    if rule.amount_from is not None and amount < rule.amount_from:
        return False
    return rule.amount_to is None or amount <= rule.amount_to


def occurs(phrase: str, ways: Ways) -> bool:
    """Whether a phrase is in a text as whole words; Chinese, which does not part words, anywhere."""
    pattern = _pattern(phrase)
    return any(pattern.search(way) for way in ways)


def plain_word(phrase: str) -> str | None:
    """A word that is in every text of ASCII in which the phrase occurs, the longest; None where it occurs in none."""
    if not phrase.isascii():
        found = [words(way) for way in ways_of(phrase) if way.isascii()]
        return "" if found else None
    return max(words(phrase.upper()), key=len, default=None)


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> re.Pattern[str]:
    ways = ways_of(phrase)
    return re.compile("|".join(_bounded(way) for way in ways) if ways else r"(?!)")


def _bounded(way: str) -> str:
    before = r"(?<![0-9A-Z])" if way[0].isascii() else ""
    after = r"(?![0-9A-Z])" if way[-1].isascii() else ""
    return f"{before}{re.escape(way)}{after}"
