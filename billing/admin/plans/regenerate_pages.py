"""Computing the future of all running agreements anew: what would change, doing it, the list of differences (R55)."""

import csv
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import DomainError
from billing.inputs import safe_cell
from billing.models import ScheduleRegeneration
from billing.office import clock
from billing.office.models.user import Mode
from billing.services.plans.regenerating import (
    HEADER,
    RegenerationPreview,
    carry_on_regeneration,
    changes_of,
    difference_rows,
    preview_regeneration,
    start_regeneration,
)

SHOWN, LISTED = 20, 50


@console_path("regenerations/", "regenerations", "manage_agreements")
@require_http_methods(["GET", "POST"])
def regenerate(request: ConsoleRequest) -> HttpResponse:
    """Earlier ones; POST with step "preview" shows what would change, step "do" does it."""
    form = Form([Field("reason", gettext_lazy("What changed"), "area")], hidden={"request_key": uuid4().hex})
    may, preview = may_here(request, "manage_agreements", Mode.DO), None
    if request.method == "POST" and may:
        form.read(request.POST)
        if request.POST.get("step") == "do":
            done = _carry_out(request, form)
            if done is not None:
                return done
        preview = preview_regeneration(request.organization, request.organization.today(clock.now()))
    rows = ScheduleRegeneration.objects.filter(organization=request.organization).select_related("made_by")
    context = console_context(
        request, _("Compute schedules anew"), form=form, may=may, rows=list(rows[:LISTED]), **_shown(preview)
    )
    return render(request, "console/plans/regenerate.html", context, status=REFUSED if form.errors else 200)


def _shown(preview: RegenerationPreview | None) -> dict[str, Any]:
    if preview is None:
        return {"preview": None}
    return {"preview": preview, "shown": preview.rows[:SHOWN], "whole": preview.looked_at == preview.agreements}


def _carry_out(request: ConsoleRequest, form: Form) -> HttpResponse | None:
    say_why(request, form.typed("reason"))
    now = clock.now()
    done, made = attempt(
        form,
        lambda: start_regeneration(
            organization=request.organization, reason=form.typed("reason"), request_key=form.typed("request_key"),
            now=now, by=request.user,
        ),
    )  # fmt: skip
    if not done or made is None:
        return None
    try:
        carry_on_regeneration(regeneration=made, now=now)
    except DomainError as refusal:
        form.refuse(refusal)
        return None
    return back_to(request, "regeneration", made.pk, _("Computed anew."))


def _find(request: ConsoleRequest, pk: int) -> ScheduleRegeneration:
    rows = ScheduleRegeneration.objects.select_related("made_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("regenerations/<int:pk>/", "regeneration", "manage_agreements")
@require_http_methods(["GET", "POST"])
def regeneration(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What became of one; POST goes on with one that was interrupted."""
    row = _find(request, pk)
    form = Form([])
    if request.method == "POST" and may_here(request, "manage_agreements", Mode.DO):
        try:
            row = carry_on_regeneration(regeneration=row, now=clock.now())
        except DomainError as refusal:
            form.refuse(refusal)
    changes = row.changes.select_related("agreement__customer", "agreement__student")
    context = console_context(
        request, row.reason, row=row, form=form, changes=list(changes.order_by("agreement_id")[:LISTED]),
        back=reverse("admin:regenerations"), may=may_here(request, "manage_agreements", Mode.DO),
    )  # fmt: skip
    return render(request, "console/plans/regeneration.html", context)


class _Echo:
    """What csv writes is what is sent."""

    def write(self, text: str) -> str:
        return text


@console_path("regenerations/<int:pk>/differences.csv", "regeneration_csv", "manage_agreements")
@require_GET
def differences_csv(request: ConsoleRequest, pk: int) -> Any:
    """Every period that changed, a row each, sent as it is read."""
    row = _find(request, pk)
    writer = csv.writer(_Echo(), lineterminator="\r\n")

    def lines() -> Iterator[str]:
        yield "\ufeff" + writer.writerow(HEADER)
        for one in difference_rows(changes_of(row)):
            yield writer.writerow([safe_cell(cell) for cell in one])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="schedule-differences-{row.pk}.csv"'
    return answer
