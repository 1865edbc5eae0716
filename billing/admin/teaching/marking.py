"""What a clerk marks on the screens of lessons: read, rehearsed to show what it would cost and why, then recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest
from billing.admin.working import Form
from billing.errors import DomainError, Refusals, Sentence
from billing.inputs import clean_text
from billing.models import Attendance, LessonCredit
from billing.models.installment import ChargeState
from billing.models.lesson import AttendanceSource, AttendanceStatus, LessonCreditKind
from billing.money import ZERO
from billing.rules.explaining import sentences
from billing.rules.lesson_settling import PaidBy
from billing.selectors.timetable import SeatRow
from billing.services.teaching.loading import read_hours
from billing.services.teaching.recording import Outcome, record_reports
from billing.services.teaching.reports import AttendanceReport
from billing.transactions import rehearse

# Keys of the keyboard, and what they mark.
KEYS = {
    AttendanceStatus.ATTENDED: "a", AttendanceStatus.NO_SHOW: "n", AttendanceStatus.STUDENT_CANCELLED: "c",
    AttendanceStatus.TEACHER_CANCELLED: "t",
}  # fmt: skip
PAID_BY: dict[str, Sentence] = {
    PaidBy.CHARGE: _("next bill"),
    PaidBy.PACKAGE: _("package"),
    PaidBy.CREDIT: _("make-up credit"),
    PaidBy.SCHEDULE: _("price of the period"),
    PaidBy.NONE: _("nothing to pay"),
}


@dataclass
class Mark:
    """A seat with what was typed about it, and what that would do."""

    row: SeatRow
    status: str = ""
    notice: str = ""
    reason: str = ""
    seen: str = ""
    outcome: Outcome | None = None
    trouble: str = ""
    gives: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"seat-{self.row.seat.pk}"

    @property
    def attendance(self) -> Attendance | None:
        return self.outcome.attendance if self.outcome is not None else None

    @property
    def added(self) -> Decimal:
        """What comes onto the bill, with tax."""
        told = self.attendance
        charge = told.charge if told is not None and self.outcome is not None and self.outcome.is_new else None
        return charge.net_amount + charge.tax_amount if charge is not None else ZERO

    @property
    def replaced(self) -> Decimal | None:
        """What is not billed yet and will not be."""
        charge = self.row.head.charge if self.row.head is not None else None
        unbilled = charge is not None and charge.state == ChargeState.UNBILLED
        return charge.net_amount + charge.tax_amount if charge is not None and unbilled else None

    @property
    def why(self) -> list[str]:
        told = self.attendance
        return sentences(told.charge.line["steps"] if told.charge else told.price, told.currency) if told else []

    @property
    def paid_by(self) -> Sentence:
        return PAID_BY[self.attendance.paid_by] if self.attendance is not None else ""

    def report(self) -> AttendanceReport:
        """Raises BadInput."""
        notice = self.notice.strip()
        return AttendanceReport(
            self.row.seat.pk, self.status, read_hours(notice) if notice else None,
            clean_text(self.reason, field="reason", longest=200), AttendanceSource.CONSOLE,
            seen=int(self.seen) if self.seen.isascii() and self.seen.isdigit() else 0,
        )  # fmt: skip


def read_marks(posted: Mapping[str, Any], rows: Iterable[SeatRow]) -> list[Mark]:
    """Every seat, with what was typed; those with a status are to be recorded."""
    return [
        Mark(
            row, str(posted.get(f"status-{row.seat.pk}", "")), str(posted.get(f"notice-{row.seat.pk}", "")),
            str(posted.get(f"reason-{row.seat.pk}", "")), str(posted.get(f"seen-{row.seat.pk}", "")),
        )
        for row in rows
    ]  # fmt: skip


def record(request: ConsoleRequest, marks: Sequence[Mark], now: datetime) -> list[Outcome]:
    """Record what is marked, all or none. Raises Refusals, each at its seat."""
    reports, troubles = [], []
    for mark in marks:
        try:
            reports.append(mark.report())
        except DomainError as refusal:
            troubles.append(_at(mark, refusal))
    if troubles:
        raise Refusals(troubles)
    done = record_reports(organization=request.organization, reports=reports, now=now, by=request.user)
    troubles = [_at(mark, one.refusal) for mark, one in zip(marks, done, strict=True) if one.refusal is not None]
    if troubles:
        raise Refusals(troubles)
    return done


def show_what_follows(request: ConsoleRequest, marks: Sequence[Mark], form: Form, now: datetime) -> bool:
    """Rehearse what is marked and put onto each mark what it would do; refusals go to the form."""
    try:
        rehearse(lambda: _rehearsed(request, marks, now))
    except DomainError as refusal:
        form.refuse(refusal)
    name_troubles(form, marks)
    return not form.errors


def name_troubles(form: Form, marks: Sequence[Mark]) -> None:
    """At the top of the page each refusal says whom it is about."""
    form.errors = [f"{m.row.seat.student.name}: {m.trouble}" for m in marks if m.trouble] or form.errors


def _rehearsed(request: ConsoleRequest, marks: Sequence[Mark], now: datetime) -> None:
    for mark, outcome in zip(marks, record(request, marks, now), strict=True):
        mark.outcome = outcome
        told = outcome.attendance
        if outcome.is_new and told is not None:
            mark.gives = [credit_words(credit) for credit in LessonCredit.objects.filter(attendance=told)]


def credit_words(credit: LessonCredit) -> str:
    """1 make-up lesson, 24 make-up minutes; money as its credit memo says."""
    if credit.kind == LessonCreditKind.MONEY:
        assert credit.credit_memo is not None
        return f"{credit.get_kind_display()} {credit.credit_memo.number}"
    return f"{credit.granted:.0f} × {credit.get_kind_display()}"


def _at(mark: Mark, refusal: DomainError) -> DomainError:
    mark.trouble = str(refusal)
    refusal.field = mark.name
    return refusal
