"""SWIFT MT940 (statement) and MT942 (interim report) as banks send them: bare, in an envelope, or after prose.

Marks: C and RD are money in, D and RC are money out; the sign of an entry is final. A line is a tag only where the
tag is known and can stand there: ":12:11" and ":20:15" occur inside :86:, and so do lines that begin with "-".
Sources: SWIFT category 9, Deutsche Bank's description of MT940 and MT942 (2012), Rabobank 3.2, Danske MT940E.
"""

import re
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, FileRefused, Kind, Pieces, Statement
from reconciliation.formats.decoding import decoded_lines, plain_head
from reconciliation.formats.mt_fields import (
    Totals,
    add_to,
    check_totals,
    find_booking_day,
    mended_day,
    place_of,
    read_day,
    read_reference,
    split_fields,
)
from reconciliation.formats.mt_text import read_supplement, read_text
from reconciliation.formats.source import Source

ENCODINGS = ("cp1252", "cp850")  # after UTF-8, where the bank account names none
START = re.compile(rb"(?m)^(?:\{[^\r\n]*)?[\x01-\x03 ]*:20:")
SECOND = re.compile(rb"(?m)^:(?:25P?|28C?|60[FM]|61|34F|13D?):")
OF_942 = re.compile(rb"(?m)^:(?:34F|13D?|90[CD]):")
OPENING = re.compile(rb"(?m)^:60[FM]:")
LINE = re.compile(
    r"(\d{6})(\d{4})?(E?R?[CD])([A-Z])?\s*(\d{1,18}(?:,\d{0,6})?(?!\d)|,\d{1,6}(?!\d))\s*([A-Z][A-Z0-9 ]{3})?(.*)",
    re.DOTALL,
)
BALANCE = re.compile(r"([CD])(\d{6})?([A-Z]{3})?\s*(\d{1,18}(?:,\d{0,6})?(?!\d)|,\d{1,6}(?!\d))\s*")
# An instant in the text of an entry, perhaps cut by a line end: 2017-01-01T13:12.
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
TOTAL = re.compile(r"(\d{1,9})([A-Z]{3})?(\d{1,18}(?:,\d{0,6})?(?!\d)|,\d{1,6}(?!\d))\s*")
CHEQUES = frozenset(["CHK", "CHQ", "CLR"])


def sniff(head: bytes, name: str) -> bool:
    """MT940, or what may be one: a reference and at least a second field, each at the start of a line."""
    head = plain_head(head)
    start = START.search(head)
    return bool(start and SECOND.search(head, start.end()))


def sniff_942(head: bytes, name: str) -> bool:
    """MT942 has a floor limit, a time or totals, and no opening balance. The reader is the same."""
    head = plain_head(head)
    return sniff(head, name) and OF_942.search(head) is not None and OPENING.search(head) is None


def read(source: Source) -> Pieces:
    """Statements and entries of an MT940 or MT942 file, in order. Raises FileRefused where there is no statement."""
    reader = _Reader()
    for at, tag, value in split_fields(decoded_lines(source, ENCODINGS)):
        yield from reader.take(at, tag, value)
    yield from reader.finish()
    if not reader.count:
        raise FileRefused(
            _("Line {line}: the file ends and no MT940 or MT942 statement (:20:) has begun."),
            code="no_statement", line=reader.at,
        )  # fmt: skip


