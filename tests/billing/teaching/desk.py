"""Lessons to tell about, and short ways to tell, correct and bill."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from billing.models import Agreement, AgreementKind, Attendance, Basis, Customer, Invoice, Lesson, LessonSeat
from billing.office.models import Organization
from billing.services.runs.carrying_out import bill_agreements
from billing.services.teaching.recording import record_attendance
from billing.services.teaching.reports import AttendanceReport
from tests import agreements
from tests.builders import NOW

_serial = count(1)
# A lesson of the day before the tests' now, 12 March 2026 11:00 in New York.
YESTERDAY = datetime(2026, 3, 11, 20, 0, tzinfo=UTC)
# When March is over and billed.
LATER = datetime(2026, 4, 2, 15, 0, tzinfo=UTC)


def seat(
    of: Agreement, starts_at: datetime = YESTERDAY, *, minutes: int = 30, is_group: bool = False,
    lesson: Lesson | None = None, **details: Any,
) -> LessonSeat:  # fmt: skip
    org = of.organization
    lesson = lesson or Lesson.objects.create(
        organization=org, reference=f"L{next(_serial)}", title="Piano", starts_at=starts_at, minutes=minutes,
        is_group=is_group, made_at=NOW, **details,
    )  # fmt: skip
    assert of.student is not None
    return LessonSeat.objects.create(organization=org, lesson=lesson, agreement=of, student=of.student)


def report(of: LessonSeat, status: str, notice: str | None = None, **details: Any) -> AttendanceReport:
    return AttendanceReport(of.pk, status, None if notice is None else Decimal(notice), **details)


def tell(of: LessonSeat, status: str, notice: str | None = None, *, now: datetime = NOW, **details: Any) -> Attendance:
    with transaction.atomic():
        told = record_attendance(
            organization=of.organization, reports=[report(of, status, notice, **details)], now=now, by=None
        )
    return told[0]


def correct(of: LessonSeat, status: str, notice: str | None = None, **details: Any) -> Attendance:
    details.setdefault("now", LATER)
    return tell(of, status, notice, reason="the teacher mixed up two names", **details)


def package(payer: Customer, price: str = "350.00", size: int = 10, **details: Any) -> Agreement:
    plan = agreements.plan(payer.organization, price, kind=AgreementKind.PACKAGE, package_size=size)
    details.setdefault("student", agreements.student(payer))
    return agreements.agreement(payer, plan, **details)


def period(payer: Customer, price: str = "160.00", lessons: int = 4, **details: Any) -> Agreement:
    """Lessons paid for by the month, with March 2026 in the schedule."""
    plan = agreements.plan(
        payer.organization, price, kind=AgreementKind.LESSONS, basis=Basis.SCHEDULE, lessons_per_period=lessons,
        lesson_minutes=30,
    )  # fmt: skip
    details.setdefault("student", agreements.student(payer))
    made = agreements.agreement(payer, plan, **details)
    agreements.installment(
        made, price, due_on=date(2026, 3, 1), period_end=date(2026, 3, 31), bill_on=date(2026, 2, 20)
    )
    return made


def bill(of: Agreement, *, now: datetime = LATER) -> list[Invoice]:
    """Bill what the agreement has to bill by then, as a run does."""
    org = of.organization
    with transaction.atomic():
        return bill_agreements(organization=org, agreement_ids=[of.pk], on=org.today(now), now=now, by=None)


def at(org: Organization, local: str) -> datetime:
    """An instant by the clock where the organization is: "2026-03-31T23:30"."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(org.time_zone))
