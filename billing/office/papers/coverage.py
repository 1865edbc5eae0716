"""Which characters the installed fonts can draw. Neither Pango nor WeasyPrint says when one is missing."""

import subprocess
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

from billing.office.papers.errors import PdfUnavailable

MISSING = "□"  # U+25A1: a name with a visible hole is queried, a name with a silent one is not
# Drawn as nothing by intent, so no font need know them.
INVISIBLE = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x200C, 0x200D, 0x00AD))
STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def cover(text: str, *, check_fonts: bool = True) -> tuple[str, list[str]]:
    """The text as it can be printed, and the characters that cannot: those are replaced by □.

    Characters that steer the direction of writing or the terminal are dropped: they could make an amount read
    backwards. check_fonts: not for a browser, which has fonts of its own.
    """
    if text.isascii() and text.isprintable():
        return text, []
    lost: list[str] = []
    kept: list[str] = []
    for character in text:
        code = ord(character)
        if character != "\n" and code not in INVISIBLE and unicodedata.category(character) in STEERING:
            kept.append(" " if character in "\t\r\u2028\u2029" else "")
        elif character == "\n" or code in INVISIBLE or not check_fonts or can_draw(code):
            kept.append(character)
        else:
            lost.append(character)
            kept.append(MISSING)
    return "".join(kept), lost


def can_draw(code: int) -> bool:
    """Whether any installed font has a glyph; Pango looks in all of them when its first choice has none."""
    starts, ends = _covered()
    place = bisect_right(starts, code) - 1
    return place >= 0 and code <= ends[place]


@lru_cache(maxsize=1)
def _covered() -> tuple[list[int], list[int]]:
    """Ranges of all characters in any font's cmap, as fontconfig has read them. Once per process, about 20 ms."""
    try:
        done = subprocess.run(["fc-list", "-f", "%{charset}\n"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as trouble:
        raise PdfUnavailable() from trouble
    return _merged(_ranges(done.stdout.split()))


def _ranges(words: Iterable[str]) -> Iterable[tuple[int, int]]:
    for word in set(words):
        first, _dash, last = word.partition("-")
        yield int(first, 16), int(last or first, 16)


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    starts: list[int] = []
    ends: list[int] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
