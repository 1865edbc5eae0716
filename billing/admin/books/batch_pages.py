"""The general ledger at the console: how it stands, its batches, a batch and trying it again (R138, R140, R142)."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.books.filters import ADJUST, SEE, kept_filters, read_day
from billing.admin.facts import said_code
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput
from billing.inputs import clean_text
from billing.ledger.models import GlBatch, GlBatchState, JournalEntry, JournalLine
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.books.status import days_of, standing_of
from billing.services.books.posting import retry_batches

PER_PAGE, WAITING_SHOWN = 50, 50


@console_path("ledger/batches/", "gl", SEE)
@require_GET
def gl(request: ConsoleRequest) -> HttpResponse:
    """Figures, what waits, the days, the batches by ?state, ?type, ?from, ?to. About ten queries."""
    now = clock.now()
    form = _batch_form(request)
    page = Paginator(_filtered(request, form), PER_PAGE).get_page(request.GET.get("page"))
    standing = standing_of(request.organization, now)
    waiting = JournalEntry.objects.filter(organization=request.organization, gl__isnull=True)
    context = console_context(
        request, _("General ledger"), standing=standing, page=page, form=form, days=days_of(request.organization, now),
        waiting=list(waiting.order_by("entry_date", "id")[:WAITING_SHOWN]) if standing.waiting else [],
        kept=kept_filters(request, "state", "type", "from", "to"), zone=request.organization.time_zone,
    )  # fmt: skip
    return render(request, "console/books/gl.html", context, status=422 if form.errors else 200)


def _batch_form(request: ConsoleRequest) -> Form:
    types = GlBatch.objects.filter(organization=request.organization).order_by()
    known = sorted(types.values_list("payment_type", flat=True).distinct())
    every = ("", gettext_lazy("all"))
    form = Form([
        Field("state", gettext_lazy("State"), "select", choices=[every, *GlBatchState.choices], required=False),
        Field(
            "type", gettext_lazy("Payment type"), "select", required=False,
            choices=[every, *((one, said_code("payment_type", one)) for one in known)],
        ),
        Field("from", gettext_lazy("From"), "date", required=False),
        Field("to", gettext_lazy("To"), "date", required=False),
    ])  # fmt: skip
    return form.read(request.GET)


def _filtered(request: ConsoleRequest, form: Form) -> QuerySet[GlBatch]:
    rows = GlBatch.objects.filter(organization=request.organization).order_by("-id")
    if form.typed("state"):
        rows = rows.filter(state=form.typed("state"))
    if form.typed("type"):
        rows = rows.filter(payment_type=form.typed("type"))
    first, last = read_day(form, "from"), read_day(form, "to")
    rows = rows.filter(day__gte=first) if first else rows
    return rows.filter(day__lte=last) if last else rows


def find_batch(request: ConsoleRequest, pk: int) -> GlBatch:
    return get_object_or_404(GlBatch, pk=pk, organization=request.organization)


@console_path("ledger/batches/<int:pk>/", "gl_batch", SEE)
@require_GET
def gl_batch(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Control totals, what they are made of by account, department and project, and the entries. Six queries."""
    batch = find_batch(request, pk)
    entries = JournalEntry.objects.filter(gl__batch=batch).order_by("year", "number")
    page = Paginator(entries, PER_PAGE).get_page(request.GET.get("page"))
    lines = (
        JournalLine.objects.filter(entry__gl__batch=batch)
        .order_by("account__code", "department", "project")
        .values("account_id", "account__code", "account__name", "department", "project")
        .annotate(debits=Sum("debit"), credits=Sum("credit"), count=Count("id"))
    )
    context = console_context(
        request, batch.number, batch=batch, page=page, lines=list(lines),
        may_retry=batch.state == GlBatchState.SUSPENDED and _may_retry(request),
    )  # fmt: skip
    return render(request, "console/books/gl_batch.html", context)


def _may_retry(request: ConsoleRequest) -> bool:
    return may_here(request, ADJUST, Mode.MAKE, Mode.CHECK)


@console_path("ledger/batches/<int:pk>/retry/", "gl_batch_retry", SEE)
@require_http_methods(["GET", "POST"])
def gl_batch_retry(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Let the system judge a suspended batch again; nobody posts it by hand."""
    batch = find_batch(request, pk)
    if not _may_retry(request):
        raise PermissionDenied
    form = Form([Field("reason", gettext_lazy("What was put right"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, run = attempt(form, lambda: _retry(request, batch, form))
        if done and run is not None:
            still = [one for one in run.suspended if one.pk == pk]
            if not still:
                return back_to(request, "gl_batch", pk, _("Posted to the general ledger."))
            sentence = gettext_lazy("Still suspended: {trouble} ({about}).")
            form.refuse(BadInput(sentence, trouble=still[0].get_trouble_display(), about=still[0].detail))
    words = _("Try {number} again").format(number=batch.number)
    facts: list[tuple[object, object]] = [
        (_("Why it is suspended"), f"{batch.get_trouble_display()}: {batch.detail}"),
        (_("Entries"), batch.entry_count),
        (_("What it does"), _("The system judges its entries as they are now and posts them if they are whole.")),
    ]
    return show_form(request, form, title=words, button=words, back=reverse("admin:gl_batch", args=[pk]), facts=facts)


def _retry(request: ConsoleRequest, batch: GlBatch, form: Form) -> Any:
    clean_text(form.typed("reason"), field="reason", longest=400, required=True)
    return retry_batches(organization=request.organization, batches=[batch], now=clock.now())
