"""Processor proof at the console: how each account stands, what differs, how it was over time (R151, R152)."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.office import clock
from billing.office.models.user import Mode
from billing.transactions import in_transaction
from payments.models import GatewayAccount, Settlement
from reconciliation.admin import differences_words as differences_words
from reconciliation.admin.difference_deeds import may_explain
from reconciliation.models import ProcessorDiscrepancy
from reconciliation.selectors.differences import (
    BATCHES_SHOWN,
    age_in_days,
    latest_proofs,
    proofs_over_time,
    standing_at,
    unproven_accounts,
)
from reconciliation.selectors.payouts import received_for
from reconciliation.services.differences import WORK
from reconciliation.services.processors.proving import prove_account, prove_processors

PER_PAGE = 50


@console_path("processors/", "processor_proofs", "see_receivables")
@require_GET
def processor_proofs(request: ConsoleRequest) -> HttpResponse:
    """Each processor's account as it was proven last. Three queries."""
    proofs = latest_proofs(request.organization)
    context = console_context(
        request, _("Processor proof"), proofs=proofs, unproven=unproven_accounts(request.organization, proofs),
        may_work=may_here(request, WORK, Mode.DO),
    )  # fmt: skip
    return render(request, "console/processor/list.html", context)


@console_path("processors/prove/", "prove_processors", WORK, Mode.DO)
@require_POST
def prove(request: ConsoleRequest) -> HttpResponse:
    """Prove all accounts now."""
    now = clock.now()
    prove_processors(organization=request.organization, as_of=request.organization.today(now), now=now)
    messages.success(request, _("Proven as of now."))
    return HttpResponseRedirect(reverse("admin:processor_proofs"))


@console_path("processors/<int:pk>/", "processor_proof", "see_receivables")
@require_GET
def processor_proof(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One account: its figures, what differs, its batches with what the bank has of them, the days before."""
    account = get_object_or_404(GatewayAccount, pk=pk, organization=request.organization)
    today, received = request.organization.today(clock.now()), received_for(account)
    page = Paginator(standing_at(account), PER_PAGE).get_page(request.GET.get("page"))
    batches = list(Settlement.objects.filter(gateway_account=account).order_by("-settled_on", "-pk")[:BATCHES_SHOWN])
    days = proofs_over_time(account)
    latest = [proof for proof in days if days and proof.as_of == days[0].as_of]
    context = console_context(
        request, str(account), account=account, latest=latest, days=days, page=page,
        rows=[(row, age_in_days(row.since, today)) for row in page],
        batches=[(row, received.get(row.pk)) for row in batches], may_work=may_here(request, WORK, Mode.DO),
    )  # fmt: skip
    return render(request, "console/processor/page.html", context)


@console_path("processors/<int:pk>/prove/", "prove_processor", WORK, Mode.DO)
@require_POST
def prove_one(request: ConsoleRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(GatewayAccount, pk=pk, organization=request.organization)
    now = clock.now()
    in_transaction(partial(prove_account, account=account, as_of=request.organization.today(now), now=now))
    messages.success(request, _("Proven as of now."))
    return HttpResponseRedirect(reverse("admin:processor_proof", args=[pk]))


@console_path("processors/differences/<int:pk>/", "processor_difference", "see_receivables")
@require_GET
def processor_difference(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One difference, both sides, and what may be done about it."""
    rows = ProcessorDiscrepancy.objects.select_related(
        "gateway_account", "owner", "attempt__customer", "payment", "settlement", "line", "explained_by"
    )
    row = get_object_or_404(rows, pk=pk, organization=request.organization)
    context: dict[str, Any] = console_context(
        request, row.get_kind_display(), row=row, age=age_in_days(row.since, request.organization.today(clock.now())),
        stands=row.state != "resolved", may_work=may_here(request, WORK, Mode.DO, Mode.MAKE), kind="processor",
        may_explain=may_explain(request),
    )  # fmt: skip
    return render(request, "console/processor/difference.html", context)
