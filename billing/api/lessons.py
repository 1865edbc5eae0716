"""/api/v1/attendance/ and /api/v1/lessons/: what became of lessons, told by other systems (R85)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from billing.api.answers import amount_text, answer, instant_text
from billing.api.fields import Choice, Flag, Hours, Instant, Minutes, Strict, Text
from billing.api.idempotency import answer_once, read_key
from billing.api.paging import check_known, page_of, read_page
from billing.api.schema import IDEMPOTENCY_KEY, PAGING, Envelope, problems, query
from billing.api.views import ApiView
from billing.errors import BadInput, DomainError, Refusals
from billing.inputs import parse_period
from billing.models import Lesson, LessonSeat
from billing.models.lesson import AttendanceSource, AttendanceStatus
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.explaining import sentences
from billing.rules.lesson_settling import PaidBy
from billing.selectors.timetable import lessons_between, seats_of_lesson, with_seats
from billing.services.teaching.loading import AttendanceFacts, read_notice
from billing.services.teaching.recording import Outcome, record_reports
from billing.services.teaching.timetable import SeatOrder, put_seats

MOST = 200
# What this door calls the fields that services name.
NAMES = {"agreement_number": "agreement", "student_code": "student", "teacher_code": "teacher", "seat": "",
         "reason": "correction_reason"}  # fmt: skip
LISTED = frozenset(("page", "page_size", "from", "to", "agreement", "student", "teacher"))


@extend_schema_serializer(component_name="AttendanceReport")
class ReportPart(Strict):
    """What became of one student's place in one lesson. The lesson and the place are made if they are new."""

    lesson = Text(max_length=60, free=False, help_text="The lesson's key in the calling system.")
    starts_at = Instant()
    minutes = Minutes()
    title = Text(max_length=120, required=False)
    teacher = Text(max_length=40, free=False, required=False, help_text="The teacher's code.")
    agreement = Text(max_length=40, free=False, help_text="The number of the agreement that pays.")
    student = Text(max_length=40, free=False, help_text="The student's code.")
    group = Flag(required=False, help_text="A group lesson; else the plan says so.")
    status = Choice(choices=AttendanceStatus.choices)
    cancelled_at = Instant(required=False, help_text="When the student cancelled. This or notice_hours.")
    notice_hours = Hours(required=False, help_text="Hours before the lesson at which the student cancelled.")
    correction_reason = Text(max_length=200, required=False, help_text="Replaces what was told before. Only then.")


@extend_schema_serializer(component_name="AttendanceRequest")
class AttendanceRequest(Strict):
    reports = ReportPart(  # type: ignore[call-arg]  # the stubs know nothing of lists
        many=True, min_length=1, max_length=MOST, help_text=f"1 to {MOST}; all are taken or none."
    )  # fmt: skip


@extend_schema_serializer(component_name="Attendance")
class AttendanceShape(serializers.Serializer[Any]):
    lesson = serializers.CharField()
    agreement = serializers.CharField()
    student = serializers.CharField()
    status = serializers.ChoiceField(choices=AttendanceStatus.choices)
    notice_hours = serializers.CharField(allow_null=True)
    paid_by = serializers.ChoiceField(choices=[one.value for one in PaidBy], help_text="What it is settled with.")
    amount = serializers.CharField(help_text="What is billed, before tax; of a package or period what it is worth.")
    currency = serializers.CharField()
    explanation = serializers.ListField(child=serializers.CharField())
    corrects = serializers.BooleanField(help_text="It replaced what was told before.")
    new = serializers.BooleanField(help_text="false: it was told before.")


class AttendanceRecorded(serializers.Serializer[Any]):
    attendance = AttendanceShape(many=True, help_text="In the order of the reports.")


@extend_schema_serializer(component_name="Seat")
class SeatShape(serializers.Serializer[Any]):
    agreement = serializers.CharField()
    student = serializers.CharField()
    student_name = serializers.CharField()
    status = serializers.ChoiceField(choices=AttendanceStatus.choices, allow_null=True, help_text="null: not told yet.")


@extend_schema_serializer(component_name="Lesson")
class LessonShape(serializers.Serializer[Any]):
    lesson = serializers.CharField()
    title = serializers.CharField()
    starts_at = serializers.DateTimeField()
    minutes = serializers.IntegerField()
    group = serializers.BooleanField()
    teacher = serializers.CharField(allow_null=True)
    seats = SeatShape(many=True)


class LessonList(Envelope):
    results = LessonShape(many=True)


