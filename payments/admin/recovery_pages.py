"""Charges that failed and wait for a person: why, and what may be decided (R44, R49, R66, R69)."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.errors import DomainError
from billing.office import clock
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import RetryDecision
from payments.services.methods.words import declined_words
from payments.services.recovery.releasing import DEEDS, RESOLVE, decide_by_person, may_try, waiting
from payments.services.recovery.words import told

PER_PAGE = 50


@console_path("failed-charges/", "failed_charges", "see_receivables")
@require_GET
def failed_charges(request: ConsoleRequest) -> HttpResponse:
    """What waits for a person, oldest first. About five queries, and a few for each row on the page."""
    page = Paginator(waiting(request.organization), PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Failed charges"), page=page, rows=[_row(one) for one in page],
        may_decide=may_here(request, RESOLVE, Mode.CHECK, Mode.MAKE),
    )  # fmt: skip
    return render(request, "console/recovery/failed_charges.html", context)


def _row(decision: RetryDecision) -> dict[str, Any]:
    failed = decision.failed
    return {
        "decision": decision, "failed": failed, "words": declined_words(failed.reason),
        "because": told(decision.because, failed.currency), "may_try": may_try(decision, clock.now()),
        "invoices": [claim.invoice for claim in failed.claims.all()],
    }  # fmt: skip


@console_path("failed-charges/<int:pk>/decide/", "failed_charge_decide", RESOLVE, Mode.CHECK, Mode.MAKE)
@require_POST
def decide(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One of releasing.DEEDS. Done twice it is done once."""
    rows = RetryDecision.objects.filter(failed__organization=request.organization)
    decision = get_object_or_404(rows, pk=pk)
    deed = request.POST.get("deed", "")
    try:
        with explained():
            in_transaction(lambda: decide_by_person(pk=decision.pk, deed=deed, now=clock.now(), by=request.user))
        messages.success(request, str(DEEDS[deed]))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("admin:failed_charges"))
