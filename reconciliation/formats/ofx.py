"""OFX and QFX, versions 1 (SGML) and 2 (XML), tolerant of what banks make of them.

A statement has a closing balance only. Amounts are signed by the bank; TRNTYPE says what kind it is and nothing of
the sign. A FITID should be unique for an account and is not always: what is empty or repeated is told of.
"""

import re
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, FileRefused, Piece, Pieces, Problem, Statement
from reconciliation.formats.complaints import Complaints
from reconciliation.formats.figures import read_amount, read_day
from reconciliation.formats.ofx_tags import USUAL, Tag, declared_encoding, read_tags
from reconciliation.formats.source import Source

STATEMENTS = frozenset({"STMTRS", "CCSTMTRS", "INVSTMTRS"})
TRANSACTIONS = frozenset({"STMTTRN", "STMTTRNP"})  # P: not yet booked
# What holds other tags; only these are known to end somewhere.
HOLDERS = STATEMENTS | TRANSACTIONS | {
    "OFX", "SONRS", "FI", "STATUS", "STMTTRNRS", "CCSTMTTRNRS", "BANKACCTFROM", "CCACCTFROM", "BANKTRANLIST",
    "BANKTRANLISTP", "LEDGERBAL", "AVAILBAL", "BALLIST", "BAL", "PAYEE", "EXTDPAYEE", "BANKACCTTO", "CCACCTTO",
    "CURRENCY", "ORIGCURRENCY", "IMAGEDATA", "INVACCTFROM", "INVTRANLIST", "INVTRAN",
}  # fmt: skip
DIGIT, MINUS = re.compile("[0-9]"), re.compile(r"[-\u2212\u2013(]")
TRADE = "INVTRAN"  # in every movement of an investment account that is not one of cash
EXTRA = {
    "DTUSER": "paid_on", "SIC": "merchant_kind", "SRVRTID": "server_id", "CORRECTACTION": "correction",
    "ORIGCURRENCY.CURSYM": "original_currency", "ORIGCURRENCY.CURRATE": "rate", "EXTDNAME": "longer_name",
}  # fmt: skip
SIDE = re.compile(r"\s*([-+\u2212]?)\s*[$€£]?\s*\d")
ASSUMED = _("The file does not say how its letters are written; they were read as {name}.")
Fields = dict[str, str]


def sniff(head: bytes, name: str) -> bool:
    """Whether it begins as OFX does. Wide characters are looked through."""
    start = head.replace(b"\0", b"").upper()
    return b"<OFX>" in start or b"OFXHEADER" in start or b"<OFX " in start


def read(source: Source) -> Pieces:
    """Raises FileRefused where no statement is in it, or one that names no account."""
    declared = declared_encoding(source)
    source.encodings = tuple(name for name in (declared, *source.encodings, USUAL) if name)
    encoding = source.encoding()
    reader = Reader(source)
    if encoding == USUAL != declared:
        reader.waiting.append(Problem("encoding_assumed", ASSUMED, flags=False, facts={"name": encoding}))
    for tag in read_tags(source, encoding):
        yield from reader.take(tag)
    yield from reader.end()


