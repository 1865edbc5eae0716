"""The payment reference that repairs itself: nine characters that name a customer or an invoice on a bank's form.

# Note [How a reference repairs itself]
# Nine symbols of GF(31): what it names (1), its number (5), checks (3). The checks make the polynomial of the symbols
# zero at 1, 3 and 9, so that any two references differ in four places or more (Reed-Solomon). One wrong symbol leaves
# the value at 1 not zero, and the two others say where it is; two neighbours swapped leave it zero, and the two others
# say which. So every single slip of either kind is repaired, and never taken for the other. The alphabet leaves out
# 0, 1, I, L and O; who writes one of them has made a slip.
# The number is scattered over its range, so that the references of neighbours look nothing alike.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
FIELD = 31  # prime; 3 generates its units
ROOT = 3
LENGTH, CHECKS, GROUP = 9, 3, 3
NUMBERS = FIELD ** (LENGTH - CHECKS - 1)
SCATTER = 17_711_911  # coprime to NUMBERS
GATHER = pow(SCATTER, -1, NUMBERS)
# (x - 1)(x - 3)(x - 9), highest power first.
GENERATOR = (1, -13, 39, -27)
POWERS = tuple(pow(ROOT, power, FIELD) for power in range(LENGTH))
VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
RUN = re.compile(r"[0-9A-Z]+")
MOST_RUNS = 5  # in how many pieces a bank may have cut it


class Names(StrEnum):
    """What a reference names; its first character."""

    CUSTOMER = "K"
    INVOICE = "N"


@dataclass(frozen=True)
class PaymentCode:
    """A reference as read. number: the record's key. written: as in the text; code: as it should be."""

    names: Names
    number: int
    code: str
    written: str

    @property
    def is_repaired(self) -> bool:
        return self.code != "".join(RUN.findall(self.written))


def build_code(names: Names, number: int) -> str:
    """Nine characters without spaces; "" for a key beyond the 28 million that fit."""
    if not 0 < number < NUMBERS:
        return ""
    left = number * SCATTER % NUMBERS
    symbols = [VALUES[names]]
    for power in reversed(range(LENGTH - CHECKS - 1)):
        symbols.append(left // FIELD**power % FIELD)
    return "".join(ALPHABET[value] for value in (*symbols, *_checks(symbols)))


def grouped(code: str) -> str:
    """As it is printed: "K7M 3PQ 9XZ"."""
    return " ".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def customer_code(pk: int) -> str:
    """As it is printed; "" where there is none."""
    return grouped(build_code(Names.CUSTOMER, pk))


def invoice_code(pk: int) -> str:
    """As it is printed; "" where there is none."""
    return grouped(build_code(Names.INVOICE, pk))


def _checks(symbols: list[int]) -> list[int]:
    """What is left of the symbols, moved up by the checks, after division by the generator; taken from zero."""
    rest = [*symbols, *[0] * CHECKS]
    for at in range(len(symbols)):
        factor = rest[at]
        for step, coefficient in enumerate(GENERATOR):
            rest[at + step] = (rest[at + step] - factor * coefficient) % FIELD
    return [-value % FIELD for value in rest[-CHECKS:]]


def read_code(text: str) -> PaymentCode | None:
    """A text that is one reference and nothing else, with one wrong or two swapped characters at most."""
    letters = "".join(RUN.findall(_plain(text)))
    return _read(letters, text) if len(letters) == LENGTH else None


def find_codes(text: str) -> list[PaymentCode]:
    """All references that a bank's text holds. Whole ones wherever they begin, glued to words too; those with a slip
    only where nothing else touches them, and not where a whole one stands."""
    plain = _plain(text)
    places = [at for at, char in enumerate(plain) if char.isascii() and char.isalnum()]
    joined = "".join(plain[at] for at in places)
    found: dict[tuple[int, int], PaymentCode] = {}
    for at in range(len(joined) - LENGTH + 1):
        letters = joined[at : at + LENGTH]
        if letters[0] in tuple(Names) and not _is_taken(places[at], found):
            code = _read(letters, plain[places[at] : places[at + LENGTH - 1] + 1])
            if code is not None and not code.is_repaired:
                found[places[at], places[at + LENGTH - 1] + 1] = code
    for start, end in _pieces(plain):
        if not any(start < other_end and other_start < end for other_start, other_end in found):
            code = read_code(plain[start:end])
            if code is not None:
                found[start, end] = code
    return [found[place] for place in sorted(found)]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()


def _is_taken(place: int, found: dict[tuple[int, int], PaymentCode]) -> bool:
    return any(start <= place < end for start, end in found)


def _pieces(plain: str) -> Iterator[tuple[int, int]]:
    """Where runs of letters and digits together have the length of a reference."""
    runs = [match.span() for match in RUN.finditer(plain)]
    for at, (start, _end) in enumerate(runs):
        length = 0
        for begin, end in runs[at : at + MOST_RUNS]:
            length += end - begin
            if length == LENGTH:
                yield start, end
            if length >= LENGTH:
                break


def _read(letters: str, written: str) -> PaymentCode | None:
    symbols = _repaired([VALUES.get(letter, 0) for letter in letters])
    code = "".join(ALPHABET[value] for value in symbols or ())
    if not code or code[0] not in tuple(Names):
        return None
    strange = sum(letter not in VALUES for letter in letters)
    if strange > 1 or (strange and any(a != b and a in VALUES for a, b in zip(letters, code, strict=True))):
        return None
    scattered = 0
    for value in symbols[1 : LENGTH - CHECKS]:
        scattered = scattered * FIELD + value
    number = scattered * GATHER % NUMBERS
    return PaymentCode(Names(code[0]), number, code, written) if number else None


def _repaired(symbols: list[int]) -> list[int]:
    """The symbols themselves where they hold together, with the one slip undone that explains them, else []."""
    at_1, at_3, at_9 = (_value(symbols, pow(ROOT, root, FIELD)) for root in range(CHECKS))
    if not (at_1 or at_3 or at_9):
        return symbols
    return _one_wrong(symbols, at_1, at_3, at_9) if at_1 else _swapped(symbols, at_3, at_9)


def _value(symbols: list[int], x: int) -> int:
    total = 0
    for value in symbols:
        total = (total * x + value) % FIELD
    return total


def _one_wrong(symbols: list[int], at_1: int, at_3: int, at_9: int) -> list[int]:
    where = at_3 * pow(at_1, -1, FIELD) % FIELD
    if where not in POWERS or at_1 * where * where % FIELD != at_9:
        return []
    place = LENGTH - 1 - POWERS.index(where)
    return [(value - at_1) % FIELD if at == place else value for at, value in enumerate(symbols)]


def _swapped(symbols: list[int], at_3: int, at_9: int) -> list[int]:
    """Neighbours a, b written as b, a add (b - a)(x - 1)x^n, n being the power of the second."""
    if not at_3:
        return []
    where = at_9 * pow(at_3 * (ROOT + 1), -1, FIELD) % FIELD
    if where not in POWERS[:-1]:
        return []
    second = LENGTH - 1 - POWERS.index(where)
    first, added = second - 1, at_3 * pow(where * (ROOT - 1), -1, FIELD) % FIELD
    if (symbols[first] - symbols[second]) % FIELD != added:
        return []
    swapped = [*symbols]
    swapped[first], swapped[second] = symbols[second], symbols[first]
    return swapped
