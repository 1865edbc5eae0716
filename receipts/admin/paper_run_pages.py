"""Statements of many customers: which, how many, making them, how far they are, the file of them all (R155, R157)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_q.tasks import async_task

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.office import clock
from billing.office.models.user import Mode
from billing.office.sealed_files import PIECE, FileGone, open_sealed
from receipts.models import PaperItemState, PaperRun, PaperRunState
from receipts.models.paper_run import Choice
from receipts.selectors.paper_progress import progress_of
from receipts.services.paper_periods import month_of
from receipts.services.paper_runs import RunWish, cancel_run, customers_for, go_on, pause_run, start_run

ACTION = "manage_collections"
PER_PAGE, FAILED_SHOWN = 25, 100
LOOK_AGAIN = 3  # seconds
YES_NO = (("", gettext_lazy("no")), ("yes", gettext_lazy("yes")))


@console_path("paper-runs/", "paper_runs", "see_receivables")
@require_http_methods(["GET", "POST"])
def paper_runs(request: ConsoleRequest) -> HttpResponse:
    """GET: the runs so far, and the form. POST counts first; with the count confirmed it starts."""
    form, may_start = _form(request), may_here(request, ACTION, Mode.DO)
    count: int | None = None
    if request.method == "POST" and may_start:
        form.read(request.POST)
        if request.POST.get("start"):
            done, run = attempt(form, lambda: _start(request, form))
            if done and run is not None:
                return HttpResponseRedirect(reverse("admin:paper_run", args=[run.pk]))
        else:
            _done, count = attempt(form, lambda: customers_for(request.organization, _wish(form), clock.now()).count())
    rows = PaperRun.objects.filter(organization=request.organization).select_related("started_by")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    now = clock.now()
    context = console_context(
        request, _("Statements"), form=form, page=page, may_start=may_start, count=count,
        rows=[(run, progress_of(run, now)) for run in page],
        start_words=ngettext("Make %(n)d statement", "Make %(n)d statements", count or 0) % {"n": count or 0},
    )  # fmt: skip
    return render(request, "console/papers/runs.html", context, status=REFUSED if form.errors else 200)


def _form(request: ConsoleRequest) -> Form:
    today = request.organization.today(clock.now())
    first, last = month_of(today.replace(day=1) - timedelta(days=1))
    return Form(
        [
            Field("first", gettext_lazy("From"), "date", first.isoformat()),
            Field("last", gettext_lazy("To"), "date", last.isoformat()),
            Field("choice", gettext_lazy("Customers"), "select", Choice.MOVED, choices=Choice.choices),
            Field(
                "codes", gettext_lazy("Codes, if only these"), "area", required=False, longest=20_000,
                help=gettext_lazy("One a line, or separated by commas."),
            ),
            Field("by_email", gettext_lazy("Send each by e-mail"), "select", "", choices=YES_NO, required=False),
        ],
        hidden={"key": get_random_string(22)},
    )  # fmt: skip


def _wish(form: Form) -> RunWish:
    if form.typed("choice") not in Choice.values:
        raise BadInput(gettext_lazy("Choose one of the list."), field="choice", code="not_in_list")
    return RunWish(
        first=parse_day(form.typed("first"), field="first"), last=parse_day(form.typed("last"), field="last"),
        choice=Choice(form.typed("choice")), by_email=bool(form.typed("by_email")),
        codes=form.typed("codes").replace(",", " ").split(), request_key=form.typed("key")[:80],
    )  # fmt: skip


def _start(request: ConsoleRequest, form: Form) -> PaperRun:
    run = start_run(organization=request.organization, wish=_wish(form), now=clock.now(), by=request.user)
    async_task("receipts.tasks.make_papers_now")
    return run


@console_path("paper-runs/<int:pk>/", "paper_run", "see_receivables")
@require_GET
def paper_run(request: ConsoleRequest, pk: int) -> HttpResponse:
    """How far it is; the page looks again by itself until it is done, and stays as its result."""
    run = _run(request, pk)
    failed = run.items.filter(state=PaperItemState.FAILED).select_related("customer").order_by("customer__code")
    running, progress = run.state == PaperRunState.RUNNING, progress_of(run, clock.now())
    context = console_context(
        request, _("Statements {run}").format(run=run), run=run, progress=progress,
        minutes_left=_left_words(progress.left) if progress.left else "",
        failed=list(failed[:FAILED_SHOWN]), running=running, look=f"paper_run.{run.state}",
        may_change=may_here(request, ACTION, Mode.DO),
    )  # fmt: skip
    answer = render(request, "console/papers/run.html", context)
    if running:
        answer["Refresh"] = str(LOOK_AGAIN)
    return answer


@console_path("paper-runs/<int:pk>/pause/", "paper_run_pause", ACTION, Mode.DO)
@require_POST
def paper_run_pause(request: ConsoleRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    return _did(request, run, lambda: pause_run(run=run), _("Paused. What is made stays."))


@console_path("paper-runs/<int:pk>/cancel/", "paper_run_cancel", ACTION, Mode.DO)
@require_POST
def paper_run_cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    return _did(request, run, lambda: cancel_run(run=run, now=clock.now()), _("Cancelled. What is made stays."))


@console_path("paper-runs/<int:pk>/go-on/", "paper_run_go_on", ACTION, Mode.DO)
@require_POST
def paper_run_go_on(request: ConsoleRequest, pk: int) -> HttpResponse:
    """After a pause; or after the end, for those that failed."""
    run = _run(request, pk)
    return _did(request, run, lambda: _go_on(run), _("It goes on."))


def _did(request: ConsoleRequest, run: PaperRun, work: Callable[[], None], sentence: str) -> HttpResponse:
    form = Form([])
    done, _nothing = attempt(form, work)
    return back_to(request, "paper_run", run.pk, sentence if done else " ".join(form.errors))


def _go_on(run: PaperRun) -> None:
    go_on(run=run)
    async_task("receipts.tasks.make_papers_now")


@console_path("paper-runs/<int:pk>/papers.zip", "paper_run_zip", "see_receivables")
@require_GET
def paper_run_zip(request: ConsoleRequest, pk: int) -> Any:
    """All papers of a finished run in one file, piece by piece."""
    run = _run(request, pk)
    if not run.stored_as:
        raise Http404
    name = f"statements-{run.period_start}-{run.period_end}.zip"

    pieces = _pieces(run, name)
    try:
        head = next(pieces)  # a file that was changed is refused before anything is sent
    except FileGone as trouble:
        return back_to(request, "paper_run", pk, trouble)
    answer = StreamingHttpResponse(_after(head, pieces), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Content-Length"] = str(run.size)
    answer["Cache-Control"] = "no-store"
    return answer


def _pieces(run: PaperRun, name: str) -> Iterator[bytes]:
    with open_sealed(run.stored_as, sha256=run.sha256, name=name) as file:
        while piece := file.read(PIECE):
            yield piece


def _after(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _left_words(left: timedelta) -> str:
    minutes = -(-int(left.total_seconds()) // 60)
    return ngettext("about %(n)d minute", "about %(n)d minutes", minutes) % {"n": minutes}


def _run(request: ConsoleRequest, pk: int) -> PaperRun:
    rows = PaperRun.objects.select_related("organization", "started_by")
    run = rows.filter(organization=request.organization, pk=pk).first()
    if run is None:
        raise Http404
    return run
