"""Billing runs: what waits to be billed, preparing a run, the runs there were (R52)."""

from datetime import date, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.working import REFUSED, Field, Form, attempt
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.models import BillingRun
from billing.models.billing_run import RunKind, RunState
from billing.office import clock
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.selectors.billable import due_figures
from billing.selectors.run_facts import figures_of_runs
from billing.services.runs.approving import ACTION, needs_second_person
from billing.services.runs.changing import NothingToBill
from billing.services.runs.preparing import RunOrder, prepare_run

PER_PAGE = 25
SEE = "manage_agreements"


@console_path("runs/", "billing_runs", SEE)
@require_http_methods(["GET", "POST"])
def runs_page(request: ConsoleRequest) -> HttpResponse:
    """GET: what a run would bill now and the runs so far. POST prepares one to look at."""
    today = request.organization.today(clock.now())
    until = today + timedelta(days=_days_ahead(request.organization))
    form = _form(until)
    may_prepare = may_here(request, ACTION, *ASKING)
    if request.method == "POST" and may_prepare:
        run = _prepare(request, form.read(request.POST), today)
        if run is not None:
            return HttpResponseRedirect(reverse("admin:billing_run", args=[run.pk]))
    rows = BillingRun.objects.filter(organization=request.organization).select_related("made_by")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    figures = figures_of_runs(list(page))
    context = console_context(
        request, _("Billing runs"), form=form, today=today, until=until, page=page, may_prepare=may_prepare,
        rows=[{"run": run, "figures": figures[run.pk], "look": f"run.{run.state}"} for run in page],
        due=due_figures(request.organization, until, today), second=needs_second_person(request.organization),
        open_run=rows.filter(state=RunState.PREVIEW).first(),
    )  # fmt: skip
    return render(request, "console/runs/runs.html", context, status=REFUSED if form.errors else 200)


def _days_ahead(organization: Organization) -> int:
    """How far ahead a run is prepared: only where it is looked at before it goes out."""
    book = policies_for(organization)
    return book.number("billing.preview_days") if book.flag("billing.needs_approval") else 0


def _form(until: date) -> Form:
    kinds = [
        (RunKind.REGULAR, gettext_lazy("regular: everything due that nobody left out")),
        (RunKind.SUPPLEMENT, gettext_lazy("supplement: late enrolments, and what earlier runs left out or voided")),
    ]
    return Form(
        [
            Field("kind", gettext_lazy("Run"), "select", RunKind.REGULAR, choices=kinds),
            Field("until", gettext_lazy("Everything to bill up to"), "date", until.isoformat()),
        ]
    )


def _prepare(request: ConsoleRequest, form: Form, today: date) -> BillingRun | None:
    def work() -> Any:
        until = parse_day(form.typed("until"), field="until")
        if form.typed("kind") not in RunKind.values:
            raise BadInput(gettext_lazy("Choose one of the list."), field="kind", code="not_in_list")
        order = RunOrder(RunKind(form.typed("kind")), until, today)
        run = prepare_run(organization=request.organization, order=order, now=clock.now(), by=request.user)
        if run is None:
            raise NothingToBill(until=until, field="until")
        return run

    _done, run = attempt(form, work)
    return run
