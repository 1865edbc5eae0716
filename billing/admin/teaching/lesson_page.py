"""One lesson: who sits in it, what was told and how its price came about; told or corrected here (R85)."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.teaching.marking import KEYS, PAID_BY, Mark, credit_words, read_marks, record, show_what_follows
from billing.admin.working import REFUSED, Form, attempt, back_to, say_why
from billing.models import Attendance, Lesson, LessonCredit
from billing.models.lesson import AttendanceStatus
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.explaining import sentences
from billing.selectors.timetable import seats_of_lesson, with_seats


@console_path("lessons/<int:pk>/", "lesson", "manage_agreements")
@require_http_methods(["GET", "POST"])
def lesson_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """POST: of one seat; shows what it would do, step "save" records it."""
    now = clock.now()
    lesson = get_object_or_404(with_seats(Lesson.objects.filter(organization=request.organization)), pk=pk)
    rows = seats_of_lesson(lesson)
    marks = {str(mark.row.seat.pk): mark for mark in read_marks(request.POST, rows)}
    asked = request.POST.get("seat", "") or request.GET.get("seat", "")
    mark = marks.get(asked)
    if asked and mark is None:
        raise Http404
    may_mark = may_here(request, "record_attendance", Mode.DO)
    form, previewed = Form([]), False
    if request.method == "POST" and may_mark and mark is not None:
        done = _save(request, lesson, mark, form)
        if done is not None:
            return done
        previewed = not form.errors and show_what_follows(request, [mark], form, now)
    history = _history([row.seat.pk for row in rows])
    context = console_context(
        request, lesson.title, lesson=lesson, day=request.organization.today(lesson.starts_at), form=form,
        seats=[(one, history.get(one.row.seat.pk, []), one is mark) for one in marks.values()],
        previewed=previewed,
        statuses=[(value, words, KEYS[AttendanceStatus(value)]) for value, words in AttendanceStatus.choices],
        may_mark=may_mark,
    )  # fmt: skip
    return render(request, "console/lessons/lesson.html", context, status=REFUSED if form.errors else 200)


def _save(request: ConsoleRequest, lesson: Lesson, mark: Mark, form: Form) -> HttpResponse | None:
    if request.POST.get("step") != "save":
        return None
    say_why(request, mark.reason)
    done, _made = attempt(form, lambda: record(request, [mark], clock.now()))
    if not done:
        return None
    return back_to(request, "lesson", lesson.pk, _("{name} was recorded.").format(name=mark.row.seat.student.name))


def _history(seat_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """By seat: everything told, the latest first, each with how it was priced. Two queries."""
    rows = Attendance.objects.filter(seat_id__in=seat_ids).select_related("charge", "recorded_by").order_by("-ordinal")
    credits: dict[int, list[LessonCredit]] = {}
    for credit in LessonCredit.objects.filter(attendance__seat_id__in=seat_ids).select_related("credit_memo"):
        credits.setdefault(credit.attendance_id or 0, []).append(credit)
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.seat_id, []).append(
            {
                "told": row, "look": f"attendance.{row.status}", "paid_by": PAID_BY[row.paid_by],
                "why": sentences(row.charge.line["steps"] if row.charge else row.price, row.currency),
                "credits": [(credit, credit_words(credit)) for credit in credits.get(row.pk, [])],
            }
        )  # fmt: skip
    return found
