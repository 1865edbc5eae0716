"""What happened that may earn somebody something, and what of it was earned already."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max, Min, QuerySet

from billing.models import Allocation, Attendance, CreditKind, Earning, EarningMark, InvoiceKind, Lesson, LessonSeat
from billing.models.allocation import AllocationKind
from billing.models.party import ProviderKind
from billing.office.models import Organization

# Rows get their keys before they are committed, so those of the last hour are looked at again.
SETTLES_AFTER = timedelta(hours=1)

NEWS = """
SELECT o.id FROM office_organization o LEFT JOIN billing_earningmark m ON m.organization_id = o.id
WHERE EXISTS (SELECT 1 FROM billing_attendance a
    WHERE a.id > coalesce(m.attendance_id, 0) AND a.organization_id = o.id)
  OR EXISTS (SELECT 1 FROM billing_allocation a
    WHERE a.id > coalesce(m.allocation_id, 0) AND a.organization_id = o.id)
ORDER BY o.id"""

LESSONS_OF_INVOICES = """
SELECT e.lesson_id FROM billing_billingrunitem t
JOIN billing_charge c ON c.agreement_id = t.agreement_id
JOIN billing_billingrunitem s ON s.id = c.item_id AND s.run_id = t.run_id
JOIN billing_attendance a ON a.charge_id = c.id JOIN billing_lessonseat e ON e.id = a.seat_id
WHERE t.invoice_id = ANY(%(invoices)s)
UNION
SELECT e.lesson_id FROM billing_invoice v JOIN billing_lessonseat e ON e.agreement_id = v.agreement_id
JOIN billing_attendance a ON a.seat_id = e.id AND a.paid_by IN ('package', 'schedule')
WHERE v.id = ANY(%(invoices)s) AND v.kind = 'sale'
ORDER BY 1"""


def organizations_with_news() -> list[Organization]:
    """Those where something happened since earnings were looked for. One query on keys while there is nothing."""
    with connection.cursor() as cursor:
        cursor.execute(NEWS)
        keys = [key for (key,) in cursor.fetchall()]
    return list(Organization.objects.filter(pk__in=keys).order_by("pk")) if keys else []


@dataclass(frozen=True)
class Chunk:
    """Rows as (key, what it is about) in the order of their keys. last: where to go on, 0 at the end.

    settled: everything up to there is judged for good.
    """

    rows: Sequence[tuple[int, int]]
    last: int
    settled: int


def next_attendance(mark: EarningMark, after: int, most: int, now: datetime) -> Chunk:
    """Attendance told after a key that earned nothing itself yet, with its lesson. Two queries."""
    rows = Attendance.objects.filter(organization=mark.organization_id, pk__gt=after).order_by("pk")
    found = rows.filter(earnings__isnull=True).values_list("pk", "seat__lesson_id")[:most]
    return _chunk(list(found), rows.filter(recorded_at__lte=now - SETTLES_AFTER), most)


def next_allocations(mark: EarningMark, after: int, most: int, now: datetime) -> Chunk:
    """Allocations made after a key, with their invoice. Two queries."""
    rows = Allocation.objects.filter(organization=mark.organization_id, pk__gt=after).order_by("pk")
    found = rows.values_list("pk", "invoice_id")[:most]
    return _chunk(list(found), rows.filter(made_at__lte=now - SETTLES_AFTER), most)


def _chunk(found: list[tuple[int, int]], old: QuerySet[Any], most: int) -> Chunk:
    last = found[-1][0] if len(found) == most else 0
    old = old.filter(pk__lte=last) if last else old
    return Chunk(found, last, old.order_by().aggregate(last=Max("pk"))["last"] or 0)


def lessons_of_invoices(invoice_ids: Iterable[int]) -> list[int]:
    """The lessons that invoices are about: by their charges, or by the package or period they sold. One query."""
    with connection.cursor() as cursor:
        cursor.execute(LESSONS_OF_INVOICES, {"invoices": list(invoice_ids)})
        return [key for (key,) in cursor.fetchall()]


@dataclass
class SeatFacts:
    """A seat with what was told last and what it earned so far."""

    seat: LessonSeat
    told: Attendance | None = None
    earned: list[Earning] = field(default_factory=list)


@dataclass
class LessonFacts:
    """A lesson with its seats in order. first_told: by the rates of that moment it is paid."""

    lesson: Lesson
    day: date
    first_told: datetime
    seats: list[SeatFacts]


def lesson_facts(organization: Organization, lesson_ids: Iterable[int]) -> list[LessonFacts]:
    """Lessons with a teacher that were told of, in the order of their keys. Five queries."""
    ids = sorted(set(lesson_ids))
    lessons = Lesson.objects.filter(organization=organization, pk__in=ids, provider__isnull=False).order_by("pk")
    told = Attendance.objects.filter(seat__lesson_id__in=ids)
    first = dict(told.values_list("seat__lesson_id").annotate(moment=Min("recorded_at")).order_by())
    heads = {row.seat_id: row for row in told.filter(replaced_by__isnull=True)}
    earned: dict[int, list[Earning]] = defaultdict(list)
    rows = Earning.objects.filter(attendance__seat__lesson_id__in=ids).select_related("attendance")
    for row in rows.order_by("pk"):
        assert row.attendance is not None
        earned[row.attendance.seat_id].append(row)
    seats: dict[int, list[SeatFacts]] = defaultdict(list)
    for seat in LessonSeat.objects.filter(lesson_id__in=ids).order_by("pk"):
        seats[seat.lesson_id].append(SeatFacts(seat, heads.get(seat.pk), earned[seat.pk]))
    zone = organization.zone
    return [
        LessonFacts(lesson, lesson.starts_at.astimezone(zone).date(), first[lesson.pk], seats[lesson.pk])
        for lesson in lessons
        if lesson.pk in first
    ]


def premium_allocations(allocation_ids: Iterable[int]) -> list[Allocation]:
    """Money set against premiums that an agent sold, neither undone nor an undo. One query."""
    rows = Allocation.objects.filter(
        pk__in=list(allocation_ids), kind=AllocationKind.CREDIT, reverses__isnull=True, reversed_by__isnull=True,
        invoice__kind=InvoiceKind.SALE, invoice__agreement__provider__kind=ProviderKind.AGENT,
        credit_item__kind__in=[CreditKind.PAYMENT, CreditKind.TRANSFER],
    )  # fmt: skip
    return list(rows.select_related("invoice__agreement__provider__manager").order_by("pk"))


def earned_by_allocations(allocation_ids: Iterable[int]) -> set[str]:
    """The sources of what allocations earned already. One query."""
    rows = Earning.objects.filter(allocation_id__in=list(allocation_ids), reverses__isnull=True)
    return set(rows.values_list("source", flat=True))


def undone_commissions(allocation_ids: Iterable[int]) -> list[tuple[Allocation, Earning]]:
    """Those of allocations that take back another, each with what the other earned and still stands. Two queries."""
    undos = Allocation.objects.filter(pk__in=list(allocation_ids), reverses__isnull=False).select_related("invoice")
    by_original = {undo.reverses_id: undo for undo in undos}
    standing = Earning.objects.filter(
        allocation_id__in=list(by_original), reverses__isnull=True, reversed_by__isnull=True
    ).order_by("pk")
    return [(by_original[row.allocation_id], row) for row in standing]