class Reader:
    """Follows the tags of one file. path: the holders that are open."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.path: list[str] = []
        self.statement: Statement | None = None
        self.complaints = Complaints(Statement())
        self.of_statement: Fields = {}
        self.entry: Fields = {}
        self.status: Fields = {}
        self.begun = 0  # the line of the transaction that is open
        self.ordinal = self.statements = self.entries = 0
        self.seen: dict[int, int] = {}  # FITID and what it stood for, both as hashes: bounded
        self.waiting: list[Problem] = []  # of the file, until there is a statement

    def take(self, tag: Tag) -> list[Piece]:
        name = tag.name.removeprefix("/")
        if name not in HOLDERS:
            self._keep(tag)
            return []
        return self._close(name) if tag.name.startswith("/") else self._open(name, tag.line)

    def end(self) -> list[Piece]:
        """Close what was left open, which a file that was cut short does."""
        is_cut = self.statement is not None
        pieces = self._close(self.path[0]) if self.path else []
        if not self.statements and not any(problem.flags for problem in self.waiting):
            raise FileRefused(_("The file has no statement in it."), code="no_statement")
        last = self.complaints.statement
        if is_cut:
            last.flag("cut_short", _("The file ends before its statement does."))
        (last.problems if self.statements else self.source.problems).extend(self.waiting)
        return pieces

    def _keep(self, tag: Tag) -> None:
        """Text of a tag that holds nothing else; the first that says something counts."""
        if tag.name.startswith("/"):
            return
        inside = self.path[-1] if self.path else ""
        if inside == "STATUS":
            self.status.setdefault(tag.name, tag.text)
            return
        fields = self.entry if TRANSACTIONS.intersection(self.path) else self.of_statement
        key = tag.name if inside in STATEMENTS | TRANSACTIONS else f"{inside}.{tag.name}"
        if not fields.get(key):
            fields[key] = tag.text

    def _open(self, name: str, line: int) -> list[Piece]:
        pieces: list[Piece] = []
        if name in TRANSACTIONS or name in STATEMENTS:  # the one before was not ended
            unended = STATEMENTS | TRANSACTIONS if name in STATEMENTS else TRANSACTIONS
            for one in [one for one in self.path if one in unended]:
                pieces += self._close(one)
        self.path.append(name)
        if name in STATEMENTS:
            self.statement, self.of_statement, self.entries = Statement(), {}, 0
            self.complaints, self.seen = Complaints(self.statement), {}
            self.statements += 1
            self.statement.problems += self.waiting
            self.waiting = []
            pieces.append(self.statement)
        elif name in TRANSACTIONS:
            self.entry, self.begun = {}, line
        elif name == "STATUS":
            self.status = {}
        elif name == "BANKTRANLIST":
            self.of_statement["has_list"] = "yes"
        elif name == TRADE:
            self.complaints.flag("trades", _("Purchases and sales of investments are not read."), f"line {line}")
        return pieces

    def _close(self, name: str) -> list[Piece]:
        """Leave a holder and all that is still open inside it."""
        pieces: list[Piece] = []
        if name not in self.path:
            return pieces
        while self.path:
            left = self.path.pop()
            if left in TRANSACTIONS and self.statement:
                pieces.append(self._entry(is_pending=left == "STMTTRNP"))
            elif left in STATEMENTS:
                self._finish()
            elif left == "STATUS":
                self._told()
            if left == name:
                break
        return pieces

    def _told(self) -> None:
        """The bank's own word that something went wrong."""
        if self.status.get("SEVERITY", "").upper() != "ERROR":
            return
        sentence = _("The bank answered with an error instead of a statement: {message}")
        message = f"{self.status.get('CODE', '')} {self.status.get('MESSAGE', '')}".strip()
        self.waiting.append(Problem("bank_error", sentence, facts={"message": message}))

    def _finish(self) -> None:
        """Fill the statement in, now that all of it was read."""
        statement, fields = self.statement, self.of_statement
        assert statement is not None
        holders = ("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM")
        account = next((fields[f"{one}.ACCTID"] for one in holders if fields.get(f"{one}.ACCTID")), None)
        if not account:
            raise FileRefused(
                _("Statement {number} names no account, so nobody can tell whose it is."), code="no_account",
                number=self.statements,
            )  # fmt: skip
        statement.account, statement.currency = account, fields.get("CURDEF")
        statement.first_on = read_day(fields.get("BANKTRANLIST.DTSTART", ""))
        statement.last_on = read_day(fields.get("BANKTRANLIST.DTEND", ""))
        statement.closing, statement.closing_on = self._balance("LEDGERBAL")
        available, _on = self._balance("AVAILBAL")
        statement.closing_available = available if available != statement.closing else None
        statement.says_empty = not self.entries and ("has_list" in fields or statement.closing is not None)
        bank = fields.get("BANKACCTFROM.BANKID")
        statement.extra = {"bank": bank} if bank else {}
        self.complaints.close()
        self.statement = None

    def _balance(self, name: str) -> tuple[Decimal | None, date | None]:
        written = self.of_statement.get(f"{name}.BALAMT", "")
        amount = read_amount(written)
        if written and amount is None:
            self.complaints.flag("balance_unreadable", _("The balance {written} is not an amount."), written=written)
        return amount, read_day(self.of_statement.get(f"{name}.DTASOF", ""))

    def _entry(self, *, is_pending: bool) -> Entry:
        self.ordinal += 1
        self.entries += 1
        fields, place = self.entry, f"line {self.begun}"
        entry = make_entry(fields, self.ordinal, place, is_pending=is_pending)
        written, day = fields.get("TRNAMT", ""), fields.get("DTPOSTED") or fields.get("DTTRAN", "")
        if entry.amount is None:
            entry.extra |= {"direction": side} if (side := _side(written)) else {}
            self.complaints.flag(
                "amount_unreadable", _("The amount “{written}” cannot be read."), place, written=written
            )
            if DIGIT.search(written):  # the sign can be read even where the number cannot
                entry.extra["direction"] = "debit" if MINUS.search(written) else "credit"
            if found := SEEMS.fullmatch(written):
                entry.extra["seems"] = found[1]
        if entry.booked_on is None:
            self.complaints.flag("day_unreadable", _("The day of booking “{written}” is none."), place, written=day)
        if fields.get("CORRECTFITID"):
            self.complaints.flag(
                "corrects", _("The bank corrects its entry {fitid}: {action}."), place, fitid=fields["CORRECTFITID"],
                action=fields.get("CORRECTACTION", ""),
            )  # fmt: skip
        if not is_pending:
            self._compare(entry, place)
        return entry

    def _compare(self, entry: Entry, place: str) -> None:
        """Tell of a FITID that is missing, or that stands for two things."""
        if not entry.bank_reference:
            self.complaints.note("no_fitid", _("The bank gave the entry no number of its own."), place)
            return
        content = hash((entry.booked_on, entry.amount, entry.party_name, entry.text, entry.cheque_number))
        known = self.seen.setdefault(hash(entry.bank_reference), content)
        if entry.bank_reference and known != content:
            self.complaints.note(
                "fitid_repeated", _("The bank's number {fitid} stands for different entries."), place,
                fitid=entry.bank_reference,
            )  # fmt: skip


