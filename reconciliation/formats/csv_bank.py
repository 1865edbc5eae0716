"""A bank's CSV export: read by a profile, or by what the file itself proves (bank research, findings 6 and 9)."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from reconciliation.formats.base import Entry, EntryState, FileRefused, Pieces, Problem, Statement
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.csv_cells import clean, days, lost_to_excel, with_year
from reconciliation.formats.csv_profile import Books, Column, CsvProfile, Signs, header_key
from reconciliation.formats.csv_rows import Row, currency_of
from reconciliation.formats.csv_survey import Amounts, Plan, Reading, is_pending, signed, survey
from reconciliation.formats.csv_table import Layout, is_csv, is_enough, lay_out, match_columns, with_known
from reconciliation.formats.source import Source

MOST_OF_A_KIND = 20  # problems of one kind that are told one by one
LONG_NUMBERS = (
    Column.BANK_REFERENCE, Column.END_TO_END_ID, Column.CUSTOMER_REFERENCE, Column.REFERENCE, Column.PARTY_ACCOUNT,
    Column.VIRTUAL_ACCOUNT, Column.CHEQUE_NUMBER, Column.MANDATE, Column.TEXT,
)  # fmt: skip
ABSENT = frozenset(("NOTPROVIDED", "-", ""))
WORD = re.compile(r"\S{8,40}$")


@dataclass(frozen=True)
class Proposal:
    """What a file says of how it is to be read. profile: whole, with the file's own headers.

    questions: fields of the profile, left open, that nothing in the file settles and a person must say. builtin: the
    name of the profile it started from, "" for none. ties: None where there is no balance to test by.
    """

    profile: CsvProfile
    builtin: str
    plan: Plan
    questions: tuple[str, ...]

    @property
    def ties(self) -> bool | None:
        return self.plan.ties


def sniff(head: bytes, name: str) -> bool:
    """Whether this start of a file looks like a bank's CSV export."""
    whole = head[: head.rfind(b"\n") + 1] or head
    return bool(whole) and is_csv(Source(io.BytesIO(whole), name))


def plan_for(source: Source, profile: CsvProfile | None = None) -> Plan:
    """Settle how a file is read, by a profile or without one. Raises FileRefused."""
    layout = lay_out(source, profile)
    if profile:
        plan = survey(source, layout, profile, True)
        _tell_missing(plan, profile)
        return plan
    builtin = find_builtin(layout)
    if builtin:
        layout = _laid_out_by(layout, builtin)
    return survey(source, layout, builtin or CsvProfile(), False)


def propose_profile(source: Source) -> Proposal:
    """Read a file without a profile and say which one would read it, and what a person must confirm."""
    plan = plan_for(source)
    layout = plan.layout
    columns = {column: tuple(layout.header[i] for i in found) for column, found in layout.columns.items()}
    profile = replace(plan.profile, name="", columns=columns, delimiter=layout.delimiter, quote=layout.quote,
                      encodings=(layout.encoding,) if not layout.encoding.startswith("utf") else ())  # fmt: skip
    if "books" in plan.questions:
        profile = replace(profile, books=Books.OPEN)
    if "signs" in plan.questions:
        profile = replace(profile, signs=Signs.OPEN)
    if len(plan.currencies) == 1 and Column.CURRENCY not in columns:
        profile = replace(profile, currency=plan.currencies[0] if len(plan.currencies[0]) == 3 else "")
    return Proposal(profile, plan.profile.name, plan, tuple(plan.questions))


def read(source: Source, profile: CsvProfile | None = None) -> Pieces:
    """The statement of one export, then its entries in the order of the file.

    profile: None to go by what the file proves. Raises FileRefused where that would be guessing.
    """
    plan = plan_for(source, profile)
    statement = _statement(plan)
    yield statement
    teller = _Teller(statement)
    maker = _Maker(plan, teller)
    ordinal = 0
    for ordinal, row in enumerate(plan.table.entries(), 1):
        entry = maker.entry(row, ordinal)
        if entry.booked_on:
            statement.first_on = min(statement.first_on or entry.booked_on, entry.booked_on)
            statement.last_on = max(statement.last_on or entry.booked_on, entry.booked_on)
        yield entry
    for line in plan.table.others:
        teller.flag("unread_row", _("This row among the entries was not read."), line)
    statement.closing_on = statement.last_on
    statement.says_empty = not ordinal and statement.opening == statement.closing
    statement.controls["rows"] = str(ordinal)
    teller.sum_up()


