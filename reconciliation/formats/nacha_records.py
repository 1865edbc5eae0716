"""NACHA files as records of 94 characters, with line ends or without, padded or not."""

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import FileRefused
from reconciliation.formats.source import MOST_LINES, Source, too_large

WIDTH = 94
USUAL = "cp1252"  # of what is not ASCII in a name
HEADER = re.compile(rb"1\d\d.{31}094101", re.S)
BATCH = re.compile(rb"5(?:200|220|225|280)[^\r\n]{46}[A-Z]{3}")
KINDS = frozenset("156789")


class Record(NamedTuple):
    """line: of the file, or the record's number where there are none. file: counted from 1, as several may be in one.

    text: padded to 94. length: as it came, without blanks at its end. in_batch: whether a batch was begun for it.
    """

    line: int
    kind: str
    text: str
    length: int
    file: int
    in_batch: bool

    @property
    def place(self) -> str:
        return f"line {self.line}"

    def at(self, first: int, last: int) -> str:
        """Columns as the rules count them, from 1 and with the last; without blanks around."""
        return self.text[first - 1 : last].strip()


def looks_right(head: bytes) -> bool:
    start = head.lstrip()
    return bool(HEADER.match(start) or BATCH.match(start))


def read_records(source: Source, encoding: str) -> Iterator[Record]:
    """All records but the padding. A new file begins with record 1.

    Raises FileRefused for a record of no known kind.
    """
    file, in_batch = 1, False
    is_begun = False
    for line, text in _texts(source, encoding):
        kind = text[0]
        if kind not in KINDS or not text.strip("9"):
            if kind not in KINDS:
                raise FileRefused(
                    _("Line {line}: “{kind}” begins no record of a NACHA file."), code="unknown_record", line=line,
                    kind=kind,
                )  # fmt: skip
            continue
        if kind == "1":
            file += is_begun
            in_batch = False
        elif kind == "5":
            in_batch = True
        is_begun = True
        yield Record(line, kind, text.ljust(WIDTH)[:WIDTH], len(text), file, in_batch)
        if kind in "67":
            in_batch = True
        elif kind in "89":
            in_batch = False


def _texts(source: Source, encoding: str) -> Iterator[tuple[int, str]]:
    """Numbered records that say something, without the blanks at their ends."""
    has_lines = re.search(rb"[\r\n]", source.head(WIDTH * 4).lstrip()) is not None
    texts = source.lines(encoding) if has_lines else _cut(source, encoding)
    for number, text in enumerate(texts, start=1):
        rest = text.rstrip().lstrip("\ufeff\x1a\0")
        for start in range(0, len(rest), WIDTH):
            part = rest[start : start + WIDTH]
            if part.strip():
                yield number, part


def _cut(source: Source, encoding: str) -> Iterator[str]:
    """A file in one line, cut by characters."""
    decoder = codecs.getincrementaldecoder(encoding)()
    held, count = "", 0
    for chunk in source.chunks():
        held += decoder.decode(chunk)
        whole = len(held) // WIDTH * WIDTH
        for start in range(0, whole, WIDTH):
            count += 1
            if count > MOST_LINES:
                raise too_large()
            yield held[start : start + WIDTH]
        held = held[whole:]
    if held.strip():
        yield held
