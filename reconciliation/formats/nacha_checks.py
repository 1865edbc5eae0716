"""What a NACHA file's records add up to, and whether that is what its control records state.

Entry hash, totals and counts of each batch and of the file, check digits of routing numbers, codes in no list.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reconciliation.formats import nacha_codes as codes
from reconciliation.formats.base import Kind, Statement
from reconciliation.formats.complaints import Complaints
from reconciliation.formats.figures import plain, read_short_day
from reconciliation.formats.nacha_records import WIDTH, Record

ADV = "280"  # a bank's advice of its totals, in a layout of its own
HASH = 10**10
WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7)
RETURN, CHANGE = "99", "98"
LAYOUTS = {"8": (5, 10, 11, 20, 21, 32, 33, 44), "9": (14, 21, 22, 31, 32, 43, 44, 55)}
ADV_LAYOUTS = {"8": (5, 10, 11, 20, 21, 40, 41, 60), "9": (14, 21, 22, 31, 32, 51, 52, 71)}


@dataclass
class Sums:
    """Entries with addenda, the hash of their routing numbers, cents by direction."""

    count: int = 0
    hash: int = 0
    debits: int = 0
    credits: int = 0

    def add(self, other: "Sums") -> None:
        self.count += other.count
        self.hash += other.hash
        self.debits += other.debits
        self.credits += other.credits

    def figures(self) -> tuple[int, int, int, int]:
        return self.count, self.hash % HASH, self.debits, self.credits


@dataclass
class Section:
    """One file of those in the source, record by record: its statement, and what was counted so far."""

    statement: Statement
    complaints: Complaints
    sums: Sums = field(default_factory=Sums)
    batch: Sums = field(default_factory=Sums)
    is_open: bool = False
    batch_number: str = ""
    has_header: bool = False
    has_control: bool = False
    is_advice: bool = False

    def take(self, record: Record) -> None:
        STEPS[record.kind](self, record)

    def end(self) -> None:
        """Say what is missing, and complete the statement."""
        _close_batch(self, "")
        if not self.has_header:
            self.complaints.flag("no_header", _("The file has no header: it is a piece of one."))
        if not self.has_control:
            self.complaints.flag("no_control", _("The file ends without its control record: something may be missing."))
        self.complaints.close()


def begin() -> Section:
    """Of PAYMENTS until a return or a notice shows it to be of RETURNS."""
    statement = Statement(currency="USD", kind=Kind.PAYMENTS)
    statement.extra = {
        "returns": 0, "notifications_of_change": 0, "codes": [], "addenda": 0, "batches": 0,
        "file_control": None,
    }  # fmt: skip
    return Section(statement, Complaints(statement))


def is_routing_number(digits: str) -> bool:
    """Nine digits whose last is the check digit, weights 3, 7, 1."""
    if len(digits) != 9 or not digits.isdecimal():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=False))
    return (total + int(digits[8])) % 10 == 0


def amount_columns(section: Section) -> tuple[int, int]:
    return (28, 39) if section.is_advice else (30, 39)


def _header(section: Section, record: Record) -> None:
    statement = section.statement
    section.has_header = True
    statement.first_on = statement.last_on = read_short_day(record.at(24, 29))
    statement.number = f"{record.at(24, 33)}{record.at(34, 34)}"
    statement.extra |= {
        "from": record.at(14, 23), "to": record.at(4, 13), "from_name": record.at(64, 86), "to_name": record.at(41, 63),
    }  # fmt: skip


def _batch(section: Section, record: Record) -> None:
    _close_batch(section, record.place)
    section.is_advice = record.at(2, 4) == ADV
    section.batch = Sums()
    section.is_open, section.batch_number = True, record.at(88, 94)
    section.statement.extra["batches"] += 1


def _entry(section: Section, record: Record) -> None:
    if not record.in_batch:
        section.complaints.flag("no_batch", _("An entry stands outside of any batch."), record.place)
        section.batch = Sums()
        section.is_open, section.batch_number = True, ""
        section.statement.extra["batches"] += 1
    if record.length < WIDTH:
        section.complaints.note("short_record", _("The record is shorter than it should be."), record.place)
    code, routing, (first, last) = record.at(2, 3), record.at(4, 12), amount_columns(section)
    direction, written = codes.direction_of(code), record.at(first, last)
    if direction is None:
        section.complaints.flag(
            "unknown_kind", _("Transaction code {written} is in no list: nobody knows which way the money goes."),
            record.place, written=code,
        )  # fmt: skip
    if not written.isdecimal():
        section.complaints.flag(
            "amount_unreadable", _("The amount “{written}” cannot be read."), record.place, written=written
        )
    if not is_routing_number(routing):
        section.complaints.flag(
            "routing_number", _("Routing number {number} has a wrong check digit."), record.place, number=routing
        )
    _add(section, direction, int(written) if written.isdecimal() else 0, routing[:8])


def _add(section: Section, direction: int | None, cents: int, bank: str) -> None:
    batch = section.batch
    batch.count += 1
    batch.hash += int(bank) if bank.isdecimal() else 0
    batch.credits += cents if direction == codes.CREDIT else 0
    batch.debits += cents if direction == codes.DEBIT else 0


def _addenda(section: Section, record: Record) -> None:
    extra = section.statement.extra
    extra["addenda"] += 1
    section.batch.count += 1
    kind, code = record.at(2, 3), record.at(4, 6)
    if not section.is_open:
        section.complaints.flag("no_batch", _("An addendum stands outside of any batch."), record.place)
    if kind not in (RETURN, CHANGE):
        return
    extra["returns" if kind == RETURN else "notifications_of_change"] += 1
    extra["codes"].append(code)
    section.statement.kind = Kind.RETURNS
    if not codes.is_known(code):
        section.complaints.flag(
            "unknown_code", _("{written} is in no list of return or change codes: a person decides."), record.place,
            written=code,
        )  # fmt: skip


def _batch_control(section: Section, record: Record) -> None:
    if not section.is_open:
        section.complaints.flag("control_alone", _("A batch ends that did not begin."), record.place)
        return
    stated, counted = _stated(section, record), section.batch
    _compare(section, stated, counted.figures(), record.place, _("batch"))
    if section.batch_number and record.at(88, 94) != section.batch_number:
        section.complaints.flag(
            "batch_number", _("Batch {begun} ends as batch {ended}."), record.place, begun=section.batch_number,
            ended=record.at(88, 94),
        )  # fmt: skip
    _count_batch(section)


def _control(section: Section, record: Record) -> None:
    _close_batch(section, record.place)
    section.has_control = True
    stated, extra = _stated(section, record), section.statement.extra
    count, entry_hash, debits, credits = stated
    batches = int(record.at(2, 7)) if record.at(2, 7).isdecimal() else 0
    extra["file_control"] = {
        "batches": batches, "entry_addenda": count, "hash": f"{entry_hash:010}",
        "debits": plain(Decimal(debits).scaleb(-2)), "credits": plain(Decimal(credits).scaleb(-2)),
    }  # fmt: skip
    section.statement.controls = {key: str(value) for key, value in extra["file_control"].items()}
    _compare(section, stated, section.sums.figures(), record.place, _("file"))
    if batches != extra["batches"]:
        section.complaints.flag(
            "count", _("The file states {stated} batches and has {counted}."), record.place, stated=batches,
            counted=extra["batches"],
        )  # fmt: skip
    section.statement.says_empty = not batches and not count and not section.sums.count


def _stated(section: Section, record: Record) -> tuple[int, int, int, int]:
    """Count, hash, debits and credits of a control record; what is not there is 0."""
    columns = (ADV_LAYOUTS if section.is_advice else LAYOUTS)[record.kind]
    texts = [record.at(columns[i], columns[i + 1]) for i in (0, 2, 4, 6)]
    count, entry_hash, debits, credits = (int(text) if text.isdecimal() else 0 for text in texts)
    return count, entry_hash, debits, credits


def _compare(section: Section, stated: tuple[int, ...], counted: tuple[int, ...], place: str, of: object) -> None:
    sentences = (
        ("count", _("The {of} states {stated} entries and addenda and has {counted}.")),
        ("entry_hash", _("The {of} states the entry hash {stated}; its routing numbers add up to {counted}.")),
        ("debit_total", _("The {of} states debits of {stated} cents; its entries come to {counted}.")),
        ("credit_total", _("The {of} states credits of {stated} cents; its entries come to {counted}.")),
    )
    for (code, sentence), one, other in zip(sentences, stated, counted, strict=True):
        if one != other:
            section.complaints.flag(code, sentence, place, of=of, stated=one, counted=other)


def _close_batch(section: Section, place: str) -> None:
    """A batch that ended without its control record."""
    if section.is_open:
        section.complaints.flag("no_batch_control", _("A batch ends without its control record."), place)
        _count_batch(section)


def _count_batch(section: Section) -> None:
    section.sums.add(section.batch)
    section.batch, section.is_open = Sums(), False


STEPS = {"1": _header, "5": _batch, "6": _entry, "7": _addenda, "8": _batch_control, "9": _control}
