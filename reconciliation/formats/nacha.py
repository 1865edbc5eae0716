"""NACHA files: returns of debits, notices of change, and entries with their remittance.

Signs are those of the receivers' accounts: credits positive, as their control records count them; the return of our
debit (26, 36) is money that leaves us again. Amounts of prenotes and notices are 0, with a sign as well. An entry is
booked on its day of settlement where the file has one, a return otherwise on the day of its file, anything else on its
effective day.
"""

import re
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats import nacha_codes as codes
from reconciliation.formats.base import Detail, Document, Entry, Pieces
from reconciliation.formats.decoding import plain_head
from reconciliation.formats.figures import make_day, read_minor, read_short_day
from reconciliation.formats.nacha_checks import CHANGE, RETURN, Section, amount_columns, begin
from reconciliation.formats.nacha_records import USUAL, Record, looks_right, read_records
from reconciliation.formats.source import Source

ADV_KIND, IAT_KIND, MANY = "ADV", "IAT", ("CTX", "ATX", "ENR", "TRX")  # MANY: so many addenda, a shorter name
SECRET = ("DNE", "ENR")  # their addenda name people with their social security numbers
REVERSAL = "REVERSAL"
INVOICES = frozenset({"IV", "IK", "OI"})
# Banks choose the sign between elements: a star, a bar. Segments end with a backslash or a tilde.
SEGMENT = re.compile(r"(?:^|[\\~])\s*RMR([^\w\s\\~])([^\\~]*)")
NUMBER = re.compile(r"(?=\S*\d)\S{1,40}")


def sniff(head: bytes, name: str) -> bool:
    """Whether it begins with a file header or, in a piece of a file, with a batch header."""
    return looks_right(plain_head(head))


def read(source: Source) -> Pieces:
    """A statement for each file in it, complete once its entries were read. Raises FileRefused."""
    section: Section | None = None
    batch: Record | None = None
    group: list[Record] = []  # an entry with its addenda
    file = ordinal = 0
    source.encodings = source.encodings or (USUAL,)
    encoding = source.encoding()
    for record in read_records(source, encoding):
        if group and record.kind != "7":
            ordinal += 1
            yield make_entry(section, batch, group, ordinal)
            group = []
        if section is None or record.file != file:
            if section:
                section.end()
            section, file = begin(), record.file
            if encoding == USUAL:
                section.complaints.note(
                    "encoding_assumed", _("Letters beyond ASCII were read as {name}."), name=encoding
                )
            yield section.statement
        section.take(record)
        if record.kind == "5":
            batch = record
        elif record.kind == "6":
            batch, group = batch if record.in_batch else None, [record]
        elif record.kind == "7" and group:
            group.append(record)
    if group:
        yield make_entry(section, batch, group, ordinal + 1)
    if section:
        section.end()


def make_entry(section: Section | None, batch: Record | None, group: list[Record], ordinal: int) -> Entry:
    """One entry and what its addenda say of it."""
    assert section is not None
    record, *addenda = group
    sec = _kind(batch) if batch else ""
    details = tuple(_told(one, sec) for one in addenda if one.at(2, 3) in (RETURN, CHANGE))
    code, amount = record.at(2, 3), _amount(section, record)
    text = "" if sec in SECRET else "".join(one.text[3:83].rstrip() for one in addenda if one.at(2, 3) == "05")
    told = details[-1] if details else Detail()
    effective = read_short_day(batch.at(70, 75)) if batch else None
    entry = Entry(
        ordinal, record.place, amount,
        booked_on=_settled(section, batch, effective, is_return=bool(details)),
        code=code, bank_reference=record.at(80, 94), customer_reference=_reference(record, sec),
        party_name=_name(record, addenda, sec), party_account=_account(record, sec),
        text=text, documents=documents(text),
        is_reversal=batch is not None and batch.at(54, 63).upper() == REVERSAL,
        return_code=told.return_code, original_reference=told.original_reference,
        original_amount=abs(amount) if details and amount else None, details=details,
    )  # fmt: skip
    entry.extra = _extra(batch, sec, code, effective, details)
    return entry


