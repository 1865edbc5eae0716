"""Finding a customer by the payer's name, however a bank cut, folded or spelt it."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from reconciliation.rules.matching.facts import CustomerFacts
from reconciliation.rules.matching.name_forms import Form, forms_of

LONG_ENOUGH_TO_CUT = 8
ALIKE = 84
AHEAD = 5
COMPATIBLE = 76
SHORTLIST = 12
SHORTENED = 88


class NameClass(IntEnum):
    """How a name was found, the surest first by number."""

    NONE = 0
    ALIKE = 80
    OTHER_FORM = 84
    CUT = 89
    ABBREVIATED = 90
    SWAPPED = 91
    ROMANISED = 92
    CORE = 94
    ALIAS = 96
    EXACT = 98


@dataclass(frozen=True)
class NameFinding:
    """Who a name is, the best first. customer_id: None where nobody or several fit equally well."""

    how: NameClass = NameClass.NONE
    customer_id: int | None = None
    others: tuple[int, ...] = ()

    @property
    def is_strong(self) -> bool:
        return self.customer_id is not None and self.how >= NameClass.CUT


class NameIndex:
    """All names of all customers under the keys by which one is found. Built once, asked often; answers are kept."""

    def __init__(self, customers: Sequence[CustomerFacts]) -> None:
        self.whole: dict[str, set[int]] = {}
        self.core: dict[str, set[int]] = {}
        self.roman: dict[str, set[int]] = {}
        self.mixed: dict[str, set[int]] = {}
        self.alias: dict[str, set[int]] = {}
        self.forms: dict[int, list[Form]] = {}
        for customer in customers:
            self._add(customer)
        by_whole = {(key, pk) for key, pks in self.whole.items() for pk in pks}
        self.sorted = sorted(by_whole | self._with_tax_ids(customers))
        self.choices = list(self.core)
        self.cache: dict[str, NameFinding] = {}

    def _with_tax_ids(self, customers: Sequence[CustomerFacts]) -> set[tuple[str, int]]:
        with_id = [c for c in customers if c.tax_id]
        return {(form.whole + c.tax_id, c.id) for c in with_id for form in self.forms[c.id]}

    def _add(self, customer: CustomerFacts) -> None:
        made = forms_of(customer.name) + (forms_of(customer.latin_name) if customer.latin_name else [])
        self.forms[customer.id] = made
        for form in made:
            self.whole.setdefault(form.whole, set()).add(customer.id)
            self.core.setdefault(form.core, set()).add(customer.id)
            self.roman.setdefault(form.roman, set()).add(customer.id)
            for key in {form.whole, form.core, form.raw}:
                self.mixed.setdefault("".join(sorted(key)), set()).add(customer.id)

    def learn(self, name: str, customer_id: int) -> None:
        """A payer's name that people have assigned to a customer."""
        for form in forms_of(name):
            self.alias.setdefault(form.whole, set()).add(customer_id)
        self.cache.clear()

    def forget(self, name: str, customer_id: int) -> None:
        for form in forms_of(name):
            self.alias.get(form.whole, set()).discard(customer_id)
        self.cache.clear()

    def find(self, shown: str) -> NameFinding:
        """Who the name is: the surest way of reading it that names somebody decides."""
        if shown not in self.cache:
            self.cache[shown] = self._find(forms_of(shown)) if shown.strip() else NameFinding()
        return self.cache[shown]

    def _find(self, shown: list[Form]) -> NameFinding:
        shown = [form for form in shown if form.whole]
        own = _union(self.whole, (f.whole for f in shown))
        taught = _union(self.alias, (f.whole for f in shown))
        if own or taught:
            return _finding(own | taught, NameClass.EXACT if own else NameClass.ALIAS)
        for how, found in self._readings(shown):
            if found:
                return _finding(found, how)
        return self._alike(shown)

    def _readings(self, shown: list[Form]) -> Iterable[tuple[NameClass, set[int]]]:
        cores = _union(self.core, (f.core for f in shown))
        if any(form.legal for form in shown):
            yield NameClass.CORE, {pk for pk in cores if self._shares_form(pk, shown)}
            yield NameClass.OTHER_FORM, cores
        else:
            yield NameClass.CORE, cores
        yield NameClass.ROMANISED, _union(self.roman, (f.roman for f in shown))
        yield NameClass.SWAPPED, self._swapped(shown)
        yield NameClass.CUT, self._cut(shown)

    def _shares_form(self, customer_id: int, shown: list[Form]) -> bool:
        """Whether the legal forms agree, or one of the two is silent."""
        legal = {form.legal for form in self.forms[customer_id]}
        return "" in legal or any(form.legal in legal for form in shown)

    def _swapped(self, shown: list[Form]) -> set[int]:
        """One pair of neighbours in the wrong order."""
        found: set[int] = set()
        for key in {key for form in shown for key in (form.whole, form.core, form.raw)}:
            for pk in self.mixed.get("".join(sorted(key)), ()):
                own = {k for form in self.forms[pk] for k in (form.whole, form.core, form.raw)}
                if any(len(k) == len(key) and OSA.distance(k, key) <= 1 for k in own):
                    found.add(pk)
        return found

    def _cut(self, shown: list[Form]) -> set[int]:
        """Names that begin as the shown one does: banks cut at 27, 35 or 54 characters."""
        found: set[int] = set()
        for key in {key for form in shown for key in (form.whole, form.raw)}:
            if len(key) < LONG_ENOUGH_TO_CUT:
                continue
            at = bisect_left(self.sorted, (key, 0))
            while at < len(self.sorted) and self.sorted[at][0].startswith(key):
                found.add(self.sorted[at][1])
                at += 1
        return found

    def _alike(self, shown: list[Form]) -> NameFinding:
        near = {pk for form in shown for pk in self._near(form)}
        short = {pk for pk in near if self._shares_form(pk, shown) and self._abbreviates(shown, pk)}
        if len(short) == 1:
            return _finding(short, NameClass.ABBREVIATED)
        best = {pk: max(likeness(form, own) for form in shown for own in self.forms[pk]) for pk in near}
        ranked = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
        if not ranked or ranked[0][1] < ALIKE:
            return NameFinding(others=tuple(pk for pk, score in ranked if score >= COMPATIBLE - 16))
        alone = len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= AHEAD
        return NameFinding(NameClass.ALIKE, ranked[0][0] if alone else None, tuple(pk for pk, _ in ranked))

    def _near(self, form: Form) -> set[int]:
        closest = process.extract(form.core, self.choices, scorer=fuzz.ratio, limit=SHORTLIST)
        return {pk for choice, _score, _at in closest for pk in self.core[choice]}

    def _abbreviates(self, shown: list[Form], customer_id: int) -> bool:
        return any(is_short_for(form.words, own.words) for form in shown for own in self.forms[customer_id])

    def is_compatible(self, customer_id: int, shown: str) -> bool:
        """Whether the name may well be this customer's: enough to bear out a reference, not to replace one."""
        found = self.find(shown)
        if customer_id == found.customer_id or (found.how >= NameClass.CUT and customer_id in found.others):
            return True
        if found.is_strong:
            return False
        return any(likeness(form, own) >= COMPATIBLE for form in forms_of(shown) for own in self.forms[customer_id])


