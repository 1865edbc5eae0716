"""What came of NACH debits: 306 columns a row, a header of kind 56, a row of kind 67 for each debit.

The mandate's number (UMRN) tells whose debit it was; the flag whether it was paid, two digits why not. What the
digits mean is the sponsor bank's to say: public lists contradict each other, so the code is kept and not read here.
A debit that was not paid moved nothing. Source: bank notes, "India"; columns as two public writers of the file have
them.
"""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, FileRefused, Kind, Pieces, Statement
from reconciliation.formats.complaints import Complaints
from reconciliation.formats.decoding import decoded_lines, plain_head
from reconciliation.formats.figures import make_day, read_minor
from reconciliation.formats.source import Source

WIDTH = 306
HEADER, DETAIL = "56", "67"
USUAL = ("cp1252",)
PAID, UNPAID = "1", "0"
# From 1, the last included. 265-279 is a person's Aadhaar number and is never read.
HEAD = {
    "user": (10, 49), "file": (64, 72), "total": (113, 125), "settled_on": (126, 133), "utility": (157, 174),
    "reference": (175, 192), "sponsor": (193, 203), "account": (204, 238), "count": (239, 247),
}  # fmt: skip
ROW = {
    "name": (32, 71), "narration": (88, 107), "amount": (121, 133), "item": (134, 143), "flag": (154, 154),
    "reason": (155, 156), "bank": (157, 167), "account": (168, 202), "reference": (232, 261), "product": (262, 264),
    "umrn": (280, 299),
}  # fmt: skip
Fields = dict[str, str]


def sniff(head: bytes) -> bool:
    """Whether it begins with a header of this width."""
    first = plain_head(head).splitlines()[:1]
    return bool(first) and first[0].startswith(HEADER.encode()) and 247 <= len(first[0]) <= WIDTH and (
        first[0][112:125].strip().isdigit() and first[0][125:133].strip().isdigit()
    )  # fmt: skip


def read(source: Source) -> Pieces:
    """One statement. Raises FileRefused without a header, or for a row that is no debit."""
    lines = (
        (number, line) for number, line in enumerate(decoded_lines(source, USUAL), start=1) if line.strip(" \x1a\0")
    )
    number, line = next(lines, (1, ""))
    if not line.startswith(HEADER):
        raise FileRefused(_("The file does not begin with a header of kind 56."), code="no_header")
    head = _cut(line, HEAD)
    settled = head["settled_on"]
    day = make_day(int(settled[4:]), int(settled[2:4]), int(settled[:2])) if _is_day(settled) else None
    statement = Statement(
        account=head["account"] or None, currency="INR", kind=Kind.RETURNS, number=head["reference"] or head["file"],
        first_on=day, last_on=day, extra={"utility": head["utility"], "sponsor": head["sponsor"]},
    )  # fmt: skip
    complaints = Complaints(statement)
    yield statement
    count, total = 0, Decimal(0)
    for number, line in lines:
        if not line.startswith(DETAIL) or not 156 <= len(line.rstrip()) <= WIDTH:
            raise FileRefused(
                _("Line {line} is no debit of kind 67 in {width} columns."), code="misfit", line=number, width=WIDTH
            )
        count += 1
        fields = _cut(line, ROW)
        amount = read_minor(fields["amount"])
        total += amount or 0
        yield _entry(fields, amount, count, f"line {number}", statement, complaints)
    _check(head, count, total, complaints)
    complaints.close()


def _entry(
    fields: Fields, amount: Decimal | None, ordinal: int, place: str, statement: Statement, complaints: Complaints
) -> Entry:
    flag, reason = fields["flag"], fields["reason"]
    if amount is None:
        complaints.flag(
            "amount_unreadable", _("The amount “{written}” cannot be read."), place, written=fields["amount"]
        )
    if flag not in (PAID, UNPAID):
        complaints.flag("unknown_flag", _("The flag “{flag}” says nothing of whether it was paid."), place, flag=flag)
    if len(fields["umrn"]) != 20:
        complaints.note("no_mandate", _("“{number}” is no mandate's number."), place, number=fields["umrn"])
    is_paid = flag == PAID
    return Entry(
        ordinal, place, amount if is_paid or amount is None else Decimal(0), booked_on=statement.first_on,
        state=EntryState.BOOKED if flag in (PAID, UNPAID) else EntryState.INFO, code=fields["product"],
        bank_reference=fields["item"], end_to_end_id=fields["reference"], party_name=fields["name"],
        party_account=" ".join(part for part in (fields["bank"], fields["account"]) if part),
        text=fields["narration"], mandate=fields["umrn"], return_code="" if is_paid else reason or "?",
        original_amount=None if is_paid else amount,
    )  # fmt: skip


def _check(head: Fields, count: int, total: Decimal, complaints: Complaints) -> None:
    stated_count, stated_total = read_minor(head["count"], 0), read_minor(head["total"])
    complaints.statement.controls = {"count": head["count"], "total": head["total"]}
    complaints.statement.says_empty = stated_count == 0 and not count
    if stated_count != count:
        complaints.flag("count", _("The header states {stated} debits; there are {counted}."),
                        stated=stated_count, counted=count)  # fmt: skip
    if stated_total != total:
        complaints.flag("total", _("The header states {stated}; the debits come to {counted}."),
                        stated=stated_total, counted=total)  # fmt: skip


def _cut(line: str, columns: dict[str, tuple[int, int]]) -> Fields:
    return {name: line[first - 1 : last].strip() for name, (first, last) in columns.items()}


def _is_day(text: str) -> bool:
    return len(text) == 8 and text.isdecimal()
