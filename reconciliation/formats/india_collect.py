"""Collections of an Indian bank as CSV: who paid to which virtual account (e-collect MIS), or by UPI.

There is no standard: the header is looked for and its names are known by their aliases. A total row at the end is
checked. Where fees were taken, the amount is what arrived, and the gross stands beside it.
"""

import csv
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, FileRefused, Kind, Pieces, Statement
from reconciliation.formats.complaints import Complaints
from reconciliation.formats.decoding import decoded_lines, plain_head
from reconciliation.formats.india_fields import (
    EXCEL,
    NOT_PAID,
    PAID,
    REFERENCES,
    TAKEN_BACK,
    find_columns,
    read_indian_day,
    read_rupees,
    read_time,
)
from reconciliation.formats.source import Source

SEPARATORS = (",", "\t", "|", ";", "~", "^")
PREAMBLE = 40  # lines before the header
USUAL = ("cp1252",)
TOTALS = ("total", "grand total", "sum")
Fields = dict[str, str]


def sniff(head: bytes) -> bool:
    """Whether one of its first lines is a header that is known."""
    text = plain_head(head).decode("utf-8", "replace")
    return any(_separator(line) for line in text.splitlines()[:PREAMBLE])


def read(source: Source) -> Pieces:
    """One statement. Raises FileRefused without a header, or where Excel has eaten digits of a reference."""
    statement = Statement(currency="INR", kind=Kind.PAYMENTS)
    complaints = Complaints(statement)
    yield statement
    ordinal, total = 0, Decimal(0)
    for line, fields in _rows(source):
        place = f"line {line}"
        if _is_total(fields):
            _check_total(fields, total, complaints, place)
            continue
        ordinal += 1
        entry = _entry(fields, ordinal, place, line, complaints)
        total += read_rupees(fields.get("amount") or fields.get("net", "")) or 0
        if entry.booked_on:
            statement.first_on = min(statement.first_on or entry.booked_on, entry.booked_on)
            statement.last_on = max(statement.last_on or entry.booked_on, entry.booked_on)
        yield entry
    complaints.close()


def _rows(source: Source) -> Iterator[tuple[int, Fields]]:
    """Rows below the header, by our words. "" is the first cell of all, which names a total."""
    lines, separator = (f"{line}\n" for line in decoded_lines(source, USUAL)), ""
    count = 0
    columns: dict[str, int] = {}
    for line in lines:
        count += 1
        if separator := _separator(line):
            columns = find_columns(next(csv.reader([line], delimiter=separator)))
            break
        if count > PREAMBLE:
            break
    if not columns:
        raise FileRefused(_("No line names the columns of a collection file."), code="no_header")
    reader = csv.reader(lines, delimiter=separator)
    try:
        for row in reader:
            cells = [_clean(cell) for cell in row]
            if any(cell.strip("*-=_ ") for cell in cells):
                fields = {name: cells[at] for name, at in columns.items() if at < len(cells)}
                yield count + reader.line_num, {**fields, "": next(cell for cell in cells if cell)}
    except csv.Error:
        raise FileRefused(
            _("Line {line} cannot be cut into its columns."), code="misfit", line=count + reader.line_num
        ) from None


