"""BAI2 (and BTRS, its version 3): balances and entries of several accounts, with totals at three levels.

Lines are not records: several may stand on one line, one may be broken over lines without 88, the last text may end
with its line instead of "/", and hold commas and slashes. 49 adds up the amounts of an account, 98 its 49s, 99 its 98s.
Source: BAI Cash Management Balance Reporting Specifications, version 2.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from reconciliation.formats.bai2_codes import direction
from reconciliation.formats.bai2_records import (
    Record,
    after_funds,
    find_exponent,
    read_count,
    read_day,
    split_entry,
    split_records,
)
from reconciliation.formats.bai2_text import fill_text
from reconciliation.formats.base import Entry, EntryState, FileRefused, Kind, Pieces, Problem, Statement
from reconciliation.formats.decoding import decoded_lines, plain_head
from reconciliation.formats.source import Source

ENCODINGS = ("cp1252",)  # after UTF-8, where the bank account names none
AMOUNT = re.compile(r"[-+]?\d{1,24}")
TYPE = re.compile(r"\d{3}")
BALANCES = {"010": "opening", "015": "closing", "045": "closing_available"}
INTERIM = frozenset("134")  # as-of-date modifiers: interim previous day, interim and final of the same day


def sniff(head: bytes, name: str) -> bool:
    return re.match(rb"\s*01,[^,\r\n]*,[^,\r\n]*,\d{6}", plain_head(head)) is not None


@dataclass(slots=True)
class _Level:
    """What a trailer is checked against: the sum of amounts, records, and the parts below."""

    total: int = 0
    records: int = 0
    parts: int = 0


def read(source: Source) -> Pieces:
    """Statements (one an account and day) and entries. Raises FileRefused where this is no BAI2 file."""
    reader = _Reader(source)
    for record in split_records(decoded_lines(source, ENCODINGS)):
        yield from reader.take(record)
    yield from reader.finish()


class _Reader:
    """The state between two records of a file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.statement: Statement | None = None
        self.is_told = False
        self.has_header = self.has_trailer = False
        self.group: list[str] | None = None
        self.account, self.groups, self.file = _Level(), _Level(), _Level()
        self.totals: dict[str, tuple[Decimal, int | None]] = {}
        self.seen = {"100": [Decimal(0), Decimal(0)], "400": [Decimal(0), Decimal(0)]}
        self.ordinal = self.at = 0
        self.booked_on: date | None = None
        self.currency, self.exponent = "", Decimal("0.01")
        self.is_open = self.moves = False  # a 03 without its 49; totals that say that money moved

    def take(self, record: Record) -> Pieces:
        self.at = record.at
        if not record.code:
            return
        if not self.has_header and record.code != "01":
            raise FileRefused(_("Line {line}: a BAI2 file begins with a 01 record."), code="not_bai2", line=record.at)
        if record.code == "16":
            yield from self._take_entry(record)
        elif record.code == "03":
            yield from self._take_account(record)
        else:
            if self.statement is not None and not self.is_told:
                yield self._tell()
            if record.code in ("49", "98", "99"):
                self._take_trailer(record)
            elif record.code == "02":
                self._take_group(record)
            elif record.code == "01":
                self._take_header(record)
            else:
                self._flag("loose_continuation", _("A continuation (88) of nothing."), record.at)

    def finish(self) -> Pieces:
        """The end of the file: without its trailers it is cut off."""
        if not self.has_header:
            raise FileRefused(_("The file has no BAI2 records."), code="not_bai2")
        if self.statement is None:
            self.statement = Statement(says_empty=self.has_trailer)
        if not self.is_told:
            yield self._tell()
        if self.is_open:
            self._flag("no_account_end", _("The account ends without a 49 record: the file is cut off."), self.at)
        if self.group is not None:
            self._flag("no_group_end", _("The group ends without a 98 record: the file is cut off."), self.at)
        if not self.has_trailer:
            self._flag("no_file_end", _("The file ends without a 99 record: it is cut off."), self.at)

    def _flag(self, code: str, sentence: Sentence, at: int, **facts: Any) -> None:
        """On the statement that is open; before there is one, on the file."""
        if self.statement is None:
            self.source.problems.append(Problem(code, sentence, f"line {at}", True, facts))
        else:
            self.statement.flag(code, sentence, f"line {at}", **facts)

    def _tell(self) -> Statement:
        assert self.statement is not None
        self.is_told = True
        return self.statement

    def _take_header(self, record: Record) -> None:
        if self.has_header:
            self._flag("second_header", _("A second 01 record."), record.at)
        self.has_header = True
        self.file = _Level(records=len(record.parts))

    def _take_group(self, record: Record) -> None:
        """02: receiver, originator, status, as-of date, time, currency, modifier."""
        if self.group is not None:
            self._flag("no_group_end", _("The group ends without a 98 record."), record.at)
        self.groups = _Level(records=len(record.parts))
        self.group = (",".join(record.parts).split(",") + [""] * 7)[:7]
        self.booked_on = read_day(self.group[3].strip())
        if self.booked_on is None:
            self._flag("no_date", _("The group's date cannot be read: {text}"), record.at, text=self.group[3][:20])

    def _take_account(self, record: Record) -> Pieces:
        """03: account, currency, then balances and totals by type."""
        if self.statement is not None and not self.is_told:
            yield self._tell()
        if self.is_open:
            self._flag("no_account_end", _("The account ends without a 49 record."), record.at)
        if self.group is None:
            raise FileRefused(_("Line {line}: an account outside of any group."), code="not_bai2", line=record.at)
        fields = [text.strip() for text in ",".join(record.parts).split(",")]
        currency = (fields[1] if len(fields) > 1 else "") or self.group[5].strip()
        self.exponent = find_exponent(currency)
        self.statement = Statement(
            fields[0] or None, currency or None, Kind.INTERIM if self.group[6].strip() in INTERIM else Kind.STATEMENT,
            first_on=self.booked_on, last_on=self.booked_on, closing_on=self.booked_on,
            extra={"group": self.group[1].strip(), "status": self.group[2].strip()},
        )  # fmt: skip
        self.is_told, self.is_open, self.moves = False, True, False
        self.account = _Level(records=len(record.parts))
        self.totals = {}
        self.seen = {"100": [Decimal(0), Decimal(0)], "400": [Decimal(0), Decimal(0)]}
        self._check_status(record.at)
        self._read_summaries(fields, record.at)

    def _check_status(self, at: int) -> None:
        assert self.group is not None
        if self.group[2].strip() in ("2", "3"):
            self._flag("replaces", _("The bank deletes or corrects here what it sent before."), at)
        elif self.group[2].strip() == "4":
            self._flag("test", _("The bank calls this a test."), at)

    def _read_summaries(self, fields: list[str], at: int) -> None:
        """Type, amount, count, funds type and what that brings with it, over and over."""
        assert self.statement is not None
        place = 2
        while place < len(fields):
            kind = fields[place]
            if not kind:
                place += 1
                continue
            text, count = [*fields[place + 1 : place + 3], "", ""][:2]
            if not TYPE.fullmatch(kind) or (text and not AMOUNT.fullmatch(text)):
                self._flag("summary_unreadable", _("The totals of the account cannot be read: {text}"), at, text=kind)
                return
            place = after_funds(fields, place + 3)
            if not text:
                continue
            self.account.total += int(text)
            amount = int(text) * self.exponent
            self.statement.controls[kind] = f"{amount:f}"
            if kind in BALANCES:
                setattr(self.statement, BALANCES[kind], amount)
            elif amount and direction(kind):
                self.moves = True
            if kind in self.seen:
                self.totals[kind] = (amount, read_count(count))

    def _take_entry(self, record: Record) -> Pieces:
        """16: type, amount, funds, bank reference, customer reference, text."""
        if self.statement is None or not self.is_open:
            raise FileRefused(_("Line {line}: an entry outside of any account."), code="not_bai2", line=record.at)
        if not self.is_told:
            yield self._tell()
        self.account.records += len(record.parts)
        self.ordinal += 1
        fields, texts, value_on = split_entry(record.parts)
        kind, text = fields[0].strip(), fields[1].strip()
        way = direction(kind)
        entry = Entry(self.ordinal, f"line {record.at}", None, self.booked_on, value_on, code=kind)
        if way == 0:
            entry.amount, entry.state = Decimal(0), EntryState.INFO
        elif not AMOUNT.fullmatch(text):
            if way is not None:
                entry.extra["direction"] = "credit" if way > 0 else "debit"
            self._flag("entry_unreadable", _("The amount cannot be read: {text}"), record.at, text=text[:20])
        elif way is None:
            entry.extra["amount"] = f"{int(text) * self.exponent:f}"
            self._flag(
                "unknown_direction", _("Type {type} is the bank's own: in or out, a person has to say ({amount})."),
                record.at, type=kind, amount=entry.extra["amount"],
            )  # fmt: skip
        else:
            amount = int(text) * self.exponent
            entry.amount = amount if way > 0 else amount.copy_negate()
            row = self.seen["100" if way > 0 else "400"]
            row[0] += 1
            row[1] += entry.amount
        if AMOUNT.fullmatch(text):
            self.account.total += int(text)
        fill_text(entry, fields, texts)
        yield entry

    def _take_trailer(self, record: Record) -> None:
        """49, 98 and 99: the sum, then counts. A blank is not checked; a wrong one is flagged, never fatal."""
        fields = [text.strip() for text in ",".join(record.parts).split(",")] + [""] * 3
        if record.code == "49":
            self._end_account(record, fields)
        elif record.code == "98":
            self.groups.records += len(record.parts)
            self._check(record, fields[0], self.groups.total, fields[1:3], (self.groups.parts, self.groups.records))
            self._add(self.file, fields[0], self.groups)
            self.group, self.groups = None, _Level()
        else:
            self.file.records += len(record.parts)
            self._check(record, fields[0], self.file.total, fields[1:3], (self.file.parts, self.file.records))
            self.has_trailer = True

    def _end_account(self, record: Record, fields: list[str]) -> None:
        if self.statement is None or not self.is_open:
            self._flag("loose_trailer", _("A 49 record without its account."), record.at)
            return
        self.account.records += len(record.parts)
        self._check(record, fields[0], self.account.total, fields[1:2], (self.account.records,))
        count = sum(int(row[0]) for row in self.seen.values())
        self.statement.says_empty = not count and not self.moves and fields[1] == str(self.account.records)
        self._check_totals(record.at)
        self._add(self.groups, fields[0], self.account)
        self.is_open = False

    def _check(self, record: Record, stated: str, total: int, counts: list[str], seen: tuple[int, ...]) -> None:
        if stated and (not AMOUNT.fullmatch(stated) or int(stated) != total):
            self._flag(
                "control_total", _("The {kind} record says {stated} in all; the amounts add up to {total}."),
                record.at, kind=record.code, stated=stated, total=str(total),
            )  # fmt: skip
        for text, number in zip(counts, seen, strict=True):
            if read_count(text) != number:
                self._flag(
                    "control_count", _("The {kind} record counts {stated}; there are {number}."),
                    record.at, kind=record.code, stated=text or "-", number=number,
                )  # fmt: skip
        if record.code == "49" and self.statement is not None:
            self.statement.controls["49"] = stated

    def _add(self, upper: _Level, stated: str, lower: _Level) -> None:
        """Upper trailers add up what the lower ones state, right or wrong."""
        upper.total += int(stated) if AMOUNT.fullmatch(stated) else lower.total
        upper.records += lower.records
        upper.parts += 1

    def _check_totals(self, at: int) -> None:
        """100 and 400 against the entries: a total that its entries do not reach is a file cut short."""
        for kind, (amount, count) in self.totals.items():
            seen_count, seen = self.seen[kind]
            if abs(seen) != abs(amount) or (count is not None and seen_count and seen_count != count):
                self._flag(
                    "totals_differ", _("Total {kind} says {amount} in {count} entries; there are {seen} in {number}."),
                    at, kind=kind, amount=f"{amount:f}", count="-" if count is None else count, seen=f"{abs(seen):f}",
                    number=str(seen_count),
                )  # fmt: skip
