"""Adjustments at the console: the list, a new one with its preview, one with what can be done (R141, R167)."""

from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.books.adjustment_form import (
    head_form,
    place_errors,
    read_order,
    read_rows,
    usable_accounts,
)
from billing.admin.books.filters import ADJUST, SEE
from billing.admin.invoice_page import waiting_for
from billing.admin.working import REFUSED, Form, attempt, back_to
from billing.ledger.models import AdjustmentEntry, AdjustmentState
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.journal import entries_with_lines
from billing.services.books.adjusting import AdjustmentOrder, check_order, make_adjustment

PER_PAGE = 50


@console_path("ledger/adjustments/", "adjustments", SEE)
@require_GET
def adjustments(request: ConsoleRequest) -> HttpResponse:
    """Newest first. Two queries."""
    rows = AdjustmentEntry.objects.filter(organization=request.organization)
    rows = rows.select_related("made_by", "entry", "reverses").order_by("-id")
    context = console_context(
        request, _("Adjustments"), page=Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        may_make=may_adjust(request),
    )  # fmt: skip
    return render(request, "console/books/adjustments.html", context)


def may_adjust(request: ConsoleRequest) -> bool:
    return may_here(request, ADJUST, Mode.MAKE, Mode.CHECK)


@console_path("ledger/adjustments/new/", "adjustment_new", ADJUST, Mode.MAKE, Mode.CHECK)
@require_http_methods(["GET", "POST"])
def adjustment_new(request: ConsoleRequest) -> HttpResponse:
    """Rows to fill in; "Preview" checks them and shows the sums, "Ask" writes the document and asks for approval."""
    form = head_form(request)
    deed = request.POST.get("do", "")
    rows = read_rows(request.POST, more=deed == "more")
    order: AdjustmentOrder | None = None
    previewed = False
    if request.method == "POST":
        form.read(request.POST)
        if deed != "more":
            done, order = attempt(form, lambda: _checked(request, form, rows))
            if done and order is not None and deed == "ask":
                made = _make(request, form, order)
                if made is not None:
                    return back_to(request, "adjustment", made.pk, _("Asked for. Another finance manager decides."))
            previewed = done and not form.errors
        place_errors(form, rows)
    context = console_context(
        request, _("New adjustment"), form=form, rows=rows, accounts=usable_accounts(request), sums=_sums(rows),
        previewed=previewed, order=order, currency=form.typed("currency"), number_of_rows=len(rows),
    )  # fmt: skip
    return render(request, "console/books/adjustment_new.html", context, status=REFUSED if form.errors else 200)


def _checked(request: ConsoleRequest, form: Form, rows: list[Any]) -> AdjustmentOrder:
    order = read_order(form, rows)
    check_order(request.organization, order, clock.now())
    return order


def _make(request: ConsoleRequest, form: Form, order: AdjustmentOrder) -> AdjustmentEntry | None:
    _done, made = attempt(
        form,
        lambda: make_adjustment(
            organization=request.organization, order=order, request_key=form.typed("request_key"), now=clock.now(),
            by=request.user,
        ),
    )  # fmt: skip
    return made


def _sums(rows: list[Any]) -> dict[str, Decimal]:
    """What the server adds up of what could be read, for the foot of the table."""
    sums = {side: Decimal(0) for side in ("debit", "credit")}
    for row in rows:
        for side in sums:
            text = row.typed[side].replace(",", "")
            if text.isascii() and text.replace(".", "", 1).isdigit():
                sums[side] += Decimal(text)
    return {**sums, "difference": abs(sums["debit"] - sums["credit"])}


def find_adjustment(request: ConsoleRequest, pk: int) -> AdjustmentEntry:
    rows = AdjustmentEntry.objects.select_related(
        "organization", "made_by", "entry", "reverses", "approval__decided_by"
    )
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("ledger/adjustments/<int:pk>/", "adjustment", SEE)
@require_GET
def adjustment(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The document, who approved it, what was posted, what takes it back. Seven queries."""
    found = find_adjustment(request, pk)
    alive = (AdjustmentState.WAITING, AdjustmentState.POSTED)
    reversal = found.reversals.filter(state__in=alive).first()
    waiting = waiting_for(request, [f"adjustment:{pk}"])
    may = may_adjust(request)
    context = console_context(
        request, found.number, adjustment=found, waiting=waiting, reversal=reversal,
        lines=list(found.lines.select_related("account").order_by("ordinal")), show_journal=True,
        entries=entries_with_lines(found.organization_id, {found.entry_id}) if found.entry_id else [],
        may_withdraw=may and found.state == AdjustmentState.WAITING,
        may_ask=may and found.state == AdjustmentState.WAITING and not waiting,
        may_reverse=may and found.state == AdjustmentState.POSTED and not reversal and not found.reverses_id,
    )  # fmt: skip
    return render(request, "console/books/adjustment.html", context)
