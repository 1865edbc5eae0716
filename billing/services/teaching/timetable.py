"""Lessons as they are timetabled, and who sits in them: told again they change nothing (R85)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Agreement, Lesson, LessonSeat, Provider, Student
from billing.models.party import ProviderKind
from billing.office.models import Organization, User
from billing.selectors.lesson_book import TEACHING
from billing.transactions import transaction_required

LONGEST = 600


class LessonTold(DomainError):
    code = "lesson_told"
    sentence = _("Attendance of {lesson} was told already; its {what} stays as it was.")


class SeatTaken(DomainError):
    code = "seat_taken"
    sentence = _("{student} has a seat in {lesson} under another agreement.")


@dataclass(frozen=True)
class SeatOrder:
    """A student's place in a lesson. Lesson and parties by their own keys; teacher_code empty: none is named."""

    reference: str
    starts_at: datetime
    minutes: int
    title: str
    agreement_number: str
    student_code: str
    teacher_code: str = ""
    is_group: bool = False


@dataclass(frozen=True)
class _Parties:
    agreements: Mapping[str, Agreement]
    students: Mapping[str, Student]
    teachers: Mapping[str, Provider]


@dataclass(frozen=True)
class _Found:
    """An order with whom it is about."""

    order: SeatOrder
    agreement: Agreement
    student: Student
    teacher: Provider | None

    @property
    def is_group(self) -> bool:
        return self.order.is_group or self.agreement.plan.is_group


@transaction_required
def put_seats(
    *, organization: Organization, orders: Sequence[SeatOrder], now: datetime, by: User | None
) -> list[LessonSeat | DomainError]:
    """Make or change lessons by their reference, and give students their seats. In the order given. Set-based.

    A lesson that was told of keeps its time, length, kind and teacher. What is refused keeps nothing else from being
    taken: it stands in the answer in its place (BadInput, LessonTold, SeatTaken).
    """
    parties = _parties(organization, orders)
    answers: dict[int, LessonSeat | DomainError] = {}
    found: dict[int, _Found] = {}
    for place, order in enumerate(orders):
        try:
            found[place] = _find(parties, order)
        except DomainError as refusal:
            answers[place] = refusal
    lessons = _lessons(organization, found.values(), now, by)
    told = _told(lessons.values())
    wanted: dict[int, tuple[Lesson, _Found]] = {}
    changed: dict[int, Lesson] = {}
    for place, one in found.items():
        lesson = lessons[one.order.reference]
        try:
            if _change(lesson, one, is_told=lesson.pk in told):
                changed[lesson.pk] = lesson
            wanted[place] = lesson, one
        except DomainError as refusal:
            answers[place] = refusal
    Lesson.objects.bulk_update(changed.values(), ["starts_at", "minutes", "title", "provider", "is_group"])
    answers |= _seats(organization, wanted)
    return [answers[place] for place in range(len(orders))]


def _parties(organization: Organization, orders: Sequence[SeatOrder]) -> _Parties:
    """Three queries."""
    here = {"organization": organization}
    agreements = Agreement.objects.filter(number__in={o.agreement_number for o in orders}, **here)
    students = Student.objects.filter(code__in={o.student_code for o in orders}, **here)
    teachers = Provider.objects.filter(code__in={o.teacher_code for o in orders}, kind=ProviderKind.TEACHER, **here)
    return _Parties(
        {row.number: row for row in agreements.select_related("plan")}, {row.code: row for row in students},
        {row.code: row for row in teachers},
    )  # fmt: skip


def _lessons(organization: Organization, found: Iterable[_Found], now: datetime, by: User | None) -> dict[str, Lesson]:
    """All that are named, made where they are new, locked in one order. Three statements.

    One that another file makes at the same moment is waited for and found.
    """
    first = {one.order.reference: one for one in reversed(list(found))}
    here = Lesson.objects.filter(organization=organization, reference__in=first)
    there = set(here.values_list("reference", flat=True))
    fresh = [_new(organization, first[reference], now, by) for reference in sorted(first) if reference not in there]
    Lesson.objects.bulk_create(fresh, ignore_conflicts=True)
    return {row.reference: row for row in here.order_by("pk").select_for_update(no_key=True)}


