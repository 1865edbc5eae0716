"""The day's end at the console: the days, a day's checklist, its signature, opening it again."""

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.working import REFUSED, Field, Form, attempt, say_why, show_form
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.office import clock
from payments.models import Method
from reconciliation.admin.checklists import drawn, kept, may_close_days
from reconciliation.models import DayClose
from reconciliation.rules.checklist import blockers, warnings
from reconciliation.selectors.closed_days import booked_after_close, figures_of_day, last_days, standing_close
from reconciliation.selectors.closing_checks import DAY_CHECKS, ask_day
from reconciliation.services.closing_days import close_day, reopen_day

SHOWN = 31


@console_path("books/days/", "day_ends", "see_journal")
@require_GET
def days(request: ConsoleRequest) -> HttpResponse:
    """The last month of days, newest first. About five queries."""
    rows = last_days(request.organization, request.organization.today(clock.now()), SHOWN)
    late = booked_after_close(request.organization, [row["close"] for row in rows if row["close"]])
    for row in rows:
        row["late"] = late.get(row["day"], 0)
    context = console_context(request, _("Day ends"), rows=rows, may_close=may_close_days(request))
    return render(request, "console/closing/days.html", context)


@console_path("books/days/<str:day>/", "day_end", "see_journal")
@require_http_methods(["GET", "POST"])
def day_end(request: ConsoleRequest, day: str) -> HttpResponse:
    """One day: as it was signed, or its checklist as things stand now. About thirty queries."""
    wanted, now = _day(day), clock.now()
    if wanted > request.organization.today(now):
        raise Http404
    form = Form([Field("remarks", gettext_lazy("Remarks"), "area", required=False)])
    if request.method == "POST":
        if not may_close_days(request):
            raise PermissionDenied
        form.read(request.POST)
        say_why(request, form.typed("remarks"))
        done, _close = attempt(
            form,
            lambda: close_day(
                organization=request.organization, day=wanted, remarks=form.typed("remarks"), now=clock.now(),
                by=request.user,
            ),
        )  # fmt: skip
        if done:
            return HttpResponseRedirect(reverse("admin:day_end", args=[wanted]))
    return render(request, "console/closing/day.html", _context(request, wanted, form), status=_status(form))


def _status(form: Form) -> int:
    return REFUSED if form.errors else 200


def _context(request: ConsoleRequest, day: date, form: Form) -> dict[str, Any]:
    organization = request.organization
    close = standing_close(organization, day)
    history = DayClose.objects.filter(organization=organization, day=day).exclude(reopening=None)
    lines = [] if close else ask_day(organization, day, clock.now())
    figures = close.figures if close else figures_of_day(organization, day)
    methods = dict(Method.choices)
    return console_context(
        request, _("Day end"), day=day, close=close, form=form, may_close=may_close_days(request),
        checks=kept(close.checks, DAY_CHECKS) if close else drawn(lines), figures=figures,
        currency=organization.currency,
        methods=[(methods.get(row["method"], row["method"]), row) for row in figures["payments"]],
        blockers=len(blockers(lines)), warnings=len(warnings(lines)),
        late=booked_after_close(organization, [close]).get(day, 0) if close else 0,
        history=history.select_related("closed_by", "reopening__reopened_by").order_by("-round"),
    )  # fmt: skip


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except BadInput:
        raise Http404 from None


@console_path("books/days/<str:day>/reopen/", "day_reopen", "see_journal")
@require_http_methods(["GET", "POST"])
def reopen(request: ConsoleRequest, day: str) -> HttpResponse:
    wanted = _day(day)
    close = standing_close(request.organization, wanted)
    if not may_close_days(request):
        raise PermissionDenied
    if close is None:
        raise Http404
    back = reverse("admin:day_end", args=[wanted])
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _made = attempt(
            form, lambda: reopen_day(close=close, reason=form.typed("reason"), now=clock.now(), by=request.user)
        )
        if done:
            return HttpResponseRedirect(back)
    title = _("Reopen {day}").format(day=wanted)
    facts = [(_("Closed by"), close.closed_by or "close_day"), (_("Remarks"), close.remarks or "–")]
    return show_form(request, form, title=title, button=title, back=back, facts=facts)
