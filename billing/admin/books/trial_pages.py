"""Trial balance, and the journal lines behind each of its figures."""

from typing import TypeVar

from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.books.filters import SEE, kept_filters, key_of, read_slice, slice_form
from billing.ledger.models import GlBatch, LedgerAccount
from billing.selectors.books.trial_balance import lines_in, trial_balance

PER_PAGE = 100
M = TypeVar("M", LedgerAccount, GlBatch)


@console_path("ledger/trial-balance/", "trial_balance", SEE)
@require_GET
def trial_balance_page(request: ConsoleRequest) -> HttpResponse:
    """By account as of a day, whole or of a department or project. Three queries."""
    form = slice_form(request, with_since=False)
    part = read_slice(request, form)
    context = console_context(
        request, _("Trial balance"), form=form, part=part, balances=trial_balance(request.organization, part),
        kept=kept_filters(request, "until", "department", "project"),
        whole=part.department is None and part.project is None,
    )  # fmt: skip
    return render(request, "console/books/trial_balance.html", context, status=422 if form.errors else 200)


@console_path("ledger/lines/", "ledger_lines", SEE)
@require_GET
def ledger_lines(request: ConsoleRequest) -> HttpResponse:
    """The lines of ?account, ?batch, ?currency and the filters, oldest first, with their sums. About seven queries."""
    form = slice_form(request, with_since=True)
    rows = lines_in(request.organization, read_slice(request, form))
    account = _chosen(LedgerAccount, request, "account")
    batch = _chosen(GlBatch, request, "batch")
    currency = request.GET.get("currency", "")
    rows = rows.filter(account=account) if account else rows
    rows = rows.filter(entry__gl__batch=batch) if batch else rows
    rows = rows.filter(currency=currency) if currency else rows
    sums = rows.order_by("currency").values("currency").annotate(debits=Sum("debit"), credits=Sum("credit"))
    ordered = rows.select_related("entry", "account", "entry__gl__batch").order_by("entry__entry_date", "id")
    context = console_context(
        request, _("Journal lines"), form=form, account=account, batch=batch, currency=currency,
        page=Paginator(ordered, PER_PAGE).get_page(request.GET.get("page")), sums=list(sums),
        kept=kept_filters(request, "account", "batch", "currency", "since", "until", "department", "project"),
    )  # fmt: skip
    return render(request, "console/books/lines.html", context, status=422 if form.errors else 200)


def _chosen(model: type[M], request: ConsoleRequest, name: str) -> M | None:
    key = key_of(request.GET.get(name, ""))
    return None if key is None else model._default_manager.filter(organization=request.organization, pk=key).first()
