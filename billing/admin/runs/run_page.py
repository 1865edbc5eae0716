"""The page of a billing run: what it bills, odd bills on top with the reason, every bill with its lines (R52)."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import waiting_for
from billing.admin.plans.reading import shown_lines
from billing.admin.runs.runs_page import SEE
from billing.inputs import safe_cell
from billing.models import BillingRun
from billing.models.billing_run import BillingRunItem, ItemState, RunState
from billing.rules.words_runs import ODDITY_WORDS, said_reason
from billing.selectors.run_facts import run_figures
from billing.services.runs.approving import ACTION, needs_second_person
from billing.services.runs.changing import subject_of

PER_PAGE = 50
SHOW = {
    "": gettext_lazy("all"), "odd": gettext_lazy("unusual"), "excluded": gettext_lazy("left out"),
    "refused": gettext_lazy("could not be billed"), "voided": gettext_lazy("void"),
}  # fmt: skip
HEADS = (
    "ordinal", "agreement", "customer_code", "customer_name", "period_start", "period_end", "due_on", "currency", "net",
    "tax", "amount", "last_time", "unusual", "state", "reason", "document",
)  # fmt: skip


def find_run(request: ConsoleRequest, pk: int) -> BillingRun:
    """The run of the organization worked in, or 404."""
    rows = BillingRun.objects.select_related("organization", "made_by", "approval__decided_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("runs/<int:pk>/", "billing_run", SEE)
@require_GET
def run_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    run = find_run(request, pk)
    show, query = request.GET.get("show", ""), request.GET.get("q", "").strip()[:80]
    page = Paginator(_items(run, show, query), PER_PAGE).get_page(request.GET.get("page"))
    figures = run_figures(run)
    context = console_context(
        request, run.number, run=run, figures=figures, look=f"run.{run.state}", page=page, show=show, query=query,
        rows=[shown_bill(item) for item in page], tabs=list(SHOW.items()),
        planned=figures.by_state.get(ItemState.PLANNED, 0), excluded=figures.by_state.get(ItemState.EXCLUDED, 0),
        refused=figures.by_state.get(ItemState.REFUSED, 0), billed=figures.by_state.get(ItemState.BILLED, 0),
        is_preview=run.state == RunState.PREVIEW, may_change=may_here(request, ACTION, *ASKING),
        second=needs_second_person(request.organization), waiting=waiting_for(request, [subject_of(run)]),
    )  # fmt: skip
    return render(request, "console/runs/run.html", context)


@console_path("runs/<int:pk>/csv/", "billing_run_csv", SEE)
@require_GET
def run_csv(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Every bill of the run, one a line."""
    run = find_run(request, pk)
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{run.number}.csv"'
    writer = csv.writer(response)
    writer.writerow(HEADS)
    for item in _items(run, "", "").iterator(chunk_size=2000):
        period, customer = item.installment, item.customer
        cells: list[Any] = [
            item.ordinal, item.agreement.number, customer.code, customer.name, period.period_start if period else "",
            period.period_end if period else "", item.due_on, item.currency, item.net_amount, item.tax_amount,
            item.amount, item.previous_amount, " ".join(item.oddities), item.state, said_reason(item.reason),
            _document(item),
        ]  # fmt: skip
        writer.writerow([safe_cell(cell) for cell in cells])
    return response


def _items(run: BillingRun, show: str, query: str) -> QuerySet[BillingRunItem]:
    rows = BillingRunItem.objects.filter(run=run).select_related(
        "agreement", "agreement__student", "customer", "installment", "invoice", "credit_memo"
    )
    if show == "odd":
        rows = rows.exclude(oddities=[])
    elif show in ItemState.values:
        rows = rows.filter(state=show)
    if query:
        rows = rows.filter(
            Q(customer__name__icontains=query) | Q(customer__latin_name__icontains=query)
            | Q(customer__code__iexact=query) | Q(agreement__number__iexact=query)
        )  # fmt: skip
    return rows.order_by("ordinal")


def shown_bill(item: BillingRunItem) -> dict[str, Any]:
    """A bill as the page shows it: why it is unusual, how its lines came about, what became of it."""
    return {
        "item": item, "look": f"bill.{item.state}", "lines": shown_lines(item.lines, item.currency),
        "odd": [ODDITY_WORDS[code] for code in item.oddities], "reason": said_reason(item.reason),
        "more": None if item.previous_amount is None else item.amount - item.previous_amount,
    }  # fmt: skip


def _document(item: BillingRunItem) -> str:
    document = item.invoice or item.credit_memo
    return document.number if document is not None else str(_("none") if item.state == ItemState.BILLED else "")
