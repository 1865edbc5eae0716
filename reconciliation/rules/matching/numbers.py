"""All invoice numbers and creditor references under the keys by which text names them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from reconciliation.rules.matching.facts import InvoiceFacts
from reconciliation.rules.matching.normalising import plain_number

LOOKS_LIKE = str.maketrans("OILSB", "01158")
SHORTEST = 4
SHORTEST_TAIL = 4
LONGEST_TAIL = 9
DIGITS = "0123456789"


def read_letters_as_digits(text: str) -> str:
    """What a scanner or a tired reader makes of 0, 1, 5 and 8, undone."""
    return text.translate(LOOKS_LIKE)


def digits_of(text: str) -> str:
    return "".join(c for c in text if c.isdigit() and c.isascii())


def alpha_prefix(plain: str) -> str:
    return plain[: len(plain) - len(plain.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))]


class NumberIndex:
    """Every number points at all its invoices, open or closed: what names two of them names none."""

    def __init__(self, invoices: Iterable[InvoiceFacts]) -> None:
        self.plain: dict[str, list[InvoiceFacts]] = {}
        self.reference: dict[str, list[InvoiceFacts]] = {}
        self.misread: dict[str, list[InvoiceFacts]] = {}
        self.digits: dict[str, list[InvoiceFacts]] = {}
        self.tails: dict[str, list[InvoiceFacts]] = {}
        for invoice in invoices:
            self._add(invoice)
        self.lengths = sorted({len(key) for key in (*self.plain, *self.reference)}, reverse=True)
        self.prefixes = sorted({alpha_prefix(key) for key in self.plain} - {""}, key=lambda p: (-len(p), p))
        self.sorted = sorted(self.plain)

    def _add(self, invoice: InvoiceFacts) -> None:
        plain = plain_number(invoice.number)
        if len(plain) >= SHORTEST:
            self.plain.setdefault(plain, []).append(invoice)
            self.misread.setdefault(read_letters_as_digits(plain), []).append(invoice)
        digits = digits_of(plain)
        self.digits.setdefault(digits, []).append(invoice)
        for length in range(SHORTEST_TAIL, min(LONGEST_TAIL, len(digits) - 1) + 1):
            self.tails.setdefault(digits[-length:], []).append(invoice)
        if invoice.creditor_reference:
            self.reference.setdefault(plain_number(invoice.creditor_reference), []).append(invoice)

    def exact(self, plain: str) -> list[InvoiceFacts]:
        return self.plain.get(plain) or self.reference.get(plain) or []

    def near(self, plain: str) -> list[InvoiceFacts]:
        """The invoices whose numbers are one edit or one swap of neighbours away; the exact one alone if there is."""
        if plain in self.plain:
            return self.plain[plain]
        found: dict[int, InvoiceFacts] = {}
        for other in neighbours(plain):
            for invoice in self.plain.get(other, ()):
                found[invoice.id] = invoice
        return list(found.values())

    def with_tail(self, digits: str) -> list[InvoiceFacts]:
        return self.tails.get(digits) or self.digits.get(digits) or []

    def begins(self, piece: str) -> bool:
        """Whether some number begins with the piece without being it: what is left where a text was cut off."""
        at = bisect_left(self.sorted, piece)
        return at < len(self.sorted) and self.sorted[at].startswith(piece) and self.sorted[at] != piece

    def between(self, first: InvoiceFacts, last: InvoiceFacts) -> list[InvoiceFacts]:
        """The same customer's invoices from one number to another, both included."""
        low, high = plain_number(first.number), plain_number(last.number)
        at, end = bisect_left(self.sorted, low), bisect_left(self.sorted, high)
        keys = [key for key in self.sorted[at : min(end, at + 50) + 1] if len(key) == len(low)]
        found = [invoice for key in keys for invoice in self.plain[key]]
        return [invoice for invoice in found if invoice.customer_id == first.customer_id]


def neighbours(plain: str) -> Iterator[str]:
    """All texts one edit of a digit or one swap away."""
    for at in range(len(plain)):
        before, here, after = plain[:at], plain[at], plain[at + 1 :]
        if here.isdigit():
            yield before + after
            yield from (before + digit + after for digit in DIGITS if digit != here)
        if after and after[0] != here:
            yield before + after[0] + here + after[1:]
    yield from (plain[:at] + digit + plain[at:] for at in range(len(plain) + 1) for digit in DIGITS)


def is_near(one: str, other: str) -> bool:
    """Whether two numbers are one edit or one swap apart."""
    a, b = plain_number(one), plain_number(other)
    return a != b and abs(len(a) - len(b)) <= 1 and b in set(neighbours(a))


def may_be(piece: str, number: str) -> bool:
    """Whether a piece of text may have been meant as this number: slipped, misread, or cut off at the end."""
    written, plain = plain_number(piece), plain_number(number)
    prefix = alpha_prefix(plain)
    digits = prefix + read_letters_as_digits(written[len(prefix) :])
    return plain.startswith(written) or is_near(written, plain) or is_near(digits, plain)


def only(found: Sequence[InvoiceFacts]) -> InvoiceFacts | None:
    return found[0] if len(found) == 1 else None
