"""Attendance from a file: lessons, seats and what became of them, row by row (R85)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text, parse_instant
from billing.models import LessonSeat
from billing.models.lesson import AttendanceSource
from billing.office.models import Organization, User
from billing.rules.lesson_price import notice_given
from billing.services.loading import BadRow, FileRow, LoadReport, read_each, read_flag, refuse
from billing.services.teaching.recording import record_reports
from billing.services.teaching.reports import AttendanceReport
from billing.services.teaching.timetable import SeatOrder, put_seats
from billing.transactions import transaction_required

COLUMNS = (
    "lesson_reference", "starts_at", "minutes", "title", "teacher_code", "agreement_number", "student_code", "group",
    "status", "cancelled_at", "notice_hours", "correction_reason",
)  # fmt: skip
REQUIRED = ("lesson_reference", "starts_at", "minutes", "agreement_number", "student_code")


@dataclass(frozen=True)
class AttendanceFacts:
    """A seat as another system tells of it. status empty: only the timetable is told. reason: of a correction."""

    order: SeatOrder
    status: str
    notice_hours: Decimal | None
    reason: str

    def report(self, seat: LessonSeat, source: str, request_key: str = "") -> AttendanceReport:
        return AttendanceReport(seat.pk, self.status, self.notice_hours, self.reason, source, request_key)


@transaction_required
def load_attendance(
    *, organization: Organization, rows: Sequence[FileRow | BadRow], now: datetime, by: User | None
) -> LoadReport:
    """Take over the rows of a file: lessons and seats that are new, and attendance not told yet.

    A row loaded before adds nothing; one that tells something else without a reason is refused; with a reason it
    corrects, once. Writes what record_attendance writes.
    """
    report = LoadReport()
    taken = read_each(rows, lambda row: (row, _read(row, organization)), report)
    seats = put_seats(organization=organization, orders=[facts.order for _row, facts in taken], now=now, by=by)
    asked: list[tuple[FileRow, AttendanceReport]] = []
    for (row, facts), seat in zip(taken, seats, strict=True):
        if isinstance(seat, DomainError):
            report.refused.append(refuse(row, seat))
        elif not facts.status:
            report.known += 1
        else:
            asked.append((row, facts.report(seat, AttendanceSource.FILE, _key(row))))
    reports = [one for _row, one in asked]
    done = record_reports(organization=organization, reports=reports, now=now, by=by)
    for (row, _report), outcome in zip(asked, done, strict=True):
        if outcome.refusal is not None:
            report.refused.append(refuse(row, outcome.refusal))
        else:
            report.new += outcome.is_new
            report.known += not outcome.is_new
    return report


def _read(row: FileRow, organization: Organization) -> AttendanceFacts:
    starts_at = parse_instant(row.text("starts_at"), field="starts_at", zone=organization.zone)
    order = SeatOrder(
        reference=clean_text(row.text("lesson_reference"), field="lesson_reference", longest=60, required=True,
                             free=False),
        starts_at=starts_at, minutes=read_minutes(row.text("minutes")),
        title=clean_text(row.text("title"), field="title", longest=120), is_group=read_flag(
            row.text("group"), column="group"
        ),
        agreement_number=_code(row, "agreement_number"), student_code=_code(row, "student_code"),
        teacher_code=_code(row, "teacher_code", required=False),
    )  # fmt: skip
    return AttendanceFacts(
        order=order, status=row.text("status").casefold().replace(" ", "_").replace("-", "_"),
        notice_hours=read_notice(row.text("notice_hours"), row.text("cancelled_at"), starts_at, organization),
        reason=clean_text(row.text("correction_reason"), field="correction_reason", longest=200),
    )  # fmt: skip


def _code(row: FileRow, column: str, *, required: bool = True) -> str:
    return clean_text(row.text(column), field=column, longest=40, required=required, free=False)


def read_minutes(text: str) -> int:
    """Raises BadInput; how long a lesson may be is for the timetable to say."""
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise BadInput(_("Write the length in whole minutes."), field="minutes", code="not_minutes")
    return int(text)


def read_notice(hours: str, cancelled_at: str, starts_at: datetime, organization: Organization) -> Decimal | None:
    """From hours as written, or from the instant of the cancellation; not both. Raises BadInput."""
    if hours and cancelled_at:
        sentence = _("Give the hours of notice or when it was cancelled, not both.")
        raise BadInput(sentence, field="notice_hours", code="notice_twice")
    if cancelled_at:
        return notice_given(starts_at, parse_instant(cancelled_at, field="cancelled_at", zone=organization.zone))
    return read_hours(hours) if hours else None


def read_hours(text: str) -> Decimal:
    """Plain digits with at most two decimals. Raises BadInput."""
    try:
        value = Decimal(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None
    except InvalidOperation:
        value = None
    if value is None:
        raise BadInput(_("Write the notice in hours, for example 24 or 23.5."), field="notice_hours", code="not_hours")
    return value


def _key(row: FileRow) -> str:
    """One key for one content, so that a file loaded again undoes no later correction."""
    told = "\x1f".join(
        row.text(name)
        for name in ("lesson_reference", "agreement_number", "student_code", "status", "cancelled_at", "notice_hours",
                     "correction_reason")
    )  # fmt: skip
    return f"file:{hashlib.sha256(told.encode()).hexdigest()[:60]}"