class AttendanceView(ApiView):
    needs = {"POST": ("record_attendance", Mode.DO)}

    @extend_schema(
        operation_id="record_attendance", tags=["lessons"], parameters=[IDEMPOTENCY_KEY], request=AttendanceRequest,
        responses={201: AttendanceRecorded, **problems(400, 409, 413, 415, 422, 503)},
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Tell what became of lessons: each is priced and settled at once, or nothing of the request is taken."""
        now, key = clock.now(), read_key(request)
        asked = AttendanceRequest(data=request.data, context={"organization": self.organization})
        asked.is_valid(raise_exception=True)
        facts = [self._read(place, one) for place, one in enumerate(asked.validated_data["reports"])]

        def deed(request_key: str) -> tuple[int, dict[str, Any]]:
            return 201, {"attendance": self._record(facts, request_key, now)}

        with self.as_client():
            return answer_once(
                client=self.client, key=key, asked=f"POST {request.path}", body=request.data, now=now, deed=deed
            )

    def _read(self, place: int, asked: dict[str, Any]) -> AttendanceFacts:
        order = SeatOrder(
            reference=asked["lesson"], starts_at=asked["starts_at"], minutes=asked["minutes"],
            title=asked.get("title", ""), agreement_number=asked["agreement"], student_code=asked["student"],
            teacher_code=asked.get("teacher", ""), is_group=asked.get("group", False),
        )  # fmt: skip
        cancelled_at = asked["cancelled_at"].isoformat() if "cancelled_at" in asked else ""
        try:
            notice = read_notice(asked.get("notice_hours", ""), cancelled_at, order.starts_at, self.organization)
        except BadInput as refusal:
            raise _at(place, refusal) from None
        return AttendanceFacts(order, asked["status"], notice, asked.get("correction_reason", ""))

    def _record(self, facts: Sequence[AttendanceFacts], request_key: str, now: datetime) -> list[dict[str, Any]]:
        seats = put_seats(
            organization=self.organization, orders=[one.order for one in facts], now=now, by=self.user
        )  # fmt: skip
        _refuse({place: seat for place, seat in enumerate(seats) if isinstance(seat, DomainError)})
        reports = [
            one.report(seat, AttendanceSource.API, f"{request_key}:{place}")
            for place, (one, seat) in enumerate(zip(facts, seats, strict=True))
            if isinstance(seat, LessonSeat)
        ]
        done = record_reports(organization=self.organization, reports=reports, now=now, by=self.user)
        _refuse({place: one.refusal for place, one in enumerate(done) if one.refusal is not None})
        return [_attendance(one, outcome) for one, outcome in zip(facts, done, strict=True)]


class LessonsView(ApiView):
    needs = {"GET": ("manage_agreements",)}

    @extend_schema(
        operation_id="list_lessons", tags=["lessons"],
        parameters=[
            *PAGING, query("from", "First day, where the organization is.", OpenApiTypes.DATE, required=True),
            query("to", "Last day, inclusive; at most 24 months later.", OpenApiTypes.DATE, required=True),
            query("agreement", "Only lessons with a seat under it."), query("student", "The student's code."),
            query("teacher", "The teacher's code."),
        ],
        responses={200: LessonList, **problems(400, 404)},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Lessons of some days in their order, with who sits in them and what was told."""
        asked = request.query_params
        check_known(asked, LISTED)
        page = read_page(asked)
        first, last = parse_period(asked.get("from"), asked.get("to"))
        rows = lessons_between(self.organization, first, last)
        for name, column in (
            ("agreement", "seats__agreement__number"), ("student", "seats__student__code"),
            ("teacher", "provider__code"),
        ):  # fmt: skip
            if asked.get(name):
                rows = rows.filter(**{column: asked[name]})
        return answer(200, page_of(request, with_seats(rows).distinct(), page, _lesson))


def _lesson(lesson: Lesson) -> dict[str, Any]:
    return {
        "lesson": lesson.reference,
        "title": lesson.title,
        "starts_at": instant_text(lesson.starts_at),
        "minutes": lesson.minutes,
        "group": lesson.is_group,
        "teacher": lesson.provider.code if lesson.provider else None,
        "seats": [
            {
                "agreement": row.seat.agreement.number,
                "student": row.seat.student.code,
                "student_name": row.seat.student.name,
                "status": row.head.status if row.head else None,
            }
            for row in seats_of_lesson(lesson)
        ],
    }


def _attendance(facts: AttendanceFacts, outcome: Outcome) -> dict[str, Any]:
    told = outcome.attendance
    assert told is not None
    notice: Decimal | None = told.notice_hours
    return {
        "lesson": facts.order.reference,
        "agreement": facts.order.agreement_number,
        "student": facts.order.student_code,
        "status": told.status,
        "notice_hours": None if notice is None else f"{notice:.2f}",
        "paid_by": told.paid_by,
        "amount": amount_text(told.amount, told.currency),
        "currency": told.currency,
        "explanation": sentences(told.price, told.currency),
        "corrects": told.ordinal > 1,
        "new": outcome.is_new,
    }


def _refuse(refusals: dict[int, DomainError]) -> None:
    """Raises what is refused of a request, each at its report."""
    found = [_at(place, refusal) for place, refusal in sorted(refusals.items())]
    if found:
        raise found[0] if len(found) == 1 else Refusals(found)


def _at(place: int, refusal: DomainError) -> DomainError:
    name = NAMES.get(refusal.field, refusal.field)
    refusal.field = f"reports[{place}].{name}" if name else f"reports[{place}]"
    return refusal
