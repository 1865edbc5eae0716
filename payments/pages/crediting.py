"""A family uses its free credit for its own invoices: chooses, sees what would be left, confirms (R120-R124, R156)."""

import secrets
from collections.abc import Collection
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import BadInput, DomainError
from billing.models import Customer
from billing.money import format_money
from billing.office import clock
from billing.pages.own import user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import CreditUse
from payments.pages.own import own_customer
from payments.pages.paying import key_of
from payments.services.credit_using import (
    ChangedMeanwhile,
    NothingToUse,
    Outcome,
    Purse,
    find_purse,
    find_use,
    preview_use,
    use_credit,
)


@require_http_methods(["GET", "POST"])
@login_required
def use(request: HttpRequest, customer_pk: int, currency: str) -> HttpResponse:
    """Of an own account alone. ?invoice= chooses one, alone. A POST shows what would be left; with confirm and the key
    of that page it is done, once."""
    customer = own_customer(user_of(request), customer_pk)
    earlier = find_use(customer, key_of(request)) if key_of(request) else None
    if earlier is not None:
        return _done(request, earlier)
    purse = find_purse(customer, currency, clock.now())
    if purse is None or not purse.items or not purse.choosable:
        return _choose(request, purse, (), str(NothingToUse()) if request.method == "POST" else "")
    if request.method == "GET":
        return _choose(request, purse, _at_first(purse, request.GET.get("invoice", "")))
    try:
        chosen = _chosen(request)
        if key_of(request):
            return _done(request, _used(request, customer, currency, chosen))
        return _confirm(request, purse, chosen, preview_use(purse, chosen, now=clock.now(), by=user_of(request)))
    except ChangedMeanwhile as refusal:
        return _choose(request, find_purse(customer, currency, clock.now()), chosen, str(refusal))
    except DomainError as refusal:
        return _choose(request, purse, (), str(refusal))


def _chosen(request: HttpRequest) -> set[int]:
    """Raises BadInput."""
    keys = request.POST.getlist("invoices")
    if any(not key.isascii() or not key.isdigit() or len(key) > 18 for key in keys):
        raise BadInput(_("Choose one of the list."), field="invoices", code="unknown")
    return {int(key) for key in keys}


def _used(request: HttpRequest, customer: Customer, currency: str, chosen: Collection[int]) -> CreditUse:
    with explained():
        return in_transaction(partial(
            use_credit, customer=customer, currency=currency, invoice_ids=chosen, request_key=key_of(request),
            seen=request.POST.get("seen", ""), now=clock.now(), by=user_of(request),
        ))  # fmt: skip


def _at_first(purse: Purse, only: str) -> set[int]:
    """The oldest due first, as far as the credit goes; or the one that was asked for."""
    asked = {one.invoice.pk for one in purse.choosable if str(one.invoice.pk) == only}
    if asked:
        return asked
    found, left = set[int](), purse.free
    for one in purse.choosable:
        if left <= Decimal(0):
            break
        found.add(one.invoice.pk)
        left -= one.invoice.open_amount
    return found


def _choose(request: HttpRequest, purse: Purse | None, chosen: Collection[int], problem: str = "") -> HttpResponse:
    may = {one.invoice.pk for one in purse.choosable} if purse else set()
    rows = [(one, one.invoice.pk in may, one.invoice.pk in chosen) for one in purse.payables] if purse else []
    context = {"purse": purse, "rows": rows, "may_use": bool(may and purse and purse.items), "problem": problem}
    return render(request, "pages/credit_use.html", context, status=422 if problem else 200)


def _confirm(request: HttpRequest, purse: Purse, chosen: Collection[int], outcome: Outcome) -> HttpResponse:
    students = {one.invoice.pk: one.invoice.agreement.student for one in purse.payables if one.invoice.agreement}
    context: dict[str, Any] = {
        "purse": purse, "outcome": outcome, "parts": [(part, students.get(part.invoice.id)) for part in outcome.slices],
        "chosen": sorted(chosen), "seen": purse.seen(), "request_key": secrets.token_hex(16),
    }  # fmt: skip
    return render(request, "pages/credit_use_confirm.html", context)


def _done(request: HttpRequest, made: CreditUse) -> HttpResponse:
    """Back to the invoice it paid, or to what is left of the credit."""
    amount = format_money(made.amount, made.currency)
    messages.success(request, _("{amount} of your credit is used.").format(amount=amount))
    one = made.invoice_ids[0] if len(made.invoice_ids) == 1 else None
    return HttpResponseRedirect(reverse("family_invoice", args=[one]) if one else reverse("family_credits"))
