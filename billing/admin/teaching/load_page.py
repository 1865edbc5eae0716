"""Attendance from a file that a clerk sends: the same rows as manage.py load_attendance takes (R85)."""

from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.working import REFUSED, Field, Form
from billing.errors import DomainError
from billing.office import clock
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.services.loading import LoadReport, chunks, open_sheet
from billing.services.teaching.loading import COLUMNS, REQUIRED, load_attendance
from billing.transactions import in_transaction

CHUNK = 500
SHOWN = 100


@console_path("lessons/load/", "lessons_load", "record_attendance", Mode.DO)
@require_http_methods(["GET", "POST"])
def load_page(request: ConsoleRequest) -> HttpResponse:
    """Rows that are good are taken, each other one is shown with its reason; the same file again adds nothing."""
    form = Form([Field("file", gettext_lazy("File"), "file", accept=".csv,text/csv")])
    report = None
    if request.method == "POST":
        form.read(request.POST, request.FILES)
        try:
            report = _load(request, form)
        except DomainError as refusal:
            form.refuse(refusal)
    context = console_context(
        request, _("Load attendance"), form=form, report=report, refused=report.refused[:SHOWN] if report else [],
        shown=SHOWN, columns=COLUMNS, required=REQUIRED, back=reverse("admin:lessons"),
    )  # fmt: skip
    return render(request, "console/lessons/load.html", context, status=REFUSED if form.errors else 200)


def _load(request: ConsoleRequest, form: Form) -> LoadReport:
    uploaded = form.uploaded("file")
    assert uploaded is not None
    report, now = LoadReport(), clock.now()
    with NamedTemporaryFile(suffix=".csv") as kept:
        kept.write(uploaded[1])
        kept.flush()
        sheet = open_sheet(Path(kept.name), columns=COLUMNS, required=REQUIRED)
        for rows in chunks(sheet.rows(), CHUNK):
            load = partial(load_attendance, organization=request.organization, rows=rows, now=now, by=request.user)
            with explained():
                report.add(in_transaction(load))
    return report