def _kind(batch: Record) -> str:
    """The entry class. Notices and returns of international entries have their columns, whatever they are called."""
    return IAT_KIND if batch.at(5, 20) == "IATCOR" else batch.at(51, 53)


def documents(text: str) -> tuple[Document, ...]:
    """Invoices of an EDI 820 remittance: RMR*IV*number**paid*invoiced*discount."""
    found = []
    for separator, segment in SEGMENT.findall(text):
        kind, number, _action, paid, _invoiced, discount = (segment.split(separator) + [""] * 6)[:6]
        if kind in INVOICES and NUMBER.fullmatch(number.strip()):
            found.append(Document(number.strip(), _decimal(paid), _decimal(discount)))
    return tuple(found)


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"-?\d{1,15}(\.\d{1,4})?", text.strip(), re.A) else None


def _amount(section: Section, record: Record) -> Decimal | None:
    first, last = amount_columns(section)
    amount, direction = read_minor(record.at(first, last)), codes.direction_of(record.at(2, 3))
    if amount is None or direction is None:
        return None
    return amount * direction


def _told(record: Record, sec: str) -> Detail:
    """What a return or a notice says. A corrected account number is kept where account numbers are."""
    code, original, info = record.at(4, 6), record.at(7, 21), record.at(46 if sec == IAT_KIND else 36, 79)
    if record.at(2, 3) == CHANGE:
        corrected = record.at(36, 64)
        is_account = codes.corrects_account(code)
        return Detail(
            bank_reference=record.at(80, 94), return_code=code, original_reference=original,
            party_account=corrected if is_account else "", text="" if is_account else corrected,
        )  # fmt: skip
    references: tuple[str, ...] = ()
    if code in codes.DISHONOURED:
        references, info = (record.at(39, 53),), record.at(59, 79)
    elif code in codes.CONTESTED:
        references, info = (record.at(39, 53), record.at(59, 73)), ""
    return Detail(
        bank_reference=record.at(80, 94),
        return_code=code,
        original_reference=original,
        references=references,
        text=info,
    )


def _settled(section: Section, batch: Record | None, effective: date | None, *, is_return: bool) -> date | None:
    """The day of settlement is a day of the year; the year is that of the file's day, or the nearest."""
    created = section.statement.first_on
    near = created or effective
    julian = batch.at(76, 78) if batch else ""
    if near and julian.isdecimal() and 1 <= int(julian) <= 366:
        days = [make_day(year, 1, 1) for year in (near.year - 1, near.year, near.year + 1)]
        settled = [day + timedelta(days=int(julian) - 1) for day in days if day]
        return min(settled, key=lambda day: abs((day - near).days))
    return (created or effective) if is_return else (effective or created)


def _reference(record: Record, sec: str) -> str:
    return "" if sec in (IAT_KIND, ADV_KIND, *SECRET) else record.at(40, 54)


def _name(record: Record, addenda: list[Record], sec: str) -> str:
    if sec == IAT_KIND:
        return next((one.at(47, 81) for one in addenda if one.at(2, 3) == "10"), "")
    return record.at(59, 74) if sec in MANY else record.at(55, 76)


def _account(record: Record, sec: str) -> str:
    """With the routing number before it: neither says much without the other."""
    number = record.at(40, 74) if sec == IAT_KIND else record.at(13, 27) if sec == ADV_KIND else record.at(13, 29)
    return f"{record.at(4, 12)} {number}" if number else ""


def _extra(
    batch: Record | None, sec: str, code: str, effective: date | None, details: tuple[Detail, ...]
) -> dict[str, str]:
    extra = {"kind": sec}
    if batch:
        extra |= {"company_id": batch.at(41, 50), "description": batch.at(54, 63), "batch": batch.at(88, 94)}
        extra["company"] = "" if sec == IAT_KIND else batch.at(5, 20)
    extra["effective_on"] = effective.isoformat() if effective else ""
    extra["prenote"] = "yes" if code in codes.PRENOTES else ""
    extra["codes"] = " ".join(told.return_code for told in details)
    extra["meaning"] = codes.meaning_of(details[-1].return_code) if details else ""
    return {key: said for key, said in extra.items() if said}
