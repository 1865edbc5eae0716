"""BAI lockbox: the cheques that a bank opened for us, and what came in their envelopes.

Records by their first digit: 1 file, 2 service, 5 batch, 6 cheque, 4 what overflows from it (invoices or a memo),
7 batch total, 8 total of a lockbox, 9 count of records. The bank's statement has one line for the sum of record 8:
the entries here say who paid and for what, and move no balance (Kind.PAYMENTS). A file without cheques is normal.
Columns: as in the common layout; the sum and count of records 7, 8 and 9 prove that they fit.
Source: BAI lockbox format as documented by FundersClub/bai-lockbox and Oracle Receivables (AutoLockbox).
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from reconciliation.formats.base import Document, Entry, FileRefused, Kind, Pieces, Problem, Statement
from reconciliation.formats.decoding import decoded_lines, plain_head
from reconciliation.formats.source import Source

ENCODINGS = ("cp1252",)  # after UTF-8, where the bank account names none
HEADER = re.compile(rb"1\d\d[^\r\n]{20}\d{10} *\r?\n(?=[259])")
CENT = Decimal("0.01")
# A number of one invoice, with its amount in cents behind it where the bank keys that (BAI-2 style).
PRICED = re.compile(r"\s*(\S{1,20}?)\s+(\d{10})(?=\s|$)")
NUMBER = re.compile(r"[^\s,;]*\d[^\s,;]*")


def sniff(head: bytes, name: str) -> bool:
    return HEADER.match(plain_head(head)) is not None


def read(source: Source) -> Pieces:
    """One statement a lockbox and day, one entry a cheque. Raises FileRefused where this is no lockbox file."""
    reader = _Reader(source)
    at = 0
    for at, line in enumerate(decoded_lines(source, ENCODINGS), 1):
        if line.strip(" \x1a\x00"):
            yield from reader.take(at, line)
    yield from reader.finish(at)


class _Sum:
    """Cheques of a batch, or of a lockbox."""

    def __init__(self) -> None:
        self.count, self.cents = 0, 0


class _Reader:
    """The state between two records."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.statement: Statement | None = None
        self.entry: Entry | None = None
        self.memos: list[str] = []
        self.expects_more = False
        self.batch: _Sum | None = None
        self.lockbox = _Sum()
        self.records = self.ordinal = self.statements = 0
        self.deposited_on: date | None = None
        self.has_end = False

    def take(self, at: int, line: str) -> Pieces:
        self.records += 1
        kind = line[0]
        if self.records == 1 and not HEADER.match(line.encode() + b"\n9"):
            raise FileRefused(_("Line {line}: a lockbox file begins with a 1 record."), code="not_lockbox", line=at)
        if self.has_end:
            self._flag("after_end", _("There are records after the end (9)."), at)
        if kind == "4":
            self._take_overflow(at, line)
            return
        if self.entry is not None:
            yield self._finish_entry(at)
        if kind == "5":
            yield from self._take_batch(at, line)
        elif kind == "6":
            yield from self._take_cheque(at, line)
        elif kind == "7":
            self._end_batch(at, line)
        elif kind == "8":
            yield from self._end_lockbox(at, line)
        elif kind == "9":
            self._end_file(at, line)
        elif kind not in "12":
            raise FileRefused(
                _("Line {line}: this is no lockbox record: {text}"), code="not_lockbox", line=at, text=line[:40]
            )

    def finish(self, at: int) -> Pieces:
        """The end of the file: without its totals it is cut off."""
        if not self.records:
            raise FileRefused(_("The file has no lockbox records."), code="not_lockbox")
        if self.entry is not None:
            yield self._finish_entry(at)
        if not self.statements:
            yield from self._begin("", None)
            assert self.statement is not None
            self.statement.says_empty = self.has_end
        elif self.batch is not None:
            self._flag("no_batch_end", _("The batch ends without its total (7): the file is cut off."), at)
        if self.lockbox.count:
            self._flag("no_lockbox_end", _("The lockbox ends without its total (8): the file is cut off."), at)
        if not self.has_end:
            self._flag("no_file_end", _("The file ends without a 9 record: it is cut off."), at)

    def _flag(self, code: str, sentence: Sentence, at: int, **facts: Any) -> None:
        if self.statement is None:
            self.source.problems.append(Problem(code, sentence, f"line {at}", True, facts))
        else:
            self.statement.flag(code, sentence, f"line {at}", **facts)

    def _begin(self, number: str, day: date | None) -> Iterator[Statement]:
        """A statement of this lockbox and day, unless it is the one that is open."""
        self.statement = Statement(
            kind=Kind.PAYMENTS, number=number, first_on=day, last_on=day, extra={"lockbox": number.lstrip("0")}
        )
        self.statements += 1
        yield self.statement

    def _take_batch(self, at: int, line: str) -> Pieces:
        """5: batch 2-4, item 5-7, lockbox 8-14, deposit date 15-20."""
        if self.batch is not None:
            self._flag("no_batch_end", _("The batch ends without its total (7)."), at)
        number, day = line[7:14].strip(), _day(line[14:20])
        current = self.statement
        if current is None or (current.number, current.first_on) != (number, day) or "8" in current.controls:
            if self.lockbox.count:
                self._flag("no_lockbox_end", _("The lockbox ends without its total (8)."), at)
                self.lockbox = _Sum()
            yield from self._begin(number, day)
        if day is None:
            self._flag("no_date", _("The day of deposit cannot be read: {text}"), at, text=line[14:20])
        self.deposited_on, self.batch = day, _Sum()

    def _take_cheque(self, at: int, line: str) -> Pieces:
        """6: batch 2-4, item 5-7, cents 8-17, routing 18-26, account 27-36, cheque 37-46, date MMDDYY, remitter."""
        if self.statement is None:
            yield from self._begin("", None)
        if self.batch is None:
            self._flag("no_batch", _("A cheque outside of any batch."), at)
            self.batch = _Sum()
        self.ordinal += 1
        entry = Entry(self.ordinal, f"line {at}", None, self.deposited_on, self.deposited_on, code="6")
        cents = line[7:17]
        if len(cents) == 10 and cents.isdecimal() and cents.isascii():
            entry.amount = int(cents) * CENT
            for total in (self.batch, self.lockbox):
                total.count += 1
                total.cents += int(cents)
        else:
            self._flag("entry_unreadable", _("The amount of the cheque cannot be read: {text}"), at, text=cents)
        routing, account = line[17:26].strip(), line[26:36].strip()
        entry.party_account = account
        entry.cheque_number = line[36:46].strip().lstrip("0")
        entry.bank_reference = f"{line[1:4]}-{line[4:7]}"
        entry.party_name = " ".join(line[52:82].split())
        entry.extra = {"batch": line[1:4], "item": line[4:7], "routing": routing}
        if (written_on := _day(line[50:52] + line[46:50])) is not None:
            entry.extra["written_on"] = written_on.isoformat()
        if payee := line[82:102].strip():
            entry.extra["payee"] = payee
        self.entry, self.memos, self.expects_more = entry, [], False

    def _take_overflow(self, at: int, line: str) -> None:
        """4: batch 2-4, item 5-7, kind 8, sequence 9-10, mark 11 ("9" on the last), then what was keyed."""
        if self.entry is None:
            self._flag("loose_overflow", _("An overflow record (4) without its cheque."), at)
            return
        if (line[1:4], line[4:7]) != (self.entry.extra["batch"], self.entry.extra["item"]):
            self._flag("other_cheque", _("An overflow record (4) names another cheque than the one before it."), at)
        self.memos.append(line[11:].strip())
        self.expects_more = line[10:11] != "9"

    def _finish_entry(self, at: int) -> Entry:
        entry = self.entry
        assert entry is not None
        if self.expects_more:
            self._flag("no_last_overflow", _("What was keyed for the cheque goes on, but no record follows."), at)
        entry.text = "\n".join(filter(None, self.memos))
        entry.documents = _documents(self.memos, entry.amount)
        self.entry, self.expects_more = None, False
        return entry

    def _end_batch(self, at: int, line: str) -> None:
        """7: batch, item, lockbox, date, count 21-23, cents 24-33."""
        if self.batch is None:
            self._flag("loose_total", _("A batch total (7) without its batch."), at)
            return
        self._check(at, "7", line[20:23], line[23:33], self.batch)
        self.batch = None

    def _end_lockbox(self, at: int, line: str) -> Pieces:
        """8: batch, item, lockbox, date, count 21-24, cents 25-34."""
        if self.statement is None:
            yield from self._begin(line[7:14].strip(), _day(line[14:20]))
        if self.batch is not None:
            self._flag("no_batch_end", _("The batch ends without its total (7)."), at)
            self.batch = None
        assert self.statement is not None
        is_right = self._check(at, "8", line[20:24], line[24:34], self.lockbox)
        self.statement.says_empty = is_right and not self.lockbox.count
        self.statement.controls.update({"8": line[24:34], "checks": line[20:24].lstrip("0") or "0"})
        if line[24:34].isdecimal():
            self.statement.controls["total"] = f"{int(line[24:34]) * CENT:f}"
        self.lockbox = _Sum()

    def _end_file(self, at: int, line: str) -> None:
        """9: records 2-7, this one and the first counted."""
        self.has_end = True
        text = line[1:7].strip()
        if not text.isdecimal() or len(line.rstrip()) < 7 or int(text) != self.records:
            self._flag(
                "record_count", _("The 9 record counts {stated} records; there are {number}."), at,
                stated=text or "-", number=self.records,
            )  # fmt: skip

    def _check(self, at: int, kind: str, count: str, cents: str, total: _Sum) -> bool:
        is_right = count.isdecimal() and cents.isdecimal() and len(cents) == 10
        is_right = is_right and (int(count), int(cents)) == (total.count, total.cents)
        if not is_right:
            self._flag(
                "totals_differ", _("The {kind} record says {stated} in {count} cheques; there are {sum} in {number}."),
                at, kind=kind, stated=f"{int(cents) * CENT:f}" if cents.isdecimal() else cents, count=count or "-",
                sum=f"{total.cents * CENT:f}", number=total.count,
            )  # fmt: skip
        return is_right


def _documents(memos: list[str], amount: Decimal | None) -> tuple[Document, ...]:
    """The invoices that were keyed. Amounts only where they add up to the cheque: else they are not amounts."""
    priced = [found for memo in memos for found in PRICED.findall(memo)]
    if priced and sum(int(cents) for _number, cents in priced) * CENT == amount:
        return tuple(Document(number, int(cents) * CENT) for number, cents in priced)
    return tuple(Document(number) for memo in memos for number in NUMBER.findall(memo))


def _day(digits: str) -> date | None:
    """YYMMDD."""
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        return None
    try:
        return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return None
