"""What became of a family's money: payments, refunds, tries that failed, and credit (R156, R177)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.office import clock
from billing.pages.listing import Page, child_of, one_of, own_of, page_of, year_of
from billing.pages.own import user_of
from billing.selectors.family_invoices import children_of
from payments.models import AttemptClaim, Payment, Refund
from payments.models.refund import RefundState
from payments.pages.paying import usable_purses
from payments.services.methods.words import declined_words
from receipts.selectors import family_history
from receipts.selectors.family_history import Wanted, own_credits, own_failures, own_payments, own_refunds, used_of

Rows = Sequence[Mapping[str, Any]]


@require_GET
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """?show=payments (default), refunds or failures; &school= &child= &year= &page=. Raises Http404."""
    show = one_of(request, "show", KINDS) or "payments"
    wanted, context = _wanted(request, clock.now())
    own, shown = KINDS[show]
    rows = own(wanted)
    page = page_of(request, rows, rows.count())
    return render(request, "pages/history.html", context | {"show": show, "page": page, "rows": shown(page)})


@require_GET
@login_required
def credits(request: HttpRequest) -> HttpResponse:
    """Credit and how it was used; ?school= &year= &page=. Raises Http404."""
    now = clock.now()
    wanted, context = _wanted(request, now)
    rows = own_credits(wanted)
    page = page_of(request, rows.select_related("organization", "credit_memo", "transfer_in", "payment"), rows.count())
    used = used_of(item.pk for item in page.rows)
    context |= {"page": page, "rows": [(item, used.get(item.pk)) for item in page.rows], "children": ()}
    context["purses"] = usable_purses(user_of(request), now)
    return render(request, "pages/credits.html", context)


def _wanted(request: HttpRequest, now: datetime) -> tuple[Wanted, dict[str, Any]]:
    """What the list is narrowed to, and what the form that narrows it offers. Raises Http404."""
    own = own_of(user_of(request), now)
    children, years = children_of(own.customer_ids), family_history.years_of(own.customer_ids)
    wanted = Wanted(
        own.customer_ids, own.organizations, one_of(request, "school", (one.code for one in own.organizations)),
        child_of(request, children), year_of(request, years),
    )  # fmt: skip
    is_narrowed = bool(wanted.school or wanted.child or wanted.year)
    return wanted, {
        "wanted": wanted, "schools": own.organizations, "children": children, "years": years, "is_narrowed": is_narrowed
    }  # fmt: skip


def _payments(page: Page) -> Rows:
    """With what each paid and what went back of it. Two queries."""
    used = used_of(one.credit_item_id for one in page.rows)
    went_back: dict[int, list[Refund]] = {}
    for refund in Refund.objects.filter(payment__in=page.rows, state__in=GOING_BACK).order_by("pk"):
        went_back.setdefault(refund.payment_id or 0, []).append(refund)
    return [
        {
            "payment": one, "used": used.get(one.credit_item_id or 0), "receipt": getattr(one, "receipt", None),
            "method": one.attempt.method if hasattr(one, "attempt") else None, "refunds": went_back.get(one.pk, []),
        }
        for one in page.rows
    ]  # fmt: skip


def _refunds(page: Page) -> Rows:
    return [{"refund": one} for one in page.rows]


def _failures(page: Page) -> Rows:
    return [{"attempt": one, "words": declined_words(one.reason)} for one in page.rows]


def _with_papers(wanted: Wanted) -> QuerySet[Payment]:
    return own_payments(wanted).select_related("organization", "receipt", "credit_item", "attempt__method")


def _with_payment(wanted: Wanted) -> QuerySet[Refund]:
    return own_refunds(wanted).select_related("organization", "payment")


def _with_claims(wanted: Wanted) -> QuerySet[Any]:
    claims = Prefetch("claims", AttemptClaim.objects.select_related("invoice").order_by("pk"))
    return own_failures(wanted).select_related("organization", "method").prefetch_related(claims)


GOING_BACK = (RefundState.APPROVED, RefundState.SUBMITTED, RefundState.PROCESSED)
KINDS: Mapping[str, tuple[Callable[[Wanted], QuerySet[Any]], Callable[[Page], Rows]]] = {
    "payments": (_with_papers, _payments),
    "refunds": (_with_payment, _refunds),
    "failures": (_with_claims, _failures),
}
