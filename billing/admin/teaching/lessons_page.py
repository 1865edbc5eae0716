"""The lessons of a day or week: marked quickly by mouse or keyboard, looked at before they are recorded (R85)."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.teaching.marking import KEYS, Mark, name_troubles, read_marks, record, show_what_follows
from billing.admin.working import REFUSED, Form, attempt
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.models import Lesson, Provider
from billing.models.lesson import AttendanceStatus
from billing.models.party import ProviderKind
from billing.money import ZERO
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.timetable import lessons_between, seats_of_lesson, untold, with_seats

MOST = 200
WEEK = 7


@console_path("lessons/", "lessons", "manage_agreements")
@require_http_methods(["GET", "POST"])
def lessons_page(request: ConsoleRequest) -> HttpResponse:
    """GET lists; POST shows what the marks would do, step "save" records them."""
    now = clock.now()
    today = request.organization.today(now)
    first, days, trouble = _asked(request, today)
    rows = lessons_between(request.organization, first, first + timedelta(days=days - 1))
    if request.GET.get("untold"):
        rows = untold(rows)
    teacher = request.GET.get("teacher", "")
    if teacher.isascii() and teacher.isdigit():
        rows = rows.filter(provider_id=int(teacher[:18]))
    lessons = list(with_seats(rows)[: MOST + 1])
    form = Form([])
    marks = _marks(request, lessons)
    chosen = [mark for mark in marks.values() if mark.status]
    may_mark = may_here(request, "record_attendance", Mode.DO)
    previewed = False
    if request.method == "POST" and may_mark and chosen:
        if request.POST.get("step") == "save":
            done, made = attempt(form, lambda: record(request, chosen, now))
            if done and made is not None:
                return _recorded(request, len(made))
            name_troubles(form, chosen)
        previewed = not form.errors and show_what_follows(request, chosen, form, now)
    context = console_context(
        request, _("Lessons"), first=first, last=first + timedelta(days=days - 1), days=days, today=today,
        before=first - timedelta(days=days), after=first + timedelta(days=days), trouble=trouble, form=form,
        lessons=[(lesson, [marks[row.seat.pk] for row in seats_of_lesson(lesson)]) for lesson in lessons[:MOST]],
        more=len(lessons) > MOST, most=MOST, chosen=chosen, previewed=previewed, sums=_sums(chosen),
        statuses=[(value, words, KEYS[AttendanceStatus(value)]) for value, words in AttendanceStatus.choices],
        teachers=_teachers(request), teacher=teacher, untold=request.GET.get("untold", ""), may_mark=may_mark,
        query=request.GET.urlencode(), nothing=request.method == "POST" and not chosen, now=now,
    )  # fmt: skip
    return render(request, "console/lessons/list.html", context, status=REFUSED if form.errors else 200)


def _asked(request: ConsoleRequest, today: date) -> tuple[date, int, str]:
    """(first day, how many, what was wrong): a day, or the week it is in, which begins on Sunday (R53)."""
    days = WEEK if request.GET.get("view") == "week" else 1
    try:
        on = parse_day(request.GET["on"], field="on") if request.GET.get("on") else today
        trouble = ""
    except BadInput as refusal:
        on, trouble = today, str(refusal)
    return (on - timedelta(days=on.isoweekday() % WEEK) if days == WEEK else on), days, trouble


def _marks(request: ConsoleRequest, lessons: Sequence[Lesson]) -> dict[int, Mark]:
    """By key of the seat. The button "all others attended" marks what was begun, is untold and was left empty."""
    rows = [row for lesson in lessons[:MOST] for row in seats_of_lesson(lesson)]
    marks = read_marks(request.POST, rows)
    if request.POST.get("step") == "others":
        now = clock.now()
        for mark in marks:
            if mark.row.head is None and not mark.status and mark.row.seat.lesson.starts_at <= now:
                mark.status = AttendanceStatus.ATTENDED
    return {mark.row.seat.pk: mark for mark in marks}


def _sums(chosen: Sequence[Mark]) -> list[tuple[str, Decimal]]:
    """What comes onto bills, by currency."""
    sums: dict[str, Decimal] = {}
    for mark in chosen:
        if mark.attendance is not None:
            currency = mark.attendance.currency
            sums[currency] = sums.get(currency, ZERO) + mark.added
    return sorted(sums.items())


def _teachers(request: ConsoleRequest) -> list[tuple[str, str]]:
    rows = Provider.objects.filter(organization=request.organization, kind=ProviderKind.TEACHER, is_active=True)
    return [(str(pk), name) for pk, name in rows.order_by("name").values_list("pk", "name")]


def _recorded(request: ConsoleRequest, count: int) -> HttpResponse:
    sentence = ngettext("%(n)d place was recorded.", "%(n)d places were recorded.", count) % {"n": count}
    messages.success(request, sentence)
    return HttpResponseRedirect(f"{request.path}?{request.GET.urlencode()}")
