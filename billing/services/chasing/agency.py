"""What goes to a collection agency and what comes back: a numbered list, and a file of statuses (R134)."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from io import StringIO

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.inputs import clean_text, parse_day, safe_cell
from billing.models import CollectionCase, CollectionNote
from billing.models.dunning import CollectionState, NoteKind
from billing.money import ZERO, format_money, parse_signed_amount
from billing.office.models import Organization, User
from billing.transactions import transaction_required

HEAD = (
    "case_number", "agency", "agency_reference", "customer_code", "customer_name", "phone", "email", "address",
    "currency", "open_amount", "invoices", "oldest_due_on", "opened_on",
)  # fmt: skip
COLUMNS = ("case_number", "status", "status_on", "note", "amount_paid")
REQUIRED = COLUMNS[:3]
LARGEST_FILE = 2_000_000


class UnreadableStatuses(DomainError):
    code = "unreadable_file"
    sentence = _("This is no CSV in UTF-8 with the columns {columns}.")


def agency_list(organization: Organization, agency: str) -> str:
    """CSV of the cases an agency has, one a line in the order of their numbers; the same cases, the same list.

    Numbers are the cases' own, so that a list sent again names each case as before.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    rows = CollectionCase.objects.filter(organization=organization, state=CollectionState.AGENCY, agency=agency)
    for case in rows.select_related("customer").prefetch_related("invoices").order_by("number"):
        writer.writerow([safe_cell(cell) for cell in _cells(case)])
    return out.getvalue()


def _cells(case: CollectionCase) -> Sequence[str]:
    customer = case.customer
    owed = sorted((i for i in case.invoices.all() if i.open_amount), key=lambda i: (i.due_on, i.number))
    return (
        case.number, case.agency, case.agency_reference, customer.code, customer.name, customer.phone, customer.email,
        " ".join(customer.address.split()), case.currency, f"{sum((i.open_amount for i in owed), ZERO):.2f}",
        " ".join(i.number for i in owed), owed[0].due_on.isoformat() if owed else "", case.opened_on.isoformat(),
    )  # fmt: skip


@dataclass(frozen=True)
class BadStatus:
    """A line that could not be taken, and why."""

    line: int
    reason: str
    raw: str


@dataclass
class StatusReport:
    new: int = 0
    known: int = 0
    refused: list[BadStatus] = field(default_factory=list)


@dataclass(frozen=True)
class Status:
    """What an agency says of a case on a day. amount_paid: what it collected, to be booked when it arrives."""

    number: str
    status: str
    on: date
    note: str
    amount_paid: Decimal


@transaction_required
def import_statuses(*, organization: Organization, content: bytes, now: datetime, by: User | None) -> StatusReport:
    """Take an agency's statuses in: each becomes a note of its case, the newest its status there.

    Loaded again the same file adds nothing: a note is known by the file's hash and its line. Bad lines are told, the
    others are taken. Money is not booked by what an agency says; the collector reads it. Five queries, however many
    lines. Raises UnreadableStatuses.
    """
    rows = _read(content)
    mark = hashlib.sha256(content).hexdigest()[:32]
    cases = {
        case.number: case
        for case in CollectionCase.objects.select_for_update(no_key=True, of=("self",))
        .filter(organization=organization, number__in={row.get("case_number", "").strip() for _line, row in rows})
        .order_by("pk")
    }
    sources = [f"agency:{mark}:{line}" for line, _row in rows]
    known = set(
        CollectionNote.objects.filter(organization=organization, source__in=sources).values_list("source", flat=True)
    )
    report, notes, left = StatusReport(), list[CollectionNote](), _open_amounts(cases.values())
    for (line, row), source in zip(rows, sources, strict=True):
        if source in known:
            report.known += 1
            continue
        try:
            status = _status(row, cases)
        except DomainError as refusal:
            report.refused.append(BadStatus(line, str(refusal), ",".join(v or "" for v in row.values())[:200]))
            continue
        case = cases[status.number]
        case.agency_status = status.status
        notes.append(_note(status, case, left[case.pk], source, now, by))
    insert_rows(CollectionNote, notes)
    CollectionCase.objects.bulk_update({note.case for note in notes}, ["agency_status"])
    report.new = len(notes)
    return report


def _open_amounts(cases: Iterable[CollectionCase]) -> dict[int, Decimal]:
    rows = CollectionCase.objects.filter(pk__in=[case.pk for case in cases])
    return dict(rows.values_list("pk").annotate(left=Sum("invoices__open_amount", default=ZERO)))


def _read(content: bytes) -> list[tuple[int, dict[str, str]]]:
    columns = ", ".join(REQUIRED)
    if len(content) > LARGEST_FILE or b"\0" in content:
        raise UnreadableStatuses(columns=columns)
    try:
        reader = csv.DictReader(StringIO(content.decode("utf-8-sig")), strict=True)
        if not set(REQUIRED) <= set(reader.fieldnames or ()):
            raise UnreadableStatuses(columns=columns)
        return [
            (reader.line_num, {name: row.get(name) or "" for name in COLUMNS})
            for row in reader
            if any(str(value or "").strip() for value in row.values())
        ]
    except (UnicodeDecodeError, csv.Error) as trouble:
        raise UnreadableStatuses(columns=columns) from trouble


def _status(row: dict[str, str], cases: dict[str, CollectionCase]) -> Status:
    number = row["case_number"].strip()
    if number not in cases:
        raise BadInput(_("There is no collection case {number}."), field="case_number", number=number[:40])
    case = cases[number]
    paid = row["amount_paid"].strip()
    amount = parse_signed_amount(paid, case.currency, field="amount_paid") if paid else ZERO
    if amount < ZERO:
        raise BadInput(_("The amount must not be negative."), field="amount_paid", code="negative")
    return Status(
        number=number, status=clean_text(row["status"], field="status", longest=40, required=True),
        on=parse_day(row["status_on"], field="status_on"), note=clean_text(row["note"], field="note", longest=240),
        amount_paid=amount,
    )  # fmt: skip


def _note(
    status: Status, case: CollectionCase, left: Decimal, source: str, now: datetime, by: User | None
) -> CollectionNote:  # fmt: skip
    """Written in English, as all stored explanations are."""
    words = [f"{status.status} ({status.on.isoformat()})"]
    if status.amount_paid:
        paid = format_money(status.amount_paid, case.currency)
        words.append(f"{paid} collected; {format_money(left, case.currency)} is open here")
    words += [status.note] if status.note else []
    return CollectionNote(
        organization_id=case.organization_id, case=case, kind=NoteKind.STATUS, text=": ".join(words)[:400],
        source=source, made_at=now, made_by=by,
    )  # fmt: skip
