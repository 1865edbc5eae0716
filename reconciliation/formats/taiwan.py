"""Collections to virtual accounts in Taiwan, as Taishin writes them: 125 bytes a row, or the older slashed rows.

Each row is one payment. The amount stands at the left of its field with one implied decimal. The account number's
last digit covers the rest of it and the amount, so a row misread by one place shows. There is no trailer: nothing in
the file says how many rows it should have. Bank files of others lay the same things out differently.
"""

import re
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, FileRefused, Kind, Pieces, Statement
from reconciliation.formats.complaints import Complaints
from reconciliation.formats.figures import read_minor, read_roc_day
from reconciliation.formats.source import Source
from reconciliation.formats.taiwan_text import LOST, Row, is_rare, read_rows

WIDTH = 125
NEW = re.compile(rb"\d{18}\d{8}\d{6}[A-Z ]\d{6}[A-Z]{3} \d[\d ]{11}[+-][CD]\d{11}", re.A)
OLD = re.compile(
    rb"(\d{1,11})\s+(\d{2,4}/\d{1,2}/\d{1,2})\s+(\d{15})\s+(\d{11,16})\s+(\S{2,4})\s+([+-])(?:\s+(\d{3})\s*)?$", re.A
)
DONE, ACCEPTED = "S", "0000"
SIGNS = {("C", "+"): 1, ("D", "+"): -1, ("C", "-"): -1, ("D", "-"): 1}  # "-": the row takes an earlier one back
COMPANY_NUMBER = re.compile(r"\d{8}", re.A)
LENGTH = 14


def sniff(head: bytes, name: str) -> bool:
    """Whether its first row that says something is one of either layout."""
    lines = [line for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    return bool(lines) and bool(NEW.match(lines[0]) or OLD.match(lines[0].strip()))


def read(source: Source) -> Pieces:
    """A statement for each account, as the rows come. Raises FileRefused for a row that is in neither layout."""
    statement: Statement | None = None
    complaints = Complaints(Statement())
    for ordinal, row in enumerate(read_rows(source), start=1):
        old = OLD.match(row.raw.strip())
        account = None if old else row.digits(5, 18)
        if statement is None or statement.account != account:
            complaints.close()
            statement = Statement(account=account, currency="TWD", kind=Kind.PAYMENTS)
            complaints = Complaints(statement)
            yield statement
        yield _old(old, row, ordinal, complaints) if old else _new(row, ordinal, complaints)
    if statement is None:
        raise FileRefused(_("The file has no lines."), code="empty_file")
    complaints.close()


def check_digit(account: str, amount: int) -> int:
    """The last of 14 digits, from the 13 before it and the amount in whole dollars.

    Three times the odd places, the even ones, and digits of the amount from both ends by weights; what is missing to
    the next ten. Source: bank notes, "virtual account"; fits every row of the public sample.
    """
    places = [int(digit) for digit in account[:13]]
    cents = [int(digit) for digit in reversed(f"{amount:07}")]
    weighted = sum((cents[i] + cents[6 - i]) * (5 - i) for i in range(3)) + cents[3] * 2
    return -(3 * sum(places[::2]) + sum(places[1::2]) + weighted) % 10


def _new(row: Row, ordinal: int, complaints: Complaints) -> Entry:
    if len(row.raw) != WIDTH or not NEW.match(row.raw):
        raise _misfit(row)
    written = row.digits(44, 55)
    amount, sign = read_minor(written, 1), SIGNS[row.digits(57, 57), row.digits(56, 56)]
    number, note = _virtual_account(row.digits(58, 73)), row.text(87, 106)
    booked_on = read_roc_day(row.digits(19, 26))
    _check_state(row, complaints)
    if booked_on is None:
        complaints.flag("day_unreadable", _("The day of booking “{written}” is none."), row.place,
                        written=row.digits(19, 26))  # fmt: skip
    if amount is None:
        complaints.flag("amount_unreadable", _("The amount “{written}” cannot be read."), row.place, written=written)
    elif not number.isdecimal():
        complaints.flag("account_unreadable", _("“{number}” is no virtual account."), row.place, number=number)
    elif len(number) == LENGTH and not _fits(number, amount):
        complaints.flag(
            "check_digit", _("The last digit of account {number} does not fit the amount {amount}."), row.place,
            number=number, amount=amount,
        )  # fmt: skip
    if LOST in note:
        complaints.note("letters_lost", _("Some letters could not be read."), row.place)
    elif is_rare(note):
        complaints.note("letters_rare", _("Some letters are not in CP950; the bank may mean others."), row.place)
    return Entry(
        ordinal, row.place, amount * sign if amount is not None else None, booked_on=booked_on,
        state=EntryState.BOOKED if row.digits(125, 125) == DONE else EntryState.INFO,
        code=row.digits(40, 43), bank_reference=row.digits(27, 32), customer_reference=_company(row.text(74, 83)),
        text=note, virtual_account=number, is_reversal=row.digits(56, 56) == "-", extra=_extra(row),
    )  # fmt: skip


def _old(found: re.Match[bytes], row: Row, ordinal: int, complaints: Complaints) -> Entry:
    """Whole dollars; the account number mostly comes without its check digit."""
    number, day, written, account, channel, sign, bank = (
        (part or b"").decode("ascii", "replace") for part in found.groups()
    )
    booked_on, amount = read_roc_day(day), Decimal(written)
    if booked_on is None:
        complaints.flag("day_unreadable", _("The day of booking “{written}” is none."), row.place, written=day)
    if len(account) == LENGTH and not _fits(account, amount):
        complaints.flag(
            "check_digit", _("The last digit of account {number} does not fit the amount {amount}."), row.place,
            number=account, amount=amount,
        )  # fmt: skip
    return Entry(
        ordinal, row.place, -amount if sign == "-" else amount, booked_on=booked_on, code=channel,
        bank_reference=number, virtual_account=account, is_reversal=sign == "-",
        extra={"payer_bank": bank} if bank else {},
    )  # fmt: skip


def _misfit(row: Row) -> FileRefused:
    return FileRefused(
        _("Line {line} has {length} bytes and does not lie in the columns of a collection file ({width} bytes)."),
        code="misfit", line=row.line, length=len(row.raw), width=WIDTH,
    )  # fmt: skip


def _check_state(row: Row, complaints: Complaints) -> None:
    response, state = row.digits(1, 4), row.digits(125, 125)
    if response != ACCEPTED or state != DONE:
        complaints.flag(
            "not_done", _("The bank marks the row with {response} and “{state}”: it may not have been paid."),
            row.place, response=response, state=state,
        )  # fmt: skip


def _virtual_account(written: str) -> str:
    """Sixteen places hold fourteen digits and two zeros, or an account of sixteen digits."""
    return written[:LENGTH] if len(written) == LENGTH + 2 and written.endswith("00") else written


def _fits(number: str, amount: Decimal) -> bool:
    return amount == amount.to_integral_value() and check_digit(number, int(amount)) == int(number[-1])


def _company(written: str) -> str:
    """A company's number may be kept; a person's may not."""
    return written if COMPANY_NUMBER.fullmatch(written) else ""


def _extra(row: Row) -> dict[str, str]:
    found = {"time": row.digits(34, 39), "payer_bank": row.digits(84, 86), "trace": row.digits(107, 124)}
    return {key: said for key, said in found.items() if said}
