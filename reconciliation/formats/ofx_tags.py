"""OFX as tags with the text after them: SGML without closing tags, XML, and what banks make of both.

A file may be one line of any length, so it is cut at "<" and not into lines. Nothing is expanded but the characters
that must be written by name; a document type is refused.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import FileRefused
from reconciliation.formats.source import LONGEST_LINE, Source, too_large

NAME = re.compile(r"\s*(/?[A-Za-z][\w.:]*)[^<]*", re.A | re.S)
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7})|#x([0-9a-f]{1,6}));", re.I | re.A)
BREAK = re.compile(r"[ \t]*[\r\n]+[ \t\r\n]*")
PAGES = frozenset({*(f"125{digit}" for digit in range(9)), "850", "852"})
PARTS = frozenset(str(part) for part in (*range(2, 12), 13, 14, 15, 16))
QUOTED, COMMENT = "![CDATA[", "!--"
# Before the first tag: key:value, each on a line, all on one line, or an XML declaration.
CHARSET = re.compile(
    rb"(?:CHARSET:|encoding\s*=\s*[\"'])\s*(?:ISO-?|WINDOWS-?|CP-?)?(8859-?\d{1,2}|125\d|850|852|UTF-?8|ASCII)", re.I
)
# What banks that declare USASCII, 8859-1 or nothing write beyond ASCII.
USUAL = "cp1252"


class Tag(NamedTuple):
    """name: upper case, "/NAME" for an end. text: what follows, up to the next tag. line: where it begins."""

    name: str
    text: str
    line: int


def declared_encoding(source: Source) -> str:
    """What the header says of bytes that are not UTF-8; "" where it says nothing that is known."""
    found = CHARSET.search(source.head())
    said = found[1].decode("ascii").upper() if found else ""
    if said.startswith("8859"):
        part = said.removeprefix("8859").removeprefix("-")
        return USUAL if part == "1" else f"iso8859-{part}" if part in PARTS else ""
    return f"cp{said}" if said in PAGES else ""


def read_tags(source: Source, encoding: str) -> Iterator[Tag]:
    """Every tag in order. Comments are not there; what is quoted (CDATA) is text. Raises FileRefused."""
    name, text, line, begun = "", "", 1, 1
    for piece in _pieces(source, encoding):
        lines = piece.count("\n")
        found = NAME.match(piece)
        if piece.startswith(COMMENT):
            text += _plain(piece.partition("-->")[2])
        elif piece.startswith(QUOTED):
            inside, _end, after = piece.removeprefix(QUOTED).partition("]]>")
            text += inside + _plain(after)
        elif piece.startswith("!"):
            raise FileRefused(_("Line {line}: the file declares a document type."), code="doctype", line=line)
        elif found and ">" in piece:
            if name:
                yield Tag(name, tidy(text), begun)
            inside, _end, after = piece.partition(">")
            name, text, begun = found[1].upper(), _plain(after), line
            if inside.rstrip().endswith("/"):
                text = ""
        elif not piece.startswith("?"):
            text += "<" + _plain(piece)
        if len(text) > LONGEST_LINE:
            raise too_large()
        line += lines
    if name:
        yield Tag(name, tidy(text), begun)


def tidy(text: str) -> str:
    """NFC, without the blanks around it; a line break inside is a blank."""
    return unicodedata.normalize("NFC", BREAK.sub(" ", text.strip()))


def _pieces(source: Source, encoding: str) -> Iterator[str]:
    """What stands between one "<" and the next; a comment or a quotation is one piece, however many it has."""
    held = ""
    for piece in _cut(source, encoding):
        if held == COMMENT:
            held += piece if "-->" in piece else ""
        else:
            held = f"{held}<{piece}" if held else piece
        if held.startswith(COMMENT) and "-->" not in held:
            held = COMMENT  # nothing of a comment is kept
        elif not held.startswith(QUOTED) or "]]>" in held:
            yield held
            held = ""
        if len(held) > LONGEST_LINE:
            raise too_large()


def _cut(source: Source, encoding: str) -> Iterator[str]:
    """Text between two "<"; what comes before the first is the header and left out."""
    rest, is_header = "", True
    for text in _texts(source, encoding):
        *whole, rest = (rest + text).split("<")
        if len(rest) > LONGEST_LINE:
            raise too_large()
        yield from whole[1:] if is_header and whole else whole
        is_header = is_header and not whole
    if not is_header:
        yield rest


def _texts(source: Source, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in source.chunks():
        yield decoder.decode(chunk)
    yield decoder.decode(b"", True)


def _plain(text: str) -> str:
    return REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    named, decimal, hexadecimal = found.groups()
    if named:
        return NAMED[named.lower()]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 32 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""
