"""Files of Taiwanese banks: fixed columns counted in bytes of CP950, whatever the file came in.

A Chinese character is two bytes and its second may be that of a backslash or a bar, so rows are cut as bytes and
only then read. A file that became UTF-8 on its way is written back first. A character in neither CP950 nor the Hong
Kong set, as some names have, becomes the mark for what cannot be shown, which no rule takes for a name.
"""

import codecs
from collections.abc import Iterator
from typing import NamedTuple

from reconciliation.formats.source import Source

BOM = b"\xef\xbb\xbf"
WIDE = ("cp950", "big5hkscs")
LOST = "\ufffd"


class Row(NamedTuple):
    """line: of the file. raw: bytes without the line's end. Columns are counted from 1, the last included."""

    line: int
    raw: bytes

    @property
    def place(self) -> str:
        return f"line {self.line}"

    def digits(self, first: int, last: int) -> str:
        """What should be ASCII; anything else shows as a lost character."""
        return self.raw[first - 1 : last].decode("ascii", "replace").strip()

    def text(self, first: int, last: int) -> str:
        return read_bytes(self.raw[first - 1 : last])


def read_rows(source: Source) -> Iterator[Row]:
    """Rows that say something. Raises FileRefused past the bounds."""
    is_utf8 = _is_wide_utf8(source)
    for line, raw in enumerate(source.byte_lines(), start=1):
        part = raw.removeprefix(BOM) if line == 1 else raw
        part = b"".join(_narrow(sign) for sign in part.decode("utf-8")) if is_utf8 else part
        if part.strip(b" \x1a\0"):
            yield Row(line, part)


def read_bytes(raw: bytes) -> str:
    """A field's text without the blanks around it, wide ones too; half a character at its end was cut by the bank."""
    raw = raw.rstrip(b" \0")  # never the second byte of a character
    for name in WIDE:
        try:
            return _trim(raw.decode(name))
        except UnicodeDecodeError as trouble:
            if trouble.start == len(raw) - 1 and trouble.reason.startswith("incomplete"):
                return read_bytes(raw[:-1])
    return _trim("".join(_letters(raw)))


def is_rare(text: str) -> bool:
    """Whether it has letters that are not in CP950: a bank may mean another by the same bytes."""
    try:
        text.replace(LOST, "").encode(WIDE[0])
    except UnicodeEncodeError:
        return True
    return False


def _letters(raw: bytes) -> Iterator[str]:
    """One character after the other, each in the first set that has it."""
    start = 0
    while start < len(raw):
        width = 2 if raw[start] >= 0x80 and raw[start + 1 : start + 2] >= b"@" else 1
        yield _letter(raw[start : start + width])
        start += width


def _letter(raw: bytes) -> str:
    for name in WIDE:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return LOST


def _narrow(sign: str) -> bytes:
    """Back into the bytes the bank counted; two for anything that no set has."""
    if sign < "\x80":
        return sign.encode()
    for name in WIDE:
        try:
            return sign.encode(name)
        except UnicodeEncodeError:
            continue
    return b"\xff\xff"


def _trim(text: str) -> str:
    return text.strip(" \u3000\0")


def _is_wide_utf8(source: Source) -> bool:
    """Whether the file is UTF-8 and more than ASCII. Chinese text in CP950 is practically never UTF-8 by accident."""
    decoder, is_wide = codecs.getincrementaldecoder("utf-8")(), False
    try:
        for chunk in source.chunks():
            is_wide = is_wide or not chunk.isascii()
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return is_wide