def find_builtin(layout: Layout) -> CsvProfile | None:
    """The built-in profile all of whose columns this header has; the one with most of them."""
    fits = []
    for profile in BUILTIN.values():
        with suppress(FileRefused):
            found = match_columns(layout.header, layout.line, profile)
            if set(found) == set(profile.columns) and is_enough(found):
                fits.append(profile)
    return max(fits, key=lambda profile: len(profile.columns), default=None)


def _laid_out_by(layout: Layout, profile: CsvProfile) -> Layout:
    columns = with_known(match_columns(layout.header, layout.line, profile), layout.columns)
    used = {index for found in columns.values() for index in found}
    unknown = tuple(i for i, cell in enumerate(layout.header) if cell and i not in used)
    return replace(layout, columns=columns, unknown=unknown)


def _tell_missing(plan: Plan, profile: CsvProfile) -> None:
    """Columns that an account's own profile names and this file lacks; a built-in one serves several exports."""
    for column, names in profile.columns.items():
        if column not in plan.layout.columns and names and not profile.name and column != Column.IGNORED:
            plan.flag("missing_column", _('Column "{column}" is missing (line {line}).'),
                      column=names[0], line=plan.layout.line)  # fmt: skip


def _statement(plan: Plan) -> Statement:
    facts, layout = plan.table.facts, plan.layout
    statement = Statement(account=facts.account or None, currency="+".join(plan.currencies) or None,
                          opening=plan.opening, closing=plan.closing)  # fmt: skip
    statement.problems += plan.problems
    statement.extra = {
        "profile": plan.profile.name,
        "encoding": layout.encoding,
        "row_order": plan.profile.row_order.value,
        "is_proved": plan.ties is True or bool(plan.profile.name) or plan.is_asked,
    }
    if layout.unknown:
        statement.note("unknown_columns", _("Columns that are not known and are kept with each entry: {columns}"),
                       columns=", ".join(layout.header[i] for i in layout.unknown))  # fmt: skip
    return statement


class _Teller:
    """Notes what is wrong with single rows, and of many alike only the first ones and their number."""

    def __init__(self, statement: Statement) -> None:
        self.statement, self.counts = statement, Counter[str]()

    def flag(self, code: str, sentence: Sentence, line: int, **facts: Any) -> None:
        self.counts[code] += 1
        if self.counts[code] <= MOST_OF_A_KIND:
            self.statement.problems.append(Problem(code, sentence, f"line {line}", True, facts))

    def sum_up(self) -> None:
        for code, count in self.counts.items():
            if count > MOST_OF_A_KIND:
                self.statement.flag(code, _("and {count} more rows of the same kind."), count=count - MOST_OF_A_KIND)


