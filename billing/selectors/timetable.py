"""Lessons of some days with who sits in them and what was told last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from billing.models import Attendance, Lesson, LessonSeat
from billing.office.models import Organization


@dataclass(frozen=True)
class SeatRow:
    """A seat with what was told of it last, if anything."""

    seat: LessonSeat
    head: Attendance | None

    @property
    def look(self) -> str:
        return f"attendance.{self.head.status if self.head else 'none'}"


def lessons_between(organization: Organization, first: date, last: date) -> QuerySet[Lesson]:
    """By the days of the organization's place, in the order of the clock."""
    zone = organization.zone
    begin = datetime.combine(first, time(), zone).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    rows = Lesson.objects.filter(organization=organization, starts_at__gte=begin, starts_at__lt=end)
    return rows.order_by("starts_at", "id")


def untold(rows: QuerySet[Lesson]) -> QuerySet[Lesson]:
    """Those with a seat that nobody told about."""
    told = Attendance.objects.filter(seat=OuterRef("pk"))
    return rows.filter(Exists(LessonSeat.objects.filter(~Exists(told), lesson=OuterRef("pk"))))


def with_seats(rows: QuerySet[Lesson]) -> QuerySet[Lesson]:
    """Each lesson's seats are read with it, for seats_of_lesson. Two more queries."""
    heads = Attendance.objects.filter(replaced_by__isnull=True).select_related("charge")
    seats = LessonSeat.objects.select_related("agreement__plan", "agreement__customer", "student").order_by("pk")
    told = Prefetch("attendance", queryset=heads, to_attr="heads")
    return rows.select_related("provider").prefetch_related(Prefetch("seats", queryset=seats.prefetch_related(told)))


def seats_of_lesson(lesson: Lesson) -> Sequence[SeatRow]:
    """Of a lesson read by with_seats. No query."""
    return [SeatRow(seat, next(iter(seat.heads), None)) for seat in lesson.seats.all()]  # type: ignore[attr-defined]
