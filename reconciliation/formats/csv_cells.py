"""Cells of a bank's CSV export: dates in any order, amounts in any writing. What cannot be read is no guess."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from reconciliation.formats.csv_profile import DateOrder

MONTHS = {
    name: month
    for month, names in enumerate((
        "jan january januar jän jänner", "feb february februar", "mar march mär märz mrz maerz", "apr april",
        "may mai", "jun june juni", "jul july juli", "aug august", "sep sept september", "oct october okt oktober",
        "nov november", "dec december dez dezember",
    ), 1)
    for name in names.split()
}  # fmt: skip
DATE = re.compile(r"(\d{1,4})\s*[./\-年\s]\s*(\d{1,2})\s*(?:[./\-月\s]\s*(\d{1,4})?)?\s*日?(?:[T\s,].*)?$")
NAMED = re.compile(r"(\d{1,2})\.?[\s\-/,]*([^\W\d_]{3,10})\.?[\s\-/,']*(\d{4}|\d{2})(?:[T\s,].*)?$")
NAMED_FIRST = re.compile(r"([^\W\d_]{3,10})\.?[\s\-]*(\d{1,2})(?:st|nd|rd|th)?[\s\-,]+(\d{4}|\d{2})(?:[T\s,].*)?$")
COMPACT = re.compile(r"(\d{6,8})(?:\s+\d{1,2}:.*)?$")
ORDERS = (DateOrder.DMY, DateOrder.MDY, DateOrder.YMD, DateOrder.ROC)
DayRead = date | tuple[int, int]  # a date, or the month and day of one without a year

NUMBER = re.compile(r"\d[\d.,' ’]*|[.,]\d+")
PLAIN = {
    ".": re.compile(r"-?(?:\d{1,3}(?:,\d{3})*|\d+)(?:\.\d+)?$"),
    ",": re.compile(r"-?(?:\d{1,3}(?:\.\d{3})*|\d+)(?:,\d+)?$"),
}
SIDE = re.compile(r"(?<![^\W\d_])(cr|dr|soll|haben|[cdsh])\.?\)?$")
MINUS = "-−–—﹣－"
EMPTY = frozenset(("", "-", "−", "–", "—", "--", "－", "n/a", "nil", "."))
EXCEL = re.compile(r"\d+(?:[.,]\d+)?E\+\d{1,3}$", re.IGNORECASE)
RULE = frozenset("*-=_ .#")


def clean(cell: str) -> str:
    """A cell without what spreadsheets wrap around it: ="0012", a leading apostrophe, blanks at the ends."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    return text[1:].strip() if text.startswith("'") else text


def lost_to_excel(cell: str) -> bool:
    """Whether a spreadsheet turned a long number into 1.2E+15: its digits are gone."""
    return "+" in cell and EXCEL.match(clean(cell)) is not None


def is_rule(cells: Iterable[str]) -> bool:
    """Whether a row is drawn, not written: asterisks, dashes."""
    text = "".join(cells).strip()
    return bool(text) and set(text) <= RULE and len(text) > 3


@lru_cache(maxsize=20_000)
def days(cell: str) -> Mapping[DateOrder, DayRead]:
    """Every order in which a cell is a date, with the date it then is; empty where it is none."""
    text = clean(cell)
    if not text or len(text) > 40 or not any(map(str.isdigit, text)):
        return {}
    if match := COMPACT.match(text):
        return dict(_compact(match[1]))
    text = text.removeprefix("民國").strip()
    if match := DATE.match(text):
        return dict(_numeric(text, match[1], match[2], match[3] or ""))
    named = NAMED.match(text)
    day, word, year = named.groups() if named else ("", "", "")
    if not named and (other := NAMED_FIRST.match(text)):
        word, day, year = other.groups()
    month = MONTHS.get(word.casefold())
    found = _day(_full_year(year), month, int(day)) if month else None
    return dict.fromkeys((DateOrder.DMY, DateOrder.MDY, DateOrder.YMD), found) if found else {}


def _compact(digits: str) -> Iterator[tuple[DateOrder, DayRead]]:
    """20250721, 1140721, 01140721; six digits could be anything and are only ROC years before 2011."""
    year, month, day = int(digits[:-4]), int(digits[-4:-2]), int(digits[-2:])
    if len(digits) == 8 and digits[0] in "12" and (found := _day(year, month, day)):
        yield DateOrder.YMD, found
    if (len(digits) < 8 or digits[0] == "0") and (found := _day(year + 1911, month, day)):
        yield DateOrder.ROC, found
    if len(digits) == 8 and digits[0] in "0123":
        for order, (d, m) in ((DateOrder.DMY, (digits[:2], digits[2:4])), (DateOrder.MDY, (digits[2:4], digits[:2]))):
            if (found := _day(int(digits[4:]), int(m), int(d))) and 1970 <= found.year <= 2100:
                yield order, found


