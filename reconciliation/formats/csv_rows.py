"""Rows of a CSV export told apart: entries, balances written as rows, drawn lines, and what follows at the end."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from reconciliation.formats.csv_cells import EMPTY, clean, days, is_rule, money
from reconciliation.formats.csv_profile import Column, CsvProfile, header_key
from reconciliation.formats.csv_table import Layout, cut_off, rows
from reconciliation.formats.csv_words import ACCOUNT, CLOSING, CURRENCY, OPENING, STOPS
from reconciliation.formats.source import MOST_ENTRIES, Source, too_large

CURRENCIES = {
    "新臺幣": "TWD", "新台幣": "TWD", "臺幣": "TWD", "台幣": "TWD", "nt$": "TWD", "ntd": "TWD",
    "美元": "USD", "美金": "USD",
    "日圓": "JPY", "日幣": "JPY", "歐元": "EUR", "人民幣": "CNY", "港幣": "HKD", "英鎊": "GBP",
    "澳幣": "AUD", "加幣": "CAD",
    "€": "EUR", "£": "GBP", "₹": "INR", "rs": "INR", "rs.": "INR", "euro": "EUR",
}  # fmt: skip
ACCOUNT_TITLE = re.compile(r"(\d{10,16})\s+[^\W\d]{1,12}$")
AMOUNTS = (Column.AMOUNT, Column.DEBIT, Column.CREDIT)


class Sort(Enum):
    ENTRY = auto()
    FACT = auto()
    OTHER = auto()
    NOTHING = auto()


@dataclass(slots=True)
class Row:
    """One row with where it begins. index: of the columns; cells past the end of a short row are empty."""

    line: int
    cells: list[str]
    index: dict[Column, int]

    def get(self, column: Column) -> str:
        try:
            return self.cells[self.index[column]]
        except (KeyError, IndexError):
            return ""


@dataclass(slots=True)
class Facts:
    """What rows that are not entries say: balances as text with their mark, account, currency."""

    opening: str = ""
    closing: str = ""
    account: str = ""
    currency: str = ""
    opening_line: int = 0
    closing_line: int = 0


class Table:
    """The rows of one laid-out file, read as often as needed. facts: of the preamble, more as rows are read."""

    def __init__(self, source: Source, layout: Layout, profile: CsvProfile) -> None:
        self.source, self.layout, self.profile = source, layout, profile
        self.index = {column: found[0] for column, found in layout.columns.items()}
        self.opening_words = OPENING | set(map(header_key, profile.opening_words))
        self.closing_words = CLOSING | set(map(header_key, profile.closing_words))
        self.balance_words = self.opening_words | self.closing_words
        self.stops = STOPS + tuple(map(header_key, profile.stop_words))
        self.amounts = tuple(column for column in AMOUNTS if column in self.index)
        self.facts = Facts()
        self.others: list[int] = []
        self._summary: list[str] = []
        for line, cells in layout.preamble:
            self._preamble(line, cells)
        self.facts.currency = self.facts.currency or _header_currency(layout)

    def entries(self) -> Iterator[Row]:
        """Rows that are entries, in the order of the file. others: lines of rows that are not and stand before one.

        Raises FileRefused for more entries than may be, and for a last row that the end of the file cuts.
        """
        count, stopped, waiting = 0, False, list[int]()
        self.others = []
        row = None
        for line, cells in rows(self.source, self.layout.encoding, self.layout.delimiter, self.layout.quote):
            if line <= self.layout.line:
                continue
            row = Row(line, cells, self.index)
            sort, stopped = self._sort(row, stopped)
            if sort is Sort.OTHER:
                waiting.append(line)
            if sort is not Sort.ENTRY:
                continue
            self.others += waiting[: 100 - len(self.others)]
            waiting.clear()
            count += 1
            if count > MOST_ENTRIES:
                raise too_large()
            yield row
        if row is not None and not self._ends_whole(row):
            raise cut_off(row.line)

    def _ends_whole(self, row: Row) -> bool:
        """A last row without its line end and with fewer cells than the header has was cut."""
        if len(row.cells) >= len(self.layout.header) or not days(row.get(Column.BOOKED_ON)):
            return True
        self.source.file.seek(-1, 2)
        return self.source.file.read(1) in b"\r\n"

    def _sort(self, row: Row, stopped: bool) -> tuple[Sort, bool]:
        """What a row is, and whether only what the bank adds at the end can follow."""
        cells = row.cells
        dated = bool(days(row.get(Column.BOOKED_ON)) or days(row.get(Column.VALUE_ON)))
        paid = any(row.get(column).strip() not in EMPTY for column in self.amounts)
        if dated and paid and not stopped and self._is_described(row):
            return Sort.ENTRY, False
        if not any(cell.strip() for cell in cells) or is_rule(cells):
            return Sort.NOTHING, stopped
        if self._is_fact(row) or (stopped and self._read_summary(row)):
            return Sort.FACT, stopped
        first = next((cell for cell in cells if cell.strip()), "")
        if header_key(first).startswith(self.stops) and not (dated and paid):
            return Sort.NOTHING, True
        if (dated and paid) or (not stopped and self._should_be_entry(row, dated, paid)):
            return Sort.ENTRY, False
        return (Sort.NOTHING if stopped else Sort.OTHER), stopped

    def _is_described(self, row: Row) -> bool:
        """Whether nothing in a row hints that it states a balance instead of an entry."""
        text, currency = row.get(Column.TEXT).strip(), row.get(Column.CURRENCY).strip()
        if len(currency) > 4 or (0 < len(text) < 24 and header_key(text) in self.balance_words):
            return False
        return bool(text or row.get(Column.PARTY_NAME).strip())

    def _should_be_entry(self, row: Row, dated: bool, paid: bool) -> bool:
        """Part of an entry can be read: a person has to look at it, it is not passed over."""
        if paid:
            return any(_is_money(row.get(column)) for column in self.amounts)
        return dated and sum(1 for cell in row.cells if cell.strip()) > 2

    def _is_fact(self, row: Row) -> bool:
        """A balance written as a row of its own."""
        for place, cell in enumerate(row.cells):
            if not cell.strip() or len(cell) > 40:
                continue
            key = header_key(cell)
            if key in self.opening_words or key in self.closing_words:
                value = _after(row.cells, place)
                if value and key in self.opening_words:
                    self.facts.opening, self.facts.opening_line = value, row.line
                elif value:
                    self.facts.closing, self.facts.closing_line = value, row.line
                return bool(value)
        return False

    def _read_summary(self, row: Row) -> bool:
        """A block that names balances in one row and gives them in the next."""
        keys = [header_key(cell) for cell in row.cells]
        if any(key in self.opening_words for key in keys) and any(key in self.closing_words for key in keys):
            self._summary = keys
            return True
        if not self._summary:
            return False
        for key, cell in zip(self._summary, row.cells, strict=False):
            if key in self.opening_words and _is_money(cell):
                self.facts.opening, self.facts.opening_line = cell, row.line
            elif key in self.closing_words and _is_money(cell):
                self.facts.closing, self.facts.closing_line = cell, row.line
        self._summary = []
        return True

    def _preamble(self, line: int, cells: Sequence[str]) -> None:
        for place, cell in enumerate(cells):
            label, colon, rest = cell.replace("：", ":").partition(":")
            key = header_key(label)
            value = rest.strip() if colon and rest.strip() else _after(cells, place)
            if not key or not value:
                if not place and (match := ACCOUNT_TITLE.match(cell.strip())):
                    self.facts.account = match[1]
            elif key in ACCOUNT:
                self.facts.account = _account(value)
            elif key in CURRENCY:
                self.facts.currency = currency_of(value)
            elif key in self.opening_words and _is_money(value):
                self.facts.opening, self.facts.opening_line = value, line
            elif key in self.closing_words and _is_money(value):
                self.facts.closing, self.facts.closing_line = value, line


def _is_money(cell: str) -> bool:
    for decimal in (".", ","):
        try:
            if money(cell, decimal) is not None:
                return True
        except ValueError:
            continue
    return False


def _after(cells: Sequence[str], place: int) -> str:
    """The next cell that says something, with the mark behind it where there is one ("1.337,00 H")."""
    rest = [cell.strip() for cell in cells[place + 1 :] if cell.strip(" :")]
    if not rest:
        return ""
    return (
        f"{rest[0]} {rest[1]}" if len(rest) > 1 and rest[1].casefold() in ("s", "h", "d", "c", "dr", "cr") else rest[0]
    )


def _account(value: str) -> str:
    """An account number as written; "" for a masked one, which names no account."""
    bare = re.split(r"\s{2,}|\s[(\-]", clean(value).lstrip("_"))[0]
    return bare if sum(map(str.isdigit, bare)) >= 5 and "*" not in bare and "XX" not in bare.upper() else ""


def currency_of(cell: str) -> str:
    """The ISO code that a cell means, "" for none."""
    text = clean(cell).strip("()（） :")
    if len(text) == 3 and text.isascii() and text.isalpha():
        return CURRENCIES.get(text.casefold(), text.upper())
    known = CURRENCIES.get(text.casefold(), "")
    if not known and (match := re.search(r"\(([A-Za-z]{3})\)", cell)):
        known = match[1].upper()
    return known


def _header_currency(layout: Layout) -> str:
    """ "Balance (INR )", "Betrag (€)", "Betrag in EUR": all money columns have to agree."""
    said: set[str] = set()
    for column in (Column.AMOUNT, Column.DEBIT, Column.CREDIT, Column.BALANCE):
        place = layout.index(column)
        header = layout.header[place] if place is not None else ""
        for part in re.findall(r"\(([^)]*)\)|\bin ([A-Z]{3})\b", header):
            said |= {currency_of(text) for text in part if text.strip()}
    said.discard("")
    return said.pop() if len(said) == 1 else ""
