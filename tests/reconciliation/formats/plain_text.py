"""Reading an invented file of an older format, through the door every file comes in by."""

from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO

import pytest

from reconciliation.formats.base import Entry, FileRefused, Statement
from reconciliation.formats.reading import Reading, open_reading


def take(data: bytes | str, encodings: tuple[str, ...] = ()) -> tuple[Reading, list[Statement], list[Entry]]:
    """The reading, its statements and its entries, in order."""
    reading = open_reading(BytesIO(data.encode() if isinstance(data, str) else data), "file", encodings=encodings)
    entries = [piece for piece in reading.pieces() if isinstance(piece, Entry)]
    return reading, [one.statement for one in reading.statements], entries


def codes(reading: Reading) -> set[str]:
    """What keeps the file from being taken without a look."""
    return {problem.code for problem in reading.problems if problem.flags}


def amounts(entries: list[Entry]) -> list[str]:
    return [str(entry.amount) for entry in entries]


def net(entries: list[Entry]) -> Decimal:
    return sum((entry.amount or Decimal(0) for entry in entries), Decimal(0))


def refused(data: bytes | str) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        take(data)
    return caught.value


def cuts(data: str) -> Iterator[tuple[int, str]]:
    """The file cut off after each of its bytes, from the second line on."""
    for length in range(data.index("\n") + 2, len(data)):
        yield length, data[:length]


def assert_never_silently_short(data: str, *, may_end: int) -> None:
    """Cut anywhere before `may_end`, the file is flagged or refused; nothing else is given for a whole one."""
    whole, _statements, entries = take(data)
    assert not codes(whole), codes(whole)
    for length, part in cuts(data[:may_end]):
        try:
            reading, _statements, some = take(part)
        except FileRefused:
            continue
        assert codes(reading) or amounts(some) == amounts(entries), f"silent at {length}: {part[-40:]!r}"
