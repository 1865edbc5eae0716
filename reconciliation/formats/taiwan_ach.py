"""Taiwan's bank ACH: what was presented (P01) and what came back (R01), 250 bytes a row, a head and a tail.

Only rejects come back: a payment that is not in the R01 of its day was paid. In the R01 the payer's bank may stand on
either side; it is the one that is not ours. Amounts are whole dollars. The tail's count and sum are checked.
"""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, FileRefused, Kind, Pieces, Statement
from reconciliation.formats.complaints import Complaints
from reconciliation.formats.figures import read_minor, read_roc_day
from reconciliation.formats.source import Source
from reconciliation.formats.taiwan_text import Row, read_rows

WIDTH = 250
PRESENTED, RETURNED = "ACHP01", "ACHR01"
CLEARING = "9990250"
SIGNS = {"SD": 1, "SC": -1}  # debits of our payers bring money in; credits to payees take it out
PAID = frozenset({"", "00"})
# Data, not rules: the clearing house's list changes, and a bank's own may say more.
RETURNS = {
    "01": _("insufficient funds"), "02": _("no authorisation"), "03": _("authorisation ended"),
    "04": _("no such account"), "05": _("identification differs"), "06": _("no such user number"),
    "07": _("user number differs"), "22": _("account closed"), "23": _("account dormant"), "24": _("account frozen"),
    "25": _("account seized"), "26": _("account under watch"), "99": _("other"),
}  # fmt: skip


def sniff(head: bytes, name: str) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"BOF" + PRESENTED.encode(), b"BOF" + RETURNED.encode()))


def read(source: Source) -> Pieces:
    """One statement. Raises FileRefused without a head, or for a row whose bytes cannot be its columns."""
    rows = read_rows(source)
    head = next(rows, None)
    if head is None or head.digits(1, 3) != "BOF" or head.digits(4, 9) not in (PRESENTED, RETURNED):
        raise FileRefused(_("The file does not begin with BOF and ACHP01 or ACHR01."), code="no_head")
    statement = _begin(head)
    complaints = Complaints(statement)
    yield statement
    count, total, tail = 0, Decimal(0), None
    for row in rows:
        if tail:
            raise FileRefused(_("Line {line} stands after the end of the file."), code="after_end", line=row.line)
        if row.digits(1, 3) == "EOF":
            tail = row
            continue
        count += 1
        entry = _entry(row, count, statement, complaints)
        total += abs(entry.amount) if entry.amount is not None else 0
        yield entry
    _check_tail(tail, count, total, head, complaints)
    statement.says_empty = tail is not None and not count and not int(tail.digits(32, 39) or 0)
    complaints.close()


def _begin(head: Row) -> Statement:
    is_return = head.digits(4, 9) == RETURNED
    day = read_roc_day(head.digits(10, 17))
    sender, receiver = head.digits(24, 30), head.digits(31, 37)
    return Statement(
        currency="TWD", kind=Kind.RETURNS if is_return else Kind.PAYMENTS, number=head.digits(10, 23), first_on=day,
        last_on=day, extra={"kind": head.digits(4, 9), "sender": sender, "receiver": receiver,
                            "our_bank": receiver if sender == CLEARING else sender},
    )  # fmt: skip


def _entry(row: Row, ordinal: int, statement: Statement, complaints: Complaints) -> Entry:
    """P01: asked for and not yet paid. R01: taken back, or told to be paid."""
    if len(row.raw) > WIDTH or len(row.raw.rstrip()) < 70:
        raise FileRefused(
            _("Line {line} has {length} bytes where {width} belong."), code="misfit", line=row.line,
            length=len(row.raw), width=WIDTH,
        )  # fmt: skip
    is_return = statement.kind == Kind.RETURNS
    way, code, written = row.digits(2, 3), row.digits(71, 72), row.digits(61, 70)
    amount, sign = read_minor(written, 0), SIGNS.get(way)
    if row.digits(1, 1) != ("R" if is_return else "N"):
        complaints.flag("wrong_kind", _("The row is of kind {kind}."), row.place, kind=row.digits(1, 1))
    if amount is None or sign is None:
        complaints.flag("amount_unreadable", _("The amount “{written}” cannot be read."), row.place,
                        written=f"{way} {written}")  # fmt: skip
        signed = None
    else:
        signed = -amount * sign if is_return and code not in PAID else amount * sign
    if is_return and code not in PAID and code not in RETURNS:
        complaints.flag("unknown_code", _("Return code {written} is in no list: a person decides."), row.place,
                        written=code)  # fmt: skip
    return _make(row, ordinal, signed, amount, code if is_return and code not in PAID else "", statement)


def _make(
    row: Row, ordinal: int, signed: Decimal | None, amount: Decimal | None, code: str, statement: Statement
) -> Entry:
    is_return = statement.kind == Kind.RETURNS
    own_bank = str(statement.extra["our_bank"])
    presenting, receiving = (row.digits(15, 21), row.digits(22, 37)), (row.digits(38, 44), row.digits(45, 60))
    is_turned = is_return and receiving[0] == own_bank != presenting[0]
    bank, account = presenting if is_turned else receiving
    original = f"{row.digits(100, 107)}-{row.digits(108, 115)}" if row.digits(108, 115).strip("0") else ""
    return Entry(
        ordinal, row.place, signed, booked_on=statement.first_on,
        state=EntryState.BOOKED if is_return else EntryState.PENDING,
        code=f"{row.digits(2, 3)}{row.digits(4, 6)}", bank_reference=row.digits(7, 14),
        end_to_end_id=row.text(137, 176), text=row.text(177, 186), mandate=row.text(117, 136),
        party_account=f"{bank} {account}", return_code=code, original_reference=original,
        original_amount=amount if code else None,
    )  # fmt: skip


def _check_tail(tail: Row | None, count: int, total: Decimal, head: Row, complaints: Complaints) -> None:
    if tail is None:
        complaints.flag("no_tail", _("The file ends without its tail: something may be missing."))
        return
    stated_count, stated_total = read_minor(tail.digits(32, 39), 0), read_minor(tail.digits(40, 55), 0)
    complaints.statement.controls = {"count": tail.digits(32, 39), "amount": tail.digits(40, 55)}
    if tail.digits(4, 17) != head.digits(4, 17):
        complaints.flag("tail_differs", _("The tail is of another file than the head."), tail.place)
    if stated_count != count:
        complaints.flag("count", _("The tail states {stated} rows; there are {counted}."), tail.place,
                        stated=stated_count, counted=count)  # fmt: skip
    if stated_total != total:
        complaints.flag("total", _("The tail states {stated}; the rows come to {counted}."), tail.place,
                        stated=stated_total, counted=total)  # fmt: skip