class _Reader:
    """The state between two fields of a file."""

    def __init__(self) -> None:
        self.statement: Statement | None = None
        self.before: Statement | None = None  # already yielded, still open until the next is
        self.entry: Entry | None = None
        self.text: list[str] = []
        self.is_told = self.has_ended = self.is_interim = self.old_rabobank = False
        self.count = self.entries = self.ordinal = 0
        self.at = 1
        self.currency = self.loose = self.mended = ""
        self.totals = Totals()

    def take(self, at: int, tag: str, value: list[str]) -> Pieces:
        """One field: first finish the entry before it, unless this is more of its text."""
        self.at = at + len(value) - 1 if value else at
        self.loose = value[-1] if value and tag not in ("61", "86") else ""
        if tag == "86":
            if self.entry is None:
                self._statement_text(value)
            else:
                self.text += value
            return
        if self.entry is not None:
            yield self._finish_entry()
        if tag == "61":
            yield from self._tell(at)
            self.entry = self._read_entry(at, value)
            return
        if tag == "20" or (self.has_ended and tag in ("25", "25P", "28", "28C", "60F", "60M")):
            yield from self._end()
            self.has_ended = False
            self.statement = Statement(extra={"reference": value[0].strip()} if tag == "20" else {})
        if tag in ("", "21", "65", "65F", "NS", "940", "942"):
            self.old_rabobank = self.old_rabobank or tag == "940"
            self.is_interim = self.is_interim or tag == "942"
        elif tag == "-":
            self.has_ended = True
        elif self.statement is not None and tag != "20":
            self._fill(at, tag, value[0].strip())

    def finish(self) -> Pieces:
        """The end of the file."""
        if self.entry is not None:
            yield self._finish_entry()
        if self.statement is not None and self.loose.startswith(":"):
            self.statement.flag(
                "half_line", _("The file ends in the middle of a line: {line}"), place_of(self.at), line=self.loose[:40]
            )
        yield from self._end()
        self._check_pages(None)

    def _tell(self, at: int) -> Pieces:
        """Yield the statement, once, as soon as its opening is known."""
        if self.statement is None:
            raise FileRefused(
                _("Line {line}: an entry (:61:) before any statement (:20:) has begun."), code="no_statement", line=at
            )
        if not self.is_told:
            self.is_told = True
            self.count += 1
            if self.is_interim and self.statement.opening is None:
                self.statement.kind = Kind.INTERIM
            self._check_pages(self.statement)
            self.before = self.statement
            yield self.statement

    def _end(self) -> Pieces:
        """Finish the statement: what it lacks, and what its own figures say."""
        if self.statement is None:
            return
        statement = self.statement
        yield from self._tell(self.at)
        place = place_of(self.at)
        if statement.kind is Kind.INTERIM:
            check_totals(statement, self.totals, self.has_ended, place)
        else:
            if statement.opening is None:
                statement.flag("no_opening", _("The statement has no opening balance (:60F:)."), place)
            if statement.closing is None:
                statement.flag(
                    "no_closing", _("The statement ends without a closing balance (:62F:): it is cut off."), place
                )
            statement.says_empty = not self.entries and statement.opening == statement.closing is not None
        self.statement, self.is_told, self.has_ended, self.is_interim = None, False, False, False
        self.entries, self.currency, self.totals = 0, "", Totals()

    def _check_pages(self, following: Statement | None) -> None:
        """A page that ends with :62M: is followed by one of the same account that begins with that balance."""
        before = self.before
        if before is None or before.is_last_page:
            return
        if following is None or following.account != before.account or following.opening != before.closing:
            before.flag(
                "page_missing", _("The statement goes on on a further page ({closing}), which is not here."),
                closing=str(before.closing),
            )  # fmt: skip

    def _fill(self, at: int, tag: str, value: str) -> None:
        """A field of the statement itself."""
        statement = self.statement
        assert statement is not None
        if tag in ("25", "25P"):
            statement.account = value
        elif tag in ("28", "28C"):
            statement.number, _slash, statement.page = value.partition("/")
        elif tag in ("34F", "13", "13D"):
            self.is_interim = True
            statement.controls[tag] = value
            if tag == "34F" and value[:3].isalpha():
                self.currency = value[:3]
        elif tag in ("90C", "90D"):
            statement.controls[tag] = value
            if found := TOTAL.fullmatch(value):
                self.totals.stated[tag] = (at, int(found[1]), Decimal(found[3].replace(",", ".")))
            else:
                statement.flag("total_unreadable", _("The total of :{tag}: cannot be read."), place_of(at), tag=tag)
        else:
            self._read_balance(statement, at, tag, value)

    def _read_balance(self, statement: Statement, at: int, tag: str, value: str) -> None:
        """60 opens, 62 closes, 64 is what was available. A closing balance may leave the currency out."""
        found = BALANCE.fullmatch(value)
        if found is None:
            statement.flag("balance_unreadable", _("The balance of :{tag}: cannot be read."), place_of(at), tag=tag)
            self.has_ended = self.has_ended or tag[:2] == "62"
            return
        amount = Decimal(found[4].replace(",", "."))
        amount = amount.copy_negate() if found[1] == "D" else amount
        day = read_day(found[2] or "")
        if currency := found[3]:
            if statement.currency not in (None, currency):
                statement.flag(
                    "currencies",
                    _("Balances in {one} and {other}."),
                    place_of(at),
                    one=statement.currency,
                    other=currency,
                )
            statement.currency = statement.currency or currency
        if tag[:2] == "60":
            statement.opening, statement.opening_on = amount, day
            statement.first_on = day
            if tag == "60M":
                statement.extra["continues"] = True
        elif tag[:2] == "62":
            statement.closing, statement.closing_on, self.has_ended = amount, day, True
            statement.last_on, statement.is_last_page = day, tag == "62F"
        else:
            statement.closing_available = amount

    def _statement_text(self, value: list[str]) -> None:
        """:86: before the first entry or after the closing balance speaks of the statement."""
        if self.statement is not None:
            before = self.statement.extra.get("text")
            self.statement.extra["text"] = "\n".join(filter(None, [before, *(line.strip() for line in value)]))

    def _read_entry(self, at: int, value: list[str]) -> Entry:
        """:61: of the statement; one that cannot be read becomes an entry without amount, and is flagged."""
        statement = self.statement
        assert statement is not None
        self.entries += 1
        self.ordinal += 1
        self.text = []
        place = place_of(at)
        if self.has_ended:
            statement.flag("entry_after_closing", _("An entry after the closing balance."), place)
        found = LINE.match(value[0])
        if found is None:
            statement.flag("entry_unreadable", _("The entry cannot be read: {line}"), place, line=value[0][:80])
            return Entry(self.ordinal, place, None, currency=self.currency, text="\n".join(value))
        value_day, entry_day, mark, _letter, figures, code, rest = found.groups()
        amount = Decimal(figures.replace(",", "."))
        is_reversal = "R" in mark
        is_in = (mark[-1] == "C") is not is_reversal
        self.mended = "" if read_day(value_day) else value_day
        value_on = read_day(value_day) or mended_day(value_day)
        customer, slashes, bank = rest.partition("//")
        entry = Entry(
            self.ordinal, place, amount if is_in else amount.copy_negate(), value_on=value_on, currency=self.currency,
            booked_on=find_booking_day(entry_day, value_on) if value_on else None,
            state=EntryState.PENDING if mark[0] == "E" else EntryState.BOOKED, code=code or "",
            bank_reference=read_reference(bank), customer_reference=read_reference(customer), is_reversal=is_reversal,
        )  # fmt: skip
        if entry.booked_on is None and value_on is not None:
            statement.flag("impossible_date", _("There is no such entry date: {digits}."), place, digits=entry_day)
            entry.booked_on = value_on
        if code is None:
            statement.flag("entry_cut", _("The entry ends after its amount: the line is cut off."), place)
        else:
            self._read_code(entry, code, rest if not slashes else "")
        if len(value) > 1:
            self._read_second_line(entry, value[1:])
        if statement.kind is Kind.INTERIM:
            add_to(self.totals, amount, is_in, is_reversal)
        return entry

    def _read_code(self, entry: Entry, code: str, rest: str) -> None:
        """What the kind of entry says of it, and what old Rabobank files put into the reference."""
        if code[1:] == "RTI":
            entry.is_reversal = True
        elif code[1:] in CHEQUES and entry.customer_reference.isdecimal():
            entry.cheque_number = entry.customer_reference
        if self.old_rabobank and len(rest) > 16:
            entry.customer_reference, entry.party_name = read_reference(rest[:16]), rest[16:].strip()
            if entry.customer_reference.isdecimal() and entry.customer_reference.strip("0"):
                entry.party_account = entry.customer_reference

    def _read_second_line(self, entry: Entry, lines: list[str]) -> None:
        read_supplement(entry, lines)
        supplement = entry.extra.get("supplement", "")
        if self.old_rabobank and not entry.party_account and supplement.removeprefix("P").isdecimal():
            entry.party_account = supplement

    def _tell_mended(self, entry: Entry) -> None:
        """A day that does not exist is flagged; only noted where the entry says itself when it happened, to the
        minute, so that nobody has to guess its day."""
        statement, day = self.statement, mended_day(self.mended)
        assert statement is not None
        tell = statement.note if INSTANT.search("".join(self.text)) else statement.flag
        tell(
            "impossible_date", _("There is no such day: {digits} (year, month, day); read as {day}."), entry.place,
            digits=self.mended, day=str(day or "-"),
        )  # fmt: skip

    def _finish_entry(self) -> Entry:
        entry = self.entry
        assert entry is not None
        self.entry = None
        if self.mended:
            self._tell_mended(entry)
            self.mended = ""
        if self.text and entry.amount is not None:
            read_text(entry, self.text)
        elif self.text:
            entry.text += "\n" + "\n".join(self.text)
        return entry
