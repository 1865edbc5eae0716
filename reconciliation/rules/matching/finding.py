"""Finding invoice numbers in what a payer wrote: whole, glued, cut over lines, short, misread or mistyped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from reconciliation.rules.matching.facts import InvoiceFacts
from reconciliation.rules.matching.normalising import plain_number, upper
from reconciliation.rules.matching.numbers import NumberIndex, alpha_prefix, digits_of, only, read_letters_as_digits


class How(IntEnum):
    """How a number was read, the surest first by number."""

    TAIL = 88
    MISTYPED = 92
    MISREAD = 93
    SHORT = 94
    DIGITS = 95
    RANGE = 96
    EXACT = 98
    STRUCTURED = 99


WEAK = How.TAIL
SHORTEST_MISREAD = 7
DATE = re.compile(r"(?<!\d)(\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})|(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2})(?!\d)")
LONG_RUN = re.compile(r"(?<![0-9A-Z])(?:[A-Z]{2}\d{2}[0-9A-Z]{11,30}|\d{11,})(?![0-9A-Z])")
SPACED = re.compile(r"(?<![0-9A-Z])\d{2,4}[-/. ]\d{3,8}(?![0-9A-Z])")
RUN = re.compile(r"(?<![0-9A-Z])\d{3,10}(?![0-9A-Z])")
FOLLOWS = re.compile(r"\s*([/,;&+]|-|–|~|TO|BIS|至)\s*(\d{1,6})(?![0-9A-Z])")
YEAR = re.compile(r"(?:19|20)\d\d")
RANGE_SIGNS = {"-", "–", "~", "TO", "BIS", "至"}
LAST_PIECE = re.compile(r"[,;/\s]\s*([0-9A-Z][0-9A-Z-]*)?\s*$")


@dataclass(frozen=True)
class Mention:
    """An invoice that the text names, and how it was read. written: the place in the text."""

    invoice: InvoiceFacts
    how: How
    written: str


@dataclass
class Found:
    """What a text names. unclear: pieces that look like numbers and name none, or several."""

    mentions: list[Mention] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def add(self, invoice: InvoiceFacts, how: How, written: str) -> None:
        if all(mention.invoice.id != invoice.id for mention in self.mentions):
            self.mentions.append(Mention(invoice, how, written))


class Reading:
    """One text being read. What is understood is blanked, so that no digit is read twice."""

    def __init__(self, text: str, index: NumberIndex, skip: Iterable[str]) -> None:
        self.text = upper(text)
        self.index = index
        self.found = Found()
        self.last_end = 0
        for piece in skip:
            if piece:
                self.text = self.text.replace(piece, " " * len(piece))

    def read(self) -> Found:
        self._scan(misread=False)
        self._scan(misread=True)
        self._cut_off()
        self.text = DATE.sub(_blank, self.text)
        self._mistyped()
        self.text = LONG_RUN.sub(_blank, self.text)
        self._bare_digits()
        return self.found

    def _scan(self, *, misread: bool) -> None:
        """Numbers as they are, wherever they begin, across separators and line ends."""
        places = [at for at, c in enumerate(self.text) if c.isascii() and c.isalnum()]
        joined = "".join(self.text[at] for at in places)
        sought = read_letters_as_digits(joined) if misread else joined
        at = 0
        while at < len(joined):
            length = self._length_here(sought, joined, places, at, misread=misread)
            if length:
                self._take(joined, sought, places, at, length, misread=misread)
            at += length or 1

    def _length_here(self, sought: str, joined: str, places: list[int], at: int, *, misread: bool) -> int:
        index = self.index
        for length in index.lengths:
            key = sought[at : at + length]
            if len(key) < length:
                continue
            if misread:
                lettered = key in index.misread and alpha_prefix(joined[at:])
                if lettered and length >= SHORTEST_MISREAD and self._ends(places, at, length):
                    return length
            elif (key in index.plain or key in index.reference) and self._stands(key, joined, places, at):
                return length
        return 0

    def _stands(self, key: str, joined: str, places: list[int], at: int) -> bool:
        """A number of digits only, or of one letter, must stand alone; others may be glued to words."""
        prefix = alpha_prefix(key)
        glued_before = at > 0 and places[at - 1] == places[at] - 1
        if glued_before and ((joined[at - 1].isdigit() and not prefix) or len(prefix) < 2):
            return False
        return self._ends(places, at, len(key)) or (len(prefix) >= 2 and not self._digit_follows(places, at, len(key)))

    def _ends(self, places: list[int], at: int, length: int) -> bool:
        after = places[at + length - 1] + 1
        return after >= len(self.text) or not (self.text[after].isascii() and self.text[after].isalnum())

    def _digit_follows(self, places: list[int], at: int, length: int) -> bool:
        return self.text[places[at + length - 1] + 1].isdigit()

    def _take(self, joined: str, sought: str, places: list[int], at: int, length: int, *, misread: bool) -> None:
        key = sought[at : at + length]
        found = self.index.misread[key] if misread else self.index.exact(key)
        start, end = places[at], places[at + length - 1] + 1
        written = self.text[start:end]
        invoice = only(found)
        how = How.MISREAD if misread else How.EXACT if key in self.index.plain else How.STRUCTURED
        follow = self._followers(invoice, end) if invoice else end
        if invoice is None:
            self.found.unclear.append(written)
        else:
            self.found.add(invoice, how, written)
        self.last_end = max(self.last_end, follow)
        self.text = self.text[:start] + " " * (follow - start) + self.text[follow:]

    def _followers(self, first: InvoiceFacts, end: int) -> int:
        """Short tails and ranges after a whole number: INV-2025-000123/0124, INV-2025-000123 - 126."""
        pieces = []
        while piece := FOLLOWS.match(self.text, end):
            pieces.append((piece[1], piece[2]))
            end = piece.end()
        for sign, tail in pieces:
            other = self._by_tail(first, tail)
            if other is None:
                self.found.unclear.append(tail)
            elif sign in RANGE_SIGNS and len(pieces) == 1 and len(tail) <= 4:
                for invoice in self.index.between(first, other) or [other]:
                    if invoice.id != first.id:
                        self.found.add(invoice, How.RANGE, tail)
            else:
                self.found.add(other, How.SHORT, tail)
        return end

    def _by_tail(self, first: InvoiceFacts, tail: str) -> InvoiceFacts | None:
        """The number that shares its beginning with the first, or the only one of that customer with this tail."""
        plain = plain_number(first.number)
        if len(tail) < len(plain):
            same = self.index.plain.get(plain[: -len(tail)] + tail, [])
            if same and same[0].id != first.id:
                return only(same)
        if len(tail) < 4:
            return None
        own = [i for i in self.index.with_tail(tail) if i.customer_id == first.customer_id and i.id != first.id]
        return only(own)

    def _cut_off(self) -> None:
        """The beginning of a number at the end of the text, after others: the bank cut the rest away."""
        piece = LAST_PIECE.search(self.text.rstrip(), self.last_end) if self.found.mentions else None
        if piece is None:
            return
        start = plain_number(piece[1] or "")
        if start and only(self.index.near(start)):
            return  # one letter short of a single number: a slip, not a cut
        if (not start and piece[0].strip()) or (start and self.index.begins(start)):
            self.found.unclear.append(piece[1] or ",")
            self.text = self.text[: piece.start()]

    def _mistyped(self) -> None:
        """A number that does not exist, one digit away from exactly one that does."""
        for written, start, end in list(self._like_numbers()):
            plain = plain_number(written)
            prefix = alpha_prefix(plain)
            tries = (plain, prefix + read_letters_as_digits(plain[len(prefix) :]))
            near = {invoice.id: invoice for one in tries for invoice in self.index.near(one)}
            invoice = only(list(near.values()))
            if invoice:
                self.found.add(invoice, How.MISTYPED, written)
            else:
                self.found.unclear.append(written)
            self.text = self.text[:start] + " " * (end - start) + self.text[end:]

    def _like_numbers(self) -> Iterator[tuple[str, int, int]]:
        prefixes = [re.escape(prefix) for prefix in self.index.prefixes[:200] if len(prefix) >= 2]
        if not prefixes:
            return
        shape = rf"(?<![A-Z])(?:NO\.?|RE|NR)?({'|'.join(prefixes)})[-/._ ]?(?:[0-9OILSB][-/._]?){{3,}}[0-9OILSB]"
        for match in re.finditer(shape, self.text):
            yield self.text[match.start(1) : match.end()], match.start(1), match.end()

    def _bare_digits(self) -> None:
        """The digits of a number without its letters, or its last ones, where only one number ends so."""
        for shape in (SPACED, RUN):
            for match in list(shape.finditer(self.text)):
                self._one_run(match[0])
                self.text = self.text[: match.start()] + " " * len(match[0]) + self.text[match.end() :]

    def _one_run(self, written: str) -> None:
        digits = digits_of(written)
        whole = self.index.digits.get(digits, [])
        if whole and len(digits) >= 6:
            invoice = only(whole)
            if invoice:
                self.found.add(invoice, How.DIGITS, written)
            return
        if written.isdigit() and not YEAR.fullmatch(written):
            invoice = only(self.index.with_tail(digits))
            if invoice:
                self.found.add(invoice, How.TAIL, written)


def find_numbers(text: str, index: NumberIndex, skip: Iterable[str] = ()) -> Found:
    """What the text names. skip: pieces already understood, in upper case: accounts, virtual accounts."""
    return Reading(text, index, skip).read()


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
