"""Exports of the journal at the console: making one, the list, one with its sums and hash, the file (R143)."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.books.filters import EXPORT, today_of
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.ledger.models import ExportLayout, GlExport
from billing.office import clock
from billing.office.models.user import Mode
from billing.services.books.exporting import read_export, store_export
from billing.services.books.files import file_name

PER_PAGE = 50


@console_path("ledger/exports/", "gl_exports", EXPORT)
@require_http_methods(["GET", "POST"])
def gl_exports(request: ConsoleRequest) -> HttpResponse:
    """Newest first; POST makes one, or opens the one that says the same already. Three queries."""
    form = _form(request)
    if request.method == "POST":
        form.read(request.POST)
        done, made = attempt(form, lambda: _make(request, form))
        if done and made is not None:
            export, is_new = made
            words = _("Made and kept.") if is_new else _("Nothing was posted since: this is the same file.")
            return back_to(request, "gl_export", export.pk, words)
    rows = GlExport.objects.filter(organization=request.organization)
    rows = rows.select_related("made_by", "supersedes", "superseded_by").order_by("-id")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(request, _("GL exports"), page=page, form=form)
    return render(request, "console/books/exports.html", context, status=REFUSED if form.errors else 200)


def _form(request: ConsoleRequest) -> Form:
    """The month before this one is what is mostly wanted."""
    this_month = today_of(request).replace(day=1)
    last = this_month - timedelta(days=1)
    return Form([
        Field("layout", gettext_lazy("For"), "select", choices=ExportLayout.choices),
        Field("first", gettext_lazy("From"), "date", last.replace(day=1).isoformat()),
        Field("last", gettext_lazy("To"), "date", last.isoformat()),
    ])  # fmt: skip


def _make(request: ConsoleRequest, form: Form) -> tuple[GlExport, bool]:
    layout = form.typed("layout")
    if layout not in ExportLayout.values:
        raise BadInput(gettext_lazy("Choose a layout."), field="layout", code="unknown_layout")
    return store_export(
        organization=request.organization, layout=layout, first=parse_day(form.typed("first"), field="first"),
        last=parse_day(form.typed("last"), field="last"), now=clock.now(), by=request.user,
    )  # fmt: skip


def find_export(request: ConsoleRequest, pk: int) -> GlExport:
    rows = GlExport.objects.select_related("made_by", "supersedes", "superseded_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("ledger/exports/<int:pk>/", "gl_export", EXPORT)
@require_GET
def gl_export(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One export: sums of each currency, hash, proof. One query."""
    export = find_export(request, pk)
    name = file_name(export.number, export.layout, export.first_on, export.last_on)
    context = console_context(request, export.number, export=export, name=name)
    return render(request, "console/books/export.html", context)


@console_path("ledger/exports/<int:pk>/file/", "gl_export_file", EXPORT, Mode.DO)
@require_GET
def gl_export_file(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The very bytes that were kept; if they are not there any more, the page says so."""
    export = find_export(request, pk)
    form = Form([])
    done, data = attempt(form, lambda: read_export(export))
    if not done or data is None:
        context = console_context(request, export.number, export=export, name="", form=form)
        return render(request, "console/books/export.html", context, status=REFUSED)
    name = file_name(export.number, export.layout, export.first_on, export.last_on)
    kind = "text/plain" if export.layout == ExportLayout.BEANCOUNT else "text/csv"
    response = HttpResponse(data, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