def _told(lessons: Iterable[Lesson]) -> set[int]:
    rows = LessonSeat.objects.filter(lesson__in=[lesson.pk for lesson in lessons], attendance__isnull=False)
    return set(rows.values_list("lesson_id", flat=True))


def _find(parties: _Parties, order: SeatOrder) -> _Found:
    """Raises BadInput naming what is not there, or does not go together."""
    agreement = parties.agreements.get(order.agreement_number)
    if agreement is None:
        raise _unknown("agreement_number", order.agreement_number)
    student = parties.students.get(order.student_code)
    if student is None:
        raise _unknown("student_code", order.student_code)
    if agreement.kind not in TEACHING:
        sentence = _("Agreement {number} is not about lessons.")
        raise BadInput(sentence, field="agreement_number", code="not_lessons", number=agreement.number)
    if agreement.student_id not in (None, student.pk):
        sentence = _("Agreement {number} is for another student.")
        raise BadInput(sentence, field="student_code", code="other_student", number=agreement.number)
    teacher = parties.teachers.get(order.teacher_code)
    if order.teacher_code and teacher is None:
        raise _unknown("teacher_code", order.teacher_code)
    if not 0 < order.minutes <= LONGEST:
        sentence = _("A lesson lasts from 1 to {longest} minutes.")
        raise BadInput(sentence, field="minutes", code="not_minutes", longest=LONGEST)
    return _Found(order, agreement, student, teacher)


def _unknown(field: str, key: str) -> BadInput:
    return BadInput(_("{key} is not known here."), field=field, code="unknown", key=key or "–")


def _new(organization: Organization, one: _Found, now: datetime, by: User | None) -> Lesson:
    order = one.order
    return Lesson(
        organization=organization, provider=one.teacher, reference=order.reference,
        title=order.title or order.reference, starts_at=order.starts_at, minutes=order.minutes,
        is_group=one.is_group, made_at=now, made_by=by,
    )  # fmt: skip


def _change(lesson: Lesson, one: _Found, *, is_told: bool) -> bool:
    """Whether anything is another than before. Once a group lesson, always one. Raises LessonTold."""
    order = one.order
    facts: dict[str, Any] = {
        "starts_at": order.starts_at, "minutes": order.minutes, "is_group": lesson.is_group or one.is_group,
        "provider_id": one.teacher.pk if one.teacher else lesson.provider_id,
    }  # fmt: skip
    other = {name: value for name, value in facts.items() if getattr(lesson, name) != value}
    if other and is_told:
        raise LessonTold(lesson=lesson.title, what=WHAT[next(iter(other))])
    if order.title and order.title != lesson.title:
        other["title"] = order.title
    for name, value in other.items():
        setattr(lesson, name, value)
    return bool(other)


WHAT = {
    "starts_at": _("time"), "minutes": _("length"), "is_group": _("kind"), "provider_id": _("teacher"),
}  # fmt: skip


def _seats(
    organization: Organization, wanted: Mapping[int, tuple[Lesson, _Found]]
) -> dict[int, LessonSeat | DomainError]:
    """By place. Three statements."""
    here = LessonSeat.objects.filter(lesson_id__in={lesson.pk for lesson, _one in wanted.values()})
    there = set(here.values_list("lesson_id", "student_id"))
    fresh = {
        (lesson.pk, one.student.pk): LessonSeat(
            organization=organization, lesson=lesson, agreement=one.agreement, student=one.student
        )
        for lesson, one in reversed(list(wanted.values()))
        if (lesson.pk, one.student.pk) not in there
    }
    LessonSeat.objects.bulk_create([fresh[key] for key in sorted(fresh)], ignore_conflicts=True)
    seats = {(row.lesson_id, row.student_id): row for row in here.all()}
    found: dict[int, LessonSeat | DomainError] = {}
    for place, (lesson, one) in wanted.items():
        seat = seats[lesson.pk, one.student.pk]
        other = seat.agreement_id != one.agreement.pk
        taken = SeatTaken(field="agreement_number", student=one.student.name, lesson=lesson.title)
        found[place] = taken if other else seat
    return found
