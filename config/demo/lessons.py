"""Lessons of the demo's school: a weekly timetable, told the day after; a few nobody told about yet."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.models import Agreement, Attendance, LessonSeat
from billing.models.agreement import RUNNING
from billing.models.lesson import AttendanceStatus
from billing.office.acting import acting
from billing.selectors.lesson_book import TEACHING
from billing.services.teaching.recording import record_attendance
from billing.services.teaching.reports import AttendanceReport
from billing.services.teaching.timetable import SeatOrder, put_seats

if TYPE_CHECKING:
    from config.demo.story import Story

TAUGHT_DAYS = 49  # the last days have lessons in the books
AHEAD = timedelta(days=7)
STATUSES = {
    AttendanceStatus.ATTENDED: 80, AttendanceStatus.NO_SHOW: 6, AttendanceStatus.STUDENT_CANCELLED: 9,
    AttendanceStatus.TEACHER_CANCELLED: 5,
}  # fmt: skip


def live_day(story: "Story") -> None:
    """Timetable the lessons of a week ahead, tell of yesterday's, correct one now and then."""
    left = (story.last_day - story.day).days
    if left > TAUGHT_DAYS:
        return
    _timetable(story)
    if left:
        _tell(story)
    if story.day.day in (11, 21):
        _correct(story)


def _timetable(story: "Story") -> None:
    """Each agreement has its weekday and hour; the choir meets together."""
    day = story.day + AHEAD
    rows = Agreement.objects.filter(
        organization=story.organization, kind__in=TEACHING, state__in=RUNNING, student__isnull=False
    ).select_related("student", "plan", "provider")
    orders = []
    for row in rows.order_by("pk"):
        group = row.plan.is_group
        if day.weekday() != (3 if group else row.pk % 5):
            continue
        hour = 16 if group else 14 + row.pk % 5
        order = SeatOrder(
            reference=f"{row.plan.code}-{day:%Y%m%d}" + ("" if group else f"-{row.pk}"),
            starts_at=datetime.combine(day, time(hour), story.organization.zone), is_group=group,
            minutes=row.plan.lesson_minutes or 30, title=row.plan.name, agreement_number=row.number,
            student_code=row.student.code if row.student else "",
            teacher_code=row.provider.code if row.provider else "",
        )  # fmt: skip
        orders.append(order)
    with acting(story.staff.school, "demo"):
        put_seats(organization=story.organization, orders=orders, now=story.now, by=story.staff.school)


def _tell(story: "Story") -> None:
    """Of what began before today; one seat in fifteen is forgotten."""
    midnight = datetime.combine(story.day, time(0), story.organization.zone)
    seats = LessonSeat.objects.filter(
        organization=story.organization, lesson__starts_at__lt=midnight,
        lesson__starts_at__gte=midnight - timedelta(days=1), agreement__state__in=RUNNING,
    )  # fmt: skip
    reports = []
    for seat in seats.order_by("pk"):
        status = story.random.choices(list(STATUSES), list(STATUSES.values()))[0]
        if story.random.random() < 1 / 15:
            continue
        notice = Decimal(story.random.choice((2, 20, 30, 50))) if status == AttendanceStatus.STUDENT_CANCELLED else None
        reports.append(AttendanceReport(seat_id=seat.pk, status=status, notice_hours=notice))
    with acting(story.staff.clerk, "demo"):
        record_attendance(organization=story.organization, reports=reports, now=story.now, by=story.staff.clerk)


def _correct(story: "Story") -> None:
    wrong = Attendance.objects.filter(
        organization=story.organization, status=AttendanceStatus.NO_SHOW, replaced_by=None, ordinal=1,
        seat__agreement__state__in=RUNNING,
    ).first()  # fmt: skip
    if wrong is None:
        return
    report = AttendanceReport(
        seat_id=wrong.seat_id, status=AttendanceStatus.ATTENDED, reason="The teacher had marked the wrong pupil"
    )
    with acting(story.staff.clerk, "demo"):
        record_attendance(organization=story.organization, reports=[report], now=story.now, by=story.staff.clerk)
