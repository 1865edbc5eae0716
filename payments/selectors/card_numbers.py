"""Telling a card number from any other long number (invariant 47): by its issuer, its length and its check digit."""

import re
from collections.abc import Iterator

# Digits that may be a card's, in one piece or in groups; no part of a longer word or number, no decimals.
RUN = re.compile(r"(?<![0-9A-Za-z.,_-])(?:[2-6](?:[ -]?[0-9]){12,18})(?![0-9A-Za-z_]|[.,-][0-9])")
# The same for PostgreSQL, to find rows that are worth a look; it may find more.
ROUGHLY = "(^|[^0-9A-Za-z])[2-6]([ -]?[0-9]){12,18}($|[^0-9A-Za-z])"
GROUPS = re.compile(r"[ -]")
# First digits → lengths, of the networks that our processors take.
ISSUERS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4, 4, (13, 16, 19)), (51, 55, (16,)), (2221, 2720, (16,)), (34, 34, (15,)), (37, 37, (15,)),
    (6011, 6011, (16, 19)), (644, 659, (16, 19)), (300, 305, (14,)), (36, 36, (14,)), (38, 39, (14,)),
    (3528, 3589, (16, 19)), (620, 629, (16, 17, 18, 19)), (5018, 5038, (16, 19)), (6304, 6304, (16, 19)),
    (6759, 6763, (16, 19)), (508500, 508999, (16,)), (607000, 608999, (16,)), (652150, 653149, (16,)),
)  # fmt: skip


def card_numbers(text: str) -> Iterator[str]:
    """Each number in a text that a card could have, digits only."""
    return (GROUPS.sub("", found[0]) for found in RUN.finditer(text) if _is_one(found[0]))


def without_card_numbers(text: str) -> str:
    """The same text with dots in their place, but for the last four digits."""
    return RUN.sub(lambda found: f"•••{found[0][-4:]}" if _is_one(found[0]) else found[0], text)


def has_card_number(text: str) -> bool:
    return next(card_numbers(text), "") != ""


def is_card(digits: str) -> bool:
    return _is_issued(digits) and _checks(digits) and len(set(digits)) > 1


def _is_issued(digits: str) -> bool:
    return any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last for first, last, lengths in ISSUERS
    )


def _checks(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    plain = [int(digit) for digit in digits]
    return (sum(plain[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in plain[-2::-2])) % 10 == 0


def _is_one(text: str) -> bool:
    return is_card(GROUPS.sub("", text)) and _is_grouped_as_cards_are(text)


def _is_grouped_as_cards_are(text: str) -> bool:
    """4111 1111 1111 1111 and 3782 822463 10005; not a day beside a number, nor telephone numbers in a row."""
    lengths = [len(group) for group in GROUPS.split(text)]
    return len(lengths) == 1 or lengths in ([4, 6, 5], [4, 6, 4]) or (
        set(lengths[:-1]) == {4} and lengths[-1] <= 4 and len(set(text) & {" ", "-"}) == 1
    )  # fmt: skip
