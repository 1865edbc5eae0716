"""Fields of MT940 and MT942: where each begins and ends, its dates, and the totals of MT942."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import chain, pairwise

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Statement
from reconciliation.formats.source import too_large

TAG = re.compile(r":(20|21|25P?|28C?|34F|13D?|60[FM]|61|62[FM]|64|65F?|86|90[CD]|NS|94[02]):")
CLOCK = frozenset(["13", "20", "21", "25", "28"])  # these may be minutes or seconds inside a text
HEADER = (":21:", ":25", ":28", ":13D:", ":34F:")
MOST_LINES = 1_000  # of one field; the standard has six
NEAR = timedelta(days=183)


def split_fields(lines: Iterable[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Tags with the line they begin on and their lines; "-" for the end of a message, "" for what is before a tag."""
    at, tag, value, inside, number = 1, "", [""], False, 1
    for number, (line, following) in enumerate(pairwise(chain(lines, ("",))), 1):
        first = line[:1]
        if first and first in "\x01\x02\x03{ ":
            line = _unwrap(line, inside)
            first = line[:1]
        if first == ":":
            found = TAG.match(line)
            if found is None or (inside and found[1] in CLOCK and not (found[1] == "20" and _is_header(following))):
                if tag:
                    value.append(line)
                continue
            yield at, tag, value
            at, tag, value = number, found[1], [line[found.end() :]]
            if tag == "61":
                inside = True
            elif tag[0] != "8":
                inside = False
        elif first == "-" and (line[:2] == "-}" or not inside or (line.strip("-\x03 ") == "" and _may_end(following))):
            yield at, tag, value
            at, tag, value, inside = number, "-", [], False
        elif tag:
            value.append(line)
        if len(value) > MOST_LINES:
            raise too_large()
    yield (at if tag else number), tag, value


def _unwrap(line: str, inside: bool) -> str:
    """Without control characters and without an envelope's blocks before the text. Text keeps its blanks."""
    bare = line.lstrip("\x01\x02\x03 ")
    if bare.startswith("{") and "{4:" in bare and not inside:
        bare = bare.rpartition("{4:")[2]
    return bare if bare.startswith((":20:", "-}")) or line[0] in "\x01\x02\x03" else line


def _is_header(following: str) -> bool:
    return following.startswith(HEADER)


def _may_end(following: str) -> bool:
    return not following.strip("\x01\x03 \x1a") or following.startswith((":20:", "{", "\x01"))


@dataclass(slots=True)
class Totals:
    """What MT942 states of its entries, and what was read."""

    stated: dict[str, tuple[int, int, Decimal]] = field(default_factory=dict)  # tag: line, count, sum
    seen: dict[str, list[Decimal]] = field(default_factory=dict)  # direction: count, sum, and reversals of the same


def place_of(at: int) -> str:
    return f"line {at}"


def read_reference(text: str) -> str:
    text = text.strip()
    return "" if text == "NONREF" else text


def read_year(digits: str) -> int:
    return int(digits[:2]) + (1900 if digits[:2] >= "80" else 2000)


@lru_cache(maxsize=4096)
def read_day(digits: str) -> date | None:
    try:
        return date(read_year(digits), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def mended_day(digits: str) -> date | None:
    """30 February is a day to banks that count 30 to a month: the last day of that month."""
    year, month = read_year(digits), int(digits[2:4])
    if not 1 <= month <= 12 or not 29 <= int(digits[4:]) <= 31:
        return None
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def find_booking_day(digits: str | None, value_on: date) -> date | None:
    """The entry date has no year: it is the one nearest to the value date. Without an entry date, the value date.

    None for a day that no year near has.
    """
    if digits is None:
        return value_on
    days = [read_day(f"{(value_on.year + step) % 100:02}{digits}") for step in (0, -1, 1)]
    near = [day for day in days if day is not None and abs(day - value_on) <= NEAR]
    return near[0] if near else None


def add_to(totals: Totals, amount: Decimal, is_in: bool, is_reversal: bool) -> None:
    """Count an entry where it moved the money, and apart where its mark's letter puts a reversal."""
    for key in (("in" if is_in else "out"), ("C" if is_in is not is_reversal else "D")):
        row = totals.seen.setdefault(key, [Decimal(0), Decimal(0)])
        row[0] += 1
        row[1] += amount


def check_totals(statement: Statement, totals: Totals, has_ended: bool, place: str) -> None:
    """:90C: and :90D: against the entries. Banks count a reversal on either side; both readings are good."""
    nothing = [Decimal(0), Decimal(0)]
    for tag, ways in (("90C", ("in", "C")), ("90D", ("out", "D"))):
        seen = [totals.seen.get(way, nothing) for way in ways]
        if tag in totals.stated:
            at, count, total = totals.stated[tag]
            if [count, total] not in seen:
                statement.flag(
                    "totals_differ", _(":{tag}: says {count} entries of {total}; there are {seen} of {sum}."),
                    place_of(at), tag=tag, count=count, total=str(total), seen=str(seen[0][0]), sum=str(seen[0][1]),
                )  # fmt: skip
        elif totals.stated and seen[0][0]:
            statement.flag("no_total", _("There are entries, but their total :{tag}: is missing."), place, tag=tag)
    if not totals.stated and not has_ended:
        statement.flag("no_end", _("The report ends without totals or an end mark: it may be cut off."), place)
    statement.says_empty = bool(totals.stated) and not any(count for _at, count, _sum in totals.stated.values())
