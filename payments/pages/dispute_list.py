"""What a family says is not right: all of it, and one file with its steps, answers and papers (R107, R124)."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.errors import DomainError
from billing.office import clock
from billing.office.models import KeptDocument
from billing.pages.own import kept, own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import Dispute
from payments.models.dispute import DisputeKind, DisputeState
from payments.pages.dispute_words import CAUSES, state_of, steps_of
from payments.pages.own import own_dispute
from payments.pages.papers import sent_files, show_paper
from payments.selectors.disputes import OPEN
from payments.services.dispute_asking import PAGE, add_word
from payments.services.dispute_outcomes import withdraw_dispute

PER_PAGE = 20


@require_GET
@login_required
def disputes(request: HttpRequest) -> HttpResponse:
    """Own ones alone, the newest first. Four queries."""
    customers = own_customers(user_of(request))
    rows = Dispute.objects.filter(customer__in=customers).select_related("organization", "invoice", "payment")
    page = Paginator(rows.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page, "several": len({one.organization_id for one in customers}) > 1,
        "rows": [{"dispute": one, "state": state_of(one), "waits": one.state in OPEN} for one in page],
    }  # fmt: skip
    return render(request, "pages/disputes/list.html", context)


@require_GET
@login_required
def dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """Five queries."""
    return _page(request, own_dispute(user_of(request), pk))


def _page(request: HttpRequest, found: Dispute, problem: str = "") -> HttpResponse:
    events = list(found.events.order_by("id"))
    is_open, is_theirs = found.state in OPEN, found.kind != DisputeKind.CHARGEBACK
    context: dict[str, Any] = {
        "dispute": found, "state": state_of(found), "steps": steps_of(found, events), "problem": problem,
        "words": [event for event in events if event.channel == PAGE], "cause": CAUSES[found.reason_code],
        "papers": _papers(found), "is_theirs": is_theirs, "waits": is_open, "may_add": is_open and is_theirs,
        "typed": kept(request.POST.get("text", "")),
        "may_withdraw": is_open and is_theirs and found.opened_by_id == user_of(request).pk,
    }  # fmt: skip
    return render(request, "pages/disputes/dispute.html", context, status=422 if problem else 200)


def _papers(found: Dispute) -> list[KeptDocument]:
    """What the family itself sent with any line of the file. One query."""
    subjects = [f"dispute_event:{pk}" for pk in found.events.values_list("pk", flat=True)]
    rows = KeptDocument.objects.filter(organization=found.organization_id, subject__in=subjects)
    return list(rows.filter(kept_by__customers=found.customer_id).order_by("pk"))


@require_POST
@login_required
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """More words and papers while the file is open. The same words a moment later are a second click: one line."""
    user = user_of(request)
    found = own_dispute(user, pk)
    try:
        files = sent_files(request)
        with explained():
            in_transaction(partial(
                add_word, dispute=found, text=request.POST.get("text", ""), files=files, now=clock.now(), by=user
            ))  # fmt: skip
    except DomainError as refusal:
        return _page(request, own_dispute(user, pk), str(refusal))
    messages.success(request, _("The office has what you wrote."))
    return HttpResponseRedirect(reverse("family_dispute", args=[pk]))


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """By whoever asked, until it is settled. The second of two clicks finds it taken back."""
    user = user_of(request)
    found = own_dispute(user, pk)
    if found.state == DisputeState.WITHDRAWN:
        return HttpResponseRedirect(reverse("family_dispute", args=[pk]))
    try:
        with explained():
            in_transaction(partial(withdraw_dispute, dispute=found, now=clock.now(), by=user))
    except DomainError as refusal:
        return _page(request, own_dispute(user, pk), str(refusal))
    messages.success(request, _("You took it back. Everything is as it was before."))
    return HttpResponseRedirect(reverse("family_dispute", args=[pk]))


@require_GET
@login_required
def paper(request: HttpRequest, pk: int, document_pk: int) -> HttpResponse:
    """What the family itself sent."""
    found = own_dispute(user_of(request), pk)
    mine = next((one for one in _papers(found) if one.pk == document_pk), None)
    if mine is None:
        raise Http404
    return show_paper(mine.subject, found.customer, document_pk)