def likeness(shown: Form, own: Form) -> int:
    """0 to 100. Chinese names are too short for a ratio: there one character makes another company."""
    if shown.is_chinese != own.is_chinese or not shown.core or not own.core:
        return 0
    if shown.is_chinese:
        distance = OSA.distance(shown.core, own.core)
        return 88 if distance <= 1 and len(own.core) >= 5 else 77 if distance <= 1 and len(own.core) >= 4 else 0
    ratio = int(fuzz.ratio(shown.core, own.core))
    return max(ratio, by_words(shown.words, own.words), int(fuzz.ratio(shown.roman, own.roman)))


def is_short_for(shown: Sequence[str], own: Sequence[str]) -> bool:
    """Whether every word is the other's, whole or shortened."""
    if len(shown) != len(own) or len(own) < 2:
        return False
    return all(_word(a, b) >= SHORTENED for a, b in zip(shown, own, strict=True))


def by_words(shown: Sequence[str], own: Sequence[str]) -> int:
    """Word against word: LOG for LOGISTICS, TRDG for TRADING. The last may be cut."""
    if len(shown) != len(own) or not shown:
        return 0
    total = sum(len(word) for word in own)
    return sum(_word(a, b) * len(b) for a, b in zip(shown, own, strict=True)) // total


def _word(shown: str, own: str) -> int:
    if shown == own:
        return 100
    if len(shown) >= 3 and own.startswith(shown):
        return 92
    if len(shown) >= 3 and shown[0] == own[0] and len(shown) * 2 >= len(own) - 1 and _is_within(shown, own):
        return 88
    return min(int(fuzz.ratio(shown, own)), SHORTENED - 1)


def _is_within(short: str, long: str) -> bool:
    rest = iter(long)
    return all(letter in rest for letter in short)


def _union(index: dict[str, set[int]], keys: Iterable[str]) -> set[int]:
    found: set[int] = set()
    for key in keys:
        found |= index.get(key, set())
    return found


def _finding(customers: set[int], how: NameClass) -> NameFinding:
    ordered = tuple(sorted(customers))
    return NameFinding(how, ordered[0] if len(ordered) == 1 else None, ordered)