# A plain number behind a currency sign: not a number of the format, yet plain to a person.
SEEMS = re.compile(r"[-+]?\s*[$€£¥₹]\s*(\d+(?:\.\d{1,2})?)")


def _side(written: str) -> str:
    """Which way an amount goes that cannot be read; "" where not even that is plain."""
    found = SIDE.match(written)
    return "" if not found else "debit" if found[1] in ("-", "\u2212") else "credit"


def make_entry(fields: Fields, ordinal: int, place: str, *, is_pending: bool = False) -> Entry:
    """What the fields of one transaction say."""
    cheque = fields.get("CHECKNUM") or fields.get("CHKNUM") or ""
    return Entry(
        ordinal, place, read_amount(fields.get("TRNAMT", "")),
        booked_on=read_day(fields.get("DTPOSTED") or fields.get("DTTRAN", "")),
        value_on=read_day(fields.get("DTAVAIL", "")),
        currency=fields.get("CURRENCY.CURSYM", "").upper(),
        state=EntryState.PENDING if is_pending else EntryState.BOOKED,
        code=fields.get("TRNTYPE", "").upper(),
        bank_reference=fields.get("FITID", ""),
        customer_reference=fields.get("REFNUM", ""),
        party_name=fields.get("NAME") or fields.get("PAYEE.NAME") or "",
        party_account=fields.get("BANKACCTTO.ACCTID") or fields.get("CCACCTTO.ACCTID") or "",
        text=fields.get("MEMO", ""),
        cheque_number="" if not cheque.strip("0") else cheque,
        original_reference=fields.get("CORRECTFITID", ""),
        extra={said: fields[name] for name, said in EXTRA.items() if fields.get(name)},
    )  # fmt: skip