class _Maker:
    """Turns rows into entries, by a settled plan."""

    def __init__(self, plan: Plan, teller: _Teller) -> None:
        self.plan, self.teller, profile = plan, teller, plan.profile
        self.amounts = Amounts(profile, plan.layout.columns)
        self.reading: Reading = (profile.books, profile.signs)
        self.order, self.piece = profile.date_order, profile.piece
        self.is_mixed = len(plan.currencies) > 1
        header = plan.layout.header
        stems = {i: header_key(header[i]).rstrip("0123456789") for i in plan.layout.columns.get(Column.TEXT, ())}
        self.texts = tuple(stems)
        self.pieced = {i for i, before in zip(self.texts[1:], self.texts, strict=False) if stems[i] == stems[before]}
        self.long_numbers = tuple(column for column in LONG_NUMBERS if column in plan.layout.columns)

    def entry(self, row: Row, ordinal: int) -> Entry:
        booked, valued = self._dates(row)
        made = Entry(ordinal, f"line {row.line}", self._amount(row), booked, valued)
        made.state = EntryState.PENDING if is_pending(row) else EntryState.BOOKED
        made.currency = currency_of(row.get(Column.CURRENCY)) if self.is_mixed else ""
        made.text, made.code = self._text(row), clean(row.get(Column.CODE))
        self._references(made, row)
        self._party(made, row)
        for column in self.long_numbers:
            if "+" in (cell := row.get(column)) and lost_to_excel(cell):
                self.teller.flag("lost_digits", _("A spreadsheet cut the number {cell}: its digits are lost. "
                                 "Export again and do not save from the spreadsheet."), row.line,
                                 cell=clean(cell))  # fmt: skip
        for index in self.plan.layout.unknown:
            if index < len(row.cells) and (value := row.cells[index].strip()):
                made.extra[self.plan.layout.header[index]] = value
        return made

    def _dates(self, row: Row) -> tuple[date | None, date | None]:
        booked_cell, value_cell = row.get(Column.BOOKED_ON), row.get(Column.VALUE_ON)
        booked_read = days(booked_cell).get(self.order) if booked_cell else None
        value_read = days(value_cell).get(self.order) if value_cell else None
        valued = with_year(value_read, booked_read if isinstance(booked_read, date) else None) if value_read else None
        booked = with_year(booked_read, valued) if booked_read else None
        if booked is None and (booked_cell.strip() or valued is None):
            self.teller.flag(
                "unreadable_date", _('The date "{cell}" cannot be read.'), row.line, cell=booked_cell.strip()
            )
        return booked or valued, valued

    def _amount(self, row: Row) -> Any:
        sides = self.amounts.sides(row)
        if sides is None:
            cells = [row.get(each).strip() for each in (Column.AMOUNT, Column.FLAG, Column.DEBIT, Column.CREDIT)]
            self.teller.flag("unreadable_amount", _('The amount "{cell}" cannot be read.'), row.line,
                             cell=" ".join(filter(None, cells)))  # fmt: skip
            return None
        if sides[0] and sides[1]:
            self.teller.flag("both_sides", _("Money in and money out in one row."), row.line)
        return signed(sides, self.reading)

    def _references(self, made: Entry, row: Row) -> None:
        made.bank_reference = _given(row.get(Column.BANK_REFERENCE))
        made.end_to_end_id = _given(row.get(Column.END_TO_END_ID))
        made.customer_reference = _given(row.get(Column.CUSTOMER_REFERENCE))
        made.virtual_account = _given(row.get(Column.VIRTUAL_ACCOUNT))
        made.cheque_number = _given(row.get(Column.CHEQUE_NUMBER))
        made.mandate = _given(row.get(Column.MANDATE))
        reference = _given(row.get(Column.REFERENCE))
        if WORD.match(reference):
            made.references = (reference,)
        elif reference:
            made.customer_reference = made.customer_reference or reference

    def _party(self, made: Entry, row: Row) -> None:
        other = Column.PAYEE if made.amount is not None and made.amount < 0 else Column.PAYER
        made.party_name = " ".join(row.get(Column.PARTY_NAME).split()) or " ".join(row.get(other).split())
        made.party_account = _given(row.get(Column.PARTY_ACCOUNT))

    def _text(self, row: Row) -> str:
        """All text of a row; pieces that the bank cut at full width are joined as they were."""
        text, last = "", ""
        for index, cell in self._cells(row):
            for number, piece in enumerate(re.split(r"\r\n|\r|\n", cell)):
                if not piece.strip():
                    continue
                is_cut = len(last) == self.piece and (number > 0 or index in self.pieced)
                text = text + piece if is_cut or not text else f"{text.rstrip()} {piece.lstrip()}"
                last = piece
        return text.strip()

    def _cells(self, row: Row) -> Iterator[tuple[int, str]]:
        for index in self.texts:
            if index < len(row.cells) and row.cells[index]:
                yield index, row.cells[index]


def _given(cell: str) -> str:
    text = clean(cell)
    return "" if text in ABSENT else text
