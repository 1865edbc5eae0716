"""Payouts: the batches, a preview of the next, and the page of one with what can be done (R89, R90)."""

import csv
from typing import Any
from uuid import uuid4

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.earning.provider_page import csv_answer
from billing.admin.earning.rights import PAY, SEE
from billing.admin.invoice_page import waiting_for
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import DomainError
from billing.inputs import parse_day, safe_cell
from billing.models import Earning, PayoutBatch
from billing.models.earning import PayoutBatchState
from billing.money import ZERO
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.payable import Payable, carried_forward, payable, to_pay
from billing.services.earning.payouts import prepare_payouts

MOST = 200


def find_batch(request: ConsoleRequest, pk: int) -> PayoutBatch:
    rows = PayoutBatch.objects.select_related("organization", "made_by", "approval__decided_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("payouts/", "payouts", PAY)
@require_GET
def payouts(request: ConsoleRequest) -> HttpResponse:
    """The last batches, and what is owed now. Five queries."""
    now = clock.now()
    batches = PayoutBatch.objects.filter(organization=request.organization).select_related("made_by")[:MOST]
    currency = request.organization.currency
    found = payable(request.organization, request.organization.today(now), currency, now)
    context = console_context(
        request, _("Payouts"), batches=list(batches), currency=currency, may_make=may_here(request, PAY, Mode.MAKE),
        ready=sum((one.amount for one in to_pay(found)), ZERO), people=len(to_pay(found)),
    )  # fmt: skip
    return render(request, "console/earning/payouts.html", context)


@console_path("payouts/new/", "payout_new", PAY, Mode.MAKE)
@require_http_methods(["GET", "POST"])
def payout_new(request: ConsoleRequest) -> HttpResponse:
    """GET shows who would be paid up to a day; POST prepares the batch."""
    form = _form(request)
    if request.method == "POST":
        form.read(request.POST)
        done, batch = attempt(
            form,
            lambda: prepare_payouts(
                organization=request.organization, earned_until=parse_day(form.typed("until"), field="until"),
                currency=form.typed("currency"), request_key=form.typed("request_key"), now=clock.now(),
                by=request.user,
            ),
        )  # fmt: skip
        if done and batch is not None:
            return back_to(request, "payout_batch", batch.pk, _("Prepared. Ask for approval next."))
    found = _preview(request, form)
    paid = to_pay(found)
    context = console_context(
        request, _("Prepare a payout"), form=form, paid=paid, carried=carried_forward(found),
        total=sum((one.amount for one in paid), ZERO), currency=form.typed("currency"),
    )  # fmt: skip
    return render(request, "console/earning/payout_new.html", context, status=REFUSED if form.errors else 200)


def _form(request: ConsoleRequest) -> Form:
    today = request.organization.today(clock.now())
    until = Field("until", gettext_lazy("Earned up to"), "date", request.GET.get("until") or today.isoformat())
    unpaid = Earning.objects.filter(organization=request.organization, payout__isnull=True)
    ours = request.organization.currency
    others = set(unpaid.order_by().values_list("currency", flat=True).distinct()) - {ours}
    asked = request.GET.get("currency", "")
    chosen = asked if asked in others else ours
    if not others:
        return Form([until], hidden={"currency": ours, "request_key": uuid4().hex})
    choices = [(one, one) for one in (ours, *sorted(others))]
    currency = Field("currency", gettext_lazy("Currency"), "select", chosen, choices=choices)
    return Form([until, currency], hidden={"request_key": uuid4().hex})


def _preview(request: ConsoleRequest, form: Form) -> list[Payable]:
    try:
        until = parse_day(form.typed("until"), field="until")
    except DomainError as refusal:
        if not form.errors:
            form.refuse(refusal)
        return []
    return payable(request.organization, until, form.typed("currency"), clock.now())


@console_path("payouts/<int:pk>/", "payout_batch", PAY)
@require_GET
def payout_batch(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Who is paid how much; ?format=csv gives the file for the bank, once it is approved. Six queries."""
    batch = find_batch(request, pk)
    rows = list(
        batch.payouts.select_related("provider", "entry").annotate(earned=Count("earnings")).order_by("provider__name")
    )
    makes, state = may_here(request, PAY, Mode.MAKE), batch.state
    has_file = state in (PayoutBatchState.APPROVED, PayoutBatchState.PAID)
    if has_file and request.GET.get("format") == "csv":
        return _bank_csv(batch, rows)
    pays = makes or may_here(request, PAY, Mode.CHECK)
    context = console_context(
        request, batch.number, batch=batch, rows=rows, waiting=waiting_for(request, [f"payout_batch:{pk}"]),
        may_ask=makes and state == PayoutBatchState.DRAFT, may_pay=pays and state == PayoutBatchState.APPROVED,
        may_cancel=makes and state in (PayoutBatchState.DRAFT, PayoutBatchState.APPROVED),
        sees_pay=may_here(request, SEE), has_file=has_file,
    )  # fmt: skip
    return render(request, "console/earning/payout_batch.html", context)


def _bank_csv(batch: PayoutBatch, rows: list[Any]) -> HttpResponse:
    """One payment a line. The bank knows the payee by its code: account numbers are not kept here (invariant 47)."""
    response = csv_answer(f"{batch.number}.csv")
    writer = csv.writer(response)
    writer.writerow(("payee", "name", "amount", "currency", "reference"))
    for row in rows:
        payee = [safe_cell(text) for text in (row.provider.code, row.provider.latin_name or row.provider.name)]
        writer.writerow((*payee, row.amount, row.currency, f"{batch.number}/{row.pk}"))
    return response
