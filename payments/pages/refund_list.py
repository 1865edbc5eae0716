"""Refunds of a family: all of them, and one with its steps, its arithmetic and its documents (R91, R98, R101, R189)."""

from datetime import date
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
from billing.office.models import User
from billing.pages.own import own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import Refund
from payments.models.refund import RefundState
from payments.pages.own import own_refund
from payments.pages.papers import keep_papers, own_papers, show_paper
from payments.pages.refund_words import STATES, is_late, steps_of, way_words
from payments.selectors.refunds import WAITING
from payments.services.refunding import subject_of, withdraw_refund

PER_PAGE = 20


@require_GET
@login_required
def refunds(request: HttpRequest) -> HttpResponse:
    """Own ones alone, the newest first. Four queries."""
    customers, now = own_customers(user_of(request)), clock.now()
    rows = Refund.objects.filter(customer__in=customers).select_related("organization", "customer", "payment")
    page = Paginator(rows.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page, "rows": [_row(one, one.organization.today(now)) for one in page], "customers": customers,
        "several": len({one.organization_id for one in customers}) > 1,
    }  # fmt: skip
    return render(request, "pages/refunds/list.html", context)


def _row(refund: Refund, today: date) -> dict[str, Any]:
    return {"refund": refund, "state": STATES[refund.state], "waits": refund.state in WAITING,
            "late": is_late(refund, today)}  # fmt: skip


@require_GET
@login_required
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    """Five queries."""
    return _page(request, own_refund(user_of(request), pk))


def _page(request: HttpRequest, found: Refund, problem: str = "") -> HttpResponse:
    user = user_of(request)
    row = _row(found, found.organization.today(clock.now()))
    context = row | {
        "steps": steps_of(found), "problem": problem, "papers": own_papers(subject_of(found), found.customer),
        "way": way_words(found.destination, found.payment.method if found.payment else ""),
        "is_paid": found.state == RefundState.PROCESSED, "may_withdraw": _may_withdraw(found, user),
        "may_add": found.state in WAITING,
    }  # fmt: skip
    return render(request, "pages/refunds/refund.html", context, status=422 if problem else 200)


def _may_withdraw(found: Refund, user: User) -> bool:
    return found.state in (RefundState.REQUESTED, RefundState.APPROVED) and found.requested_by_id == user.pk


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """By whoever asked, until it is sent. The second of two clicks finds it withdrawn."""
    user = user_of(request)
    found = own_refund(user, pk)
    if found.state == RefundState.WITHDRAWN:
        return HttpResponseRedirect(reverse("family_refund", args=[pk]))
    try:
        with explained():
            in_transaction(partial(
                withdraw_refund, refund=found, reason="withdrawn by the customer", now=clock.now(), by=user
            ))  # fmt: skip
    except DomainError as refusal:
        return _page(request, own_refund(user, pk), str(refusal))
    messages.success(request, _("Your request is withdrawn. Nothing is paid back."))
    return HttpResponseRedirect(reverse("family_refund", args=[pk]))


@require_POST
@login_required
def add_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Another photo or PDF about a refund that waits. The same file is kept once."""
    user = user_of(request)
    found = own_refund(user, pk)
    if found.state not in WAITING:
        raise Http404
    try:
        keep_papers(request, subject=subject_of(found), organization=found.organization, needed=True)
    except DomainError as refusal:
        return _page(request, found, str(refusal))
    messages.success(request, _("The office has your document."))
    return HttpResponseRedirect(reverse("family_refund", args=[pk]))


@require_GET
@login_required
def paper(request: HttpRequest, pk: int, document_pk: int) -> HttpResponse:
    """What the family itself sent; the office's own papers are not theirs to see."""
    found = own_refund(user_of(request), pk)
    return show_paper(subject_of(found), found.customer, document_pk)