def _entry(fields: Fields, ordinal: int, place: str, line: int, complaints: Complaints) -> Entry:
    for name in REFERENCES:
        if EXCEL.fullmatch(fields.get(name, "")):
            raise FileRefused(
                _("Line {line}: a spreadsheet has turned {written} into a figure; its digits are lost."),
                code="digits_lost", line=line, written=fields[name],
            )  # fmt: skip
    gross, net = (_money(fields, name, place, complaints) for name in ("amount", "net"))
    arrived = net if net is not None else gross
    _check_fees(fields, gross, net, place, complaints)
    state, sign = _outcome(fields, place, complaints)
    day = read_indian_day(fields.get("at", "")) or read_indian_day(fields.get("settled_on", ""))
    if day is None:
        complaints.flag("day_unreadable", _("The day of booking “{written}” is none."), place,
                        written=fields.get("at", ""))  # fmt: skip
    if sign == 0 and arrived is not None:
        gross, arrived = gross or arrived, Decimal(0)
    is_other = gross is not None and gross != arrived
    return Entry(
        ordinal, place, arrived * (sign or 1) if arrived is not None else None, booked_on=day,
        value_on=read_indian_day(fields.get("settled_on", "")), state=state,
        code=fields.get("mode", "").upper(), bank_reference=fields.get("utr") or fields.get("rrn") or "",
        end_to_end_id=fields.get("order", ""), party_name=fields.get("name", ""),
        party_account=fields.get("account") or fields.get("vpa") or "", text=fields.get("note", ""),
        virtual_account=fields.get("virtual_account", ""), is_reversal=sign < 0,
        original_amount=gross if is_other else None, extra=_extra(fields),
    )  # fmt: skip


def _money(fields: Fields, name: str, place: str, complaints: Complaints) -> Decimal | None:
    written = fields.get(name, "")
    amount = read_rupees(written)
    if amount is None and (written or (name == "amount" and not fields.get("net"))):
        complaints.flag("amount_unreadable", _("The amount “{written}” cannot be read."), place, written=written)
    return amount


def _check_fees(fields: Fields, gross: Decimal | None, net: Decimal | None, place: str, complaints: Complaints) -> None:
    """What was taken must explain what is missing."""
    taken = [abs(amount) for name in ("fee", "tax") if (amount := read_rupees(fields.get(name, ""))) is not None]
    if gross is not None and net is not None and taken and gross - sum(taken) != net:
        complaints.flag(
            "net_differs", _("{gross} less {taken} is not {net}."), place, gross=gross, taken=sum(taken), net=net
        )


def _outcome(fields: Fields, place: str, complaints: Complaints) -> tuple[EntryState, int]:
    """The state, and 1 for money in, -1 for money taken back, 0 for what moved nothing."""
    status, way = fields.get("status", "").strip().lower(), fields.get("way", "").strip().lower()
    if status in NOT_PAID:
        complaints.note("not_paid", _("The bank marks the row “{status}”: nothing was paid."), place, status=status)
        return EntryState.INFO, 0
    if status not in PAID | TAKEN_BACK:
        complaints.flag("unknown_status", _("“{status}” says nothing of whether it was paid."), place, status=status)
        return EntryState.INFO, 1
    is_back = status in TAKEN_BACK or way in ("d", "dr", "debit")
    return EntryState.BOOKED, -1 if is_back else 1


def _is_total(fields: Fields) -> bool:
    return fields[""].strip(" :.").lower().startswith(TOTALS) and not (fields.get("utr") or fields.get("rrn"))


def _check_total(fields: Fields, total: Decimal, complaints: Complaints, place: str) -> None:
    stated = read_rupees(fields.get("amount") or fields.get("net") or "")
    if stated is not None and stated != total:
        complaints.flag("total", _("The total row states {stated}; the rows come to {counted}."), place,
                        stated=stated, counted=total)  # fmt: skip
    complaints.statement.controls["total"] = fields.get("amount", "")


def _extra(fields: Fields) -> dict[str, str]:
    found = {name: fields.get(name, "") for name in ("ifsc", "rrn", "fee", "tax", "payout", "status")}
    found["time"] = fields.get("time") or read_time(fields.get("at", ""))
    return {name: said for name, said in found.items() if said}


def _separator(line: str) -> str:
    """The sign that cuts the line into a header that is known; "" for none."""
    for separator in SEPARATORS:
        if line.count(separator) >= 2 and find_columns(next(csv.reader([line], delimiter=separator), [])):
            return separator
    return ""


def _clean(cell: str) -> str:
    """Without the guards that keep a spreadsheet from counting with a reference: 'x, ="x"."""
    text = cell.strip().removeprefix("\ufeff")
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()
