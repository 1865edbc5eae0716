"""Records of BAI2: where each begins and ends, its fields, dates and decimals."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import FileRefused
from reconciliation.formats.source import LONGEST_LINE, too_large

CODE = re.compile(r"(01|02|03|16|49|88|98|99)(?:,|(?<=88):)")
# A record behind another one on the same line: only behind "/", and only where it looks like one.
BEHIND = re.compile(r"/\s+(?=(?:0[123]|16,\d{3}|49,[-+]?\d*|88|98,[-+]?\d*|99,[-+]?\d*),)")
BLANKS = " \t\r\x00\x1a\ufeff"
WITHOUT_CENTS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
WITH_MILLS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
MOST_PARTS = 1_000


@dataclass(slots=True)
class Record:
    at: int
    code: str
    parts: list[str]  # the record without its code, and each 88 after it


def split_records(lines: Iterable[str]) -> Iterator[Record]:
    """Records with their continuations. A line that begins none goes on with the text before it."""
    record: Record | None = None
    at = 0
    for at, line in enumerate(lines, 1):
        for piece in BEHIND.split(line) if "/ " in line or "/\t" in line else (line,):
            piece = piece.strip(BLANKS)
            if not piece:
                continue
            found = CODE.match(piece)
            rest = (piece[3:] if found else piece).removesuffix("/").rstrip()
            if found is None:
                if record is None or record.code not in ("03", "16"):
                    raise FileRefused(
                        _("Line {line}: this is no BAI2 record: {text}"), code="not_bai2", line=at, text=piece[:40]
                    )
                record.parts[-1] += rest
                if len(record.parts[-1]) > LONGEST_LINE:
                    raise too_large()
            elif found[1] == "88" and record is not None:
                record.parts.append(rest)
                if len(record.parts) > MOST_PARTS:
                    raise too_large()
            else:
                if record is not None:
                    yield record
                record = Record(at, found[1], [rest])
    if record is not None:
        yield record
    yield Record(max(at, 1), "", [])


def read_count(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def after_funds(fields: list[str], place: int) -> int:
    """The place behind a funds type: S brings 3 amounts, V a date and a time, D a number of pairs."""
    kind = fields[place].strip() if place < len(fields) else ""
    if kind == "S":
        return place + 4
    if kind == "V":
        return place + 3
    if kind == "D":
        number = read_count(fields[place + 1].strip()) if place + 1 < len(fields) else None
        return place + 2 + 2 * (number or 0)
    return place + 1


def split_entry(parts: list[str]) -> tuple[list[str], list[str], date | None]:
    """Type, amount, bank and customer reference; the lines of text; the value date.

    An 88 goes on with the fields, after a comma, until they are complete, and with the text from then on.
    """
    used = 1
    fields = parts[0].split(",")
    while (start := after_funds(fields, 2)) + 2 >= len(fields) and used < len(parts):
        fields += parts[used].split(",")
        used += 1
    fields += [""] * (start + 2 - len(fields))
    value_on = read_day(fields[3].strip()) if fields[2:3] == ["V"] and start > 3 else None
    first = ",".join(fields[start + 2 :])
    texts = [first] if first else []
    return [fields[0], fields[1], fields[start].strip(), fields[start + 1].strip()], texts + parts[used:], value_on


@lru_cache(maxsize=4096)
def read_day(digits: str) -> date | None:
    """YYMMDD, or YYYYMMDD as some banks write it."""
    if not digits.isdecimal() or len(digits) not in (6, 8):
        return None
    short = digits[-6:]
    year = int(digits[:4]) if len(digits) == 8 else int(short[:2]) + (1900 if short[:2] >= "80" else 2000)
    try:
        return date(year, int(short[2:4]), int(short[4:]))
    except ValueError:
        return None


def find_exponent(currency: str) -> Decimal:
    """Amounts have no decimal point: the currency says where it would be."""
    if currency in WITHOUT_CENTS:
        return Decimal(1)
    return Decimal("0.001") if currency in WITH_MILLS else Decimal("0.01")
