"""What all rows of a CSV export together say of its dates and amounts. One row proves nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from reconciliation.formats.base import FileRefused
from reconciliation.formats.csv_cells import DayRead, days, decimal_signs
from reconciliation.formats.csv_profile import Column, CsvProfile, DateOrder, RowOrder
from reconciliation.formats.csv_rows import AMOUNTS, Row, currency_of

MONEY = (*AMOUNTS, Column.BALANCE)
EUROPEAN, AMERICAN = DateOrder.DMY, DateOrder.MDY
THREE_DECIMALS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
SAMPLE = 3
CODE = re.compile(r"(?<![A-Z])[A-Z]{3}(?![A-Z])")  # of a currency, in the cell of an amount


@dataclass(slots=True)
class Evidence:
    """Gathered row by row. orders: how many dates can be read in which set of orders; samples: first lines of each."""

    orders: Counter[frozenset[DateOrder]] = field(default_factory=Counter)
    samples: dict[frozenset[DateOrder], list[str]] = field(default_factory=dict)
    differ: bool = False
    differing: list[str] = field(default_factory=list)
    decimals: dict[str, list[str]] = field(default_factory=dict)
    thousands_alone: bool = False
    currencies: dict[str, None] = field(default_factory=dict)
    run: dict[DateOrder, "Run"] = field(default_factory=lambda: {each: Run() for each in DateOrder if each})
    rows: int = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        booked = row.get(Column.BOOKED_ON)
        for cell in (booked, row.get(Column.VALUE_ON)):
            if cell and (found := days(cell)):
                self._add_day(found, row)
        read = days(booked)
        self._follow(read if any(isinstance(day, date) for day in read.values()) else days(row.get(Column.VALUE_ON)))
        for column in MONEY:
            cell = row.get(column)
            if cell and (sign := decimal_signs(cell)):
                lines = self.decimals.setdefault(sign, [])
                if len(lines) < SAMPLE:
                    lines.append(_show(row))
                self.thousands_alone = self.thousands_alone or _is_alone(cell)
        if (cell := row.get(Column.CURRENCY)) and len(self.currencies) < 20:
            self.currencies[currency_of(cell) or cell.strip()] = None
        if Column.CURRENCY not in row.index and len(self.currencies) < 20:
            for column in AMOUNTS:
                if code := CODE.search(row.get(column)):
                    self.currencies[code[0]] = None

    def _add_day(self, found: Mapping[DateOrder, DayRead], row: Row) -> None:
        key = frozenset(found)
        self.orders[key] += 1
        lines = self.samples.setdefault(key, [])
        if len(lines) < SAMPLE:
            lines.append(_show(row))
        if EUROPEAN in found and AMERICAN in found and found[EUROPEAN] != found[AMERICAN]:
            self.differ = True
            if len(self.differing) < SAMPLE:
                self.differing.append(_show(row))

    def _follow(self, found: Mapping[DateOrder, DayRead]) -> None:
        for order, run in self.run.items():
            day = found.get(order)
            if isinstance(day, date):
                run.add(day)

    def decimal(self, profile: CsvProfile, currencies: Iterable[str]) -> str:
        """The decimal sign. Raises FileRefused where amounts contradict each other or the profile."""
        said = {sign: lines for sign, lines in self.decimals.items() if sign != "x"}
        if profile.decimal and profile.decimal not in said and said and not self.thousands_alone:
            raise _refuse(_("The amounts are not written with the decimal sign of the profile. For example: {sample}"),
                          "decimal_sign", next(iter(said.values())))  # fmt: skip
        if profile.decimal:
            return profile.decimal
        if len(said) > 1:
            lines = [line for each in said.values() for line in each[:2]][:SAMPLE]
            raise _refuse(
                _("Some amounts have a decimal point, others a decimal comma: {sample}"), "decimal_sign", lines
            )
        if self.thousands_alone and THREE_DECIMALS & set(currencies):
            lines = next(iter(said.values()), [])
            raise _refuse(
                _("Thousands or three decimals? Choose a profile that says it: {sample}"), "decimal_sign", lines
            )
        return next(iter(said), ".")

    def date_order(self, profile: CsvProfile, is_asked: bool, order: RowOrder, is_han: bool) -> DateOrder:
        """The order in which every date of the file can be read. is_asked: a person chose the profile.

        order: of the rows, where the running balance has proved it: dates have to follow it. Raises FileRefused,
        with a sample of up to three lines, where two orders are left or none.
        """
        possible = frozenset(DateOrder) - {DateOrder.OPEN}
        for readable in self.orders:
            possible &= readable
        if profile.date_order in possible:
            return profile.date_order
        if (is_asked and profile.date_order) or not possible:
            lines = [line for each in self.samples.values() for line in each[:1]][:SAMPLE]
            raise _refuse(_("The dates are not all in one order: {sample}"), "date_order", lines)
        western = possible & {EUROPEAN, AMERICAN}
        if not western:
            return _eastern(possible, is_han)
        if len(western) == 1 or not self.differ:
            return EUROPEAN if EUROPEAN in western else AMERICAN
        proved = [each for each in (EUROPEAN, AMERICAN) if order and self.run[each].follows(order)]
        if len(proved) == 1:
            return proved[0]
        raise _refuse(_("Day or month first? The dates do not tell; choose a profile that says it: {sample}"),
                      "ambiguous_dates", self.differing)  # fmt: skip


@dataclass(slots=True)
class Run:
    """Whether dates only rise or only fall from row to row."""

    last: date | None = None
    rises: bool = False
    falls: bool = False

    def add(self, day: date) -> None:
        if self.last:
            self.rises = self.rises or day > self.last
            self.falls = self.falls or day < self.last
        self.last = day

    def follows(self, order: RowOrder) -> bool:
        return not (self.falls if order == RowOrder.OLDEST_FIRST else self.rises)

    @property
    def order(self) -> RowOrder:
        """What the dates alone say of the order of the rows."""
        if self.falls and not self.rises:
            return RowOrder.NEWEST_FIRST
        return RowOrder.OLDEST_FIRST if self.rises and not self.falls else RowOrder.OPEN


def _eastern(possible: frozenset[DateOrder], is_han: bool) -> DateOrder:
    if len(possible) == 1:
        return next(iter(possible))
    return DateOrder.ROC if is_han else DateOrder.YMD


def _is_alone(cell: str) -> bool:
    """Whether the only separator stands before the last three digits."""
    digits = cell.strip()
    return sum(digits.count(sign) for sign in ".,") == 1 and digits[-4:-3] in (".", ",") and digits[-3:].isdigit()


def _show(row: Row) -> str:
    return ", ".join(cell.strip() for cell in row.cells if cell.strip())[:100]


def _refuse(sentence: Sentence, code: str, lines: Iterable[str]) -> FileRefused:
    return FileRefused(sentence, code=code, sample=" / ".join(lines))