def _numeric(text: str, first: str, second: str, third: str) -> Iterator[tuple[DateOrder, DayRead]]:
    if not third:  # a day and a month: only with dots, as German savings banks write it
        if "." in text and len(first) <= 2 and _day(2024, int(second), int(first)):
            yield DateOrder.DMY, (int(second), int(first))
        return
    if len(first) == 4 and (found := _day(int(first), int(second), int(third[:2]))):
        yield DateOrder.YMD, found
        return
    if len(first) in (2, 3) and len(third) <= 2 and (found := _day(int(first) + 1911, int(second), int(third))):
        yield DateOrder.ROC, found
    if len(first) <= 2 and len(third) in (2, 4):
        year = _full_year(third)
        if found := _day(year, int(second), int(first)):
            yield DateOrder.DMY, found
        if "." not in text and (found := _day(year, int(first), int(second))):
            yield DateOrder.MDY, found
        if len(third) == 2 and (found := _day(_full_year(first), int(second), int(third))):
            yield DateOrder.YMD, found


def _full_year(year: str) -> int:
    number = int(year)
    return number if len(year) > 2 else number + (2000 if number < 70 else 1900)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def with_year(found: DayRead, near: date | None) -> date | None:
    """A day that lacks its year gets the one that brings it closest to another date of its row."""
    if isinstance(found, date):
        return found
    if near is None:
        return None
    month, day = found
    fits = [made for year in (near.year - 1, near.year, near.year + 1) if (made := _day(year, month, day))]
    return min(fits, key=lambda made: abs(made - near), default=None)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as written: with its own sign, the mark behind it ("dr", "cr", "s", "h"; "" for none), a currency."""

    value: Decimal
    side: str = ""
    currency: str = ""


@lru_cache(maxsize=20_000)
def decimal_signs(cell: str) -> str:
    """What a cell's writing says of the decimal sign: "." or ",", "" for nothing, "x" where it is no number.

    Three digits behind a lone sign are thousands: money has fewer decimals than that.
    """
    match = NUMBER.search(cell)
    if not match or cell.isdecimal():
        return ""
    number = match[0].rstrip(" '’.,")
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        last = "." if number.rfind(".") > number.rfind(",") else ","
        return "x" if number.count(last) > 1 else last
    sign, other = (".", ",") if dots else (",", ".")
    if dots + commas == 0:
        return ""
    if dots + commas > 1:
        return other
    whole, _, rest = number.partition(sign)
    return other if len(rest) == 3 and whole.strip("0") and len(whole) <= 3 else sign


@lru_cache(maxsize=20_000)
def money(cell: str, decimal: str) -> Money | None:
    """Read an amount whose decimal sign is known; None for an empty cell. Raises ValueError for anything else."""
    if PLAIN[decimal].match(cell):  # most cells are this plain, and a file has many
        return Money(Decimal(cell.replace(",", "") if decimal == "." else cell.replace(".", "").replace(",", ".")))
    text = clean(cell)
    if text in EMPTY or text.casefold() in EMPTY:
        return None
    match = NUMBER.search(text)
    if not match:
        raise ValueError(cell)
    before, after = text[: match.start()].strip(), text[match.end() :].strip()
    number = re.sub(r"['’ ]", "", match[0]).rstrip(decimal)
    whole, _, rest = number.partition(decimal)
    groups = whole.split("," if decimal == "." else ".")
    if not (rest.isdigit() or not rest) or (len(groups) > 1 and not _are_groups(groups)):
        raise ValueError(cell)
    digits = f"{''.join(groups) or '0'}.{rest}" if rest else "".join(groups)
    side, currency, minus = _around(before, after, cell)
    value = Decimal(digits)
    return Money(-value if minus else value, side, currency)


def _are_groups(groups: list[str]) -> bool:
    """1,533 or 1,00,000: the last group has three digits. Anything else was not meant as thousands."""
    return 1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3 and all(2 <= len(group) <= 3 for group in groups[1:])


def _around(before: str, after: str, cell: str) -> tuple[str, str, bool]:
    """What stands before and after the digits: a sign, brackets, a mark for its side, a currency."""
    marks = f"{before} {after}"
    minus = any(sign in marks for sign in MINUS) or (before.startswith("(") and after.endswith(")"))
    rest = after.casefold().strip(MINUS + "+ (")
    side = ""
    if match := SIDE.search(rest):
        side, rest = match[1], rest[: match.start()]
    words = re.findall(r"[^\W\d_]+", f"{before} {rest}")
    codes = [word for word in words if len(word) == 3 and word.isascii()]
    if len("".join(words)) > 5:
        raise ValueError(cell)
    return side, (codes[0].upper() if codes else ""), minus
