"""A bank's text with what we recognised in it, for the eyes of a clerk."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

SHORTEST = 3


@dataclass(frozen=True)
class Piece:
    """A stretch of the text. what: "" for plain text, else what was recognised: "number", "name", "amount"."""

    text: str
    what: str = ""


def mark_text(text: str, known: Iterable[tuple[str, str]]) -> list[Piece]:
    """Cut a text where something known stands in it. known: (written, what), the weightier first.

    Case, full-width forms and what separates letters and digits are passed over: "inv 0001-23" shows INV-000123.
    """
    taken = [""] * len(text)
    for written, what in known:
        for start, end in _places(text, written):
            if not any(taken[start:end]):
                taken[start:end] = [what] * (end - start)
    pieces: list[Piece] = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or taken[at] != taken[start]:
            pieces.append(Piece(text[start:at], taken[start]))
            start = at
    return pieces


def _places(text: str, written: str) -> list[tuple[int, int]]:
    """Where it stands, from its first to its last letter."""
    needle, _where = _folded(written)
    folded, where = _folded(text)
    if len(needle) < SHORTEST:
        return []
    found = re.finditer(re.escape(needle), folded)
    return [(where[one.start()], where[one.end() - 1] + 1) for one in found]


def _folded(text: str) -> tuple[str, list[int]]:
    """Letters and digits alone, with the place of each in the text."""
    letters: list[str] = []
    where: list[int] = []
    for place, char in enumerate(text):
        for letter in unicodedata.normalize("NFKC", char).casefold():
            if letter.isalnum():
                letters.append(letter)
                where.append(place)
    return "".join(letters), where


def shared_words(one: str, other: str) -> list[Piece]:
    """The words of one text; those that the other does not have are marked as "differs"."""
    theirs = {_folded(word)[0] for word in other.split()}
    pieces: list[Piece] = []
    for word in one.split():
        pieces.append(Piece(word, "" if _folded(word)[0] in theirs else "differs"))
    return pieces
