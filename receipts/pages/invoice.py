"""One invoice as its family reads it: how every amount came about, what was paid on it, what is left (R156, R87)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from billing.models import Invoice, InvoiceLine
from billing.money import ZERO
from billing.office import clock
from billing.office.models import User
from billing.office.policies import policies_for
from billing.pages.own import user_of
from billing.rules.explaining import sentences
from billing.selectors.customer_account import invoice_discount
from payments.pages.troubles import trouble_of
from payments.selectors.family_home import last_tries
from receipts.selectors.family_history import free_credit, paid_on


@require_GET
@login_required
def invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an own account alone. Raises Http404."""
    found = _own(user_of(request), pk)
    today = found.organization.today(clock.now())
    tried = next(iter(last_tries(Invoice.objects.filter(pk=pk))), None)
    trouble = trouble_of(tried) if tried else None
    context = {
        "invoice": found, "today": today, "currency": found.currency,
        "lines": [(line, _why(line, found.currency)) for line in found.lines.order_by("ordinal")],
        "paid": paid_on(found), "credit": free_credit(found) if found.open_amount else ZERO,
        "discount": _discount(found, today), "ways": _ways(found), "trouble": trouble,
        "is_live": bool(trouble and trouble.tone == "waiting"),
    }  # fmt: skip
    return render(request, "pages/invoice.html", context)


def _own(user: User, pk: int) -> Invoice:
    """Raises Http404."""
    rows = Invoice.objects.filter(customer__users=user, organization__is_active=True, pk=pk)
    found = rows.select_related("organization", "customer", "agreement__student", "agreement__plan").first()
    if found is None:
        raise Http404
    return found


def _why(line: InvoiceLine, currency: str) -> Sequence[str]:
    """In the reader's language where it was derived, else as it was written."""
    if line.derivation:
        return sentences(line.derivation, currency)
    return [line.explanation] if line.explanation else []


def _discount(found: Invoice, today: date) -> Any:
    """What may still be won by paying at once, 0 where nothing may."""
    if not found.discount_rate or not found.open_amount:
        return ZERO
    return invoice_discount(found, policies_for(found.organization, customer_id=found.customer_id), today)


def _ways(found: Invoice) -> dict[str, str]:
    """Addresses of what else can be done with an invoice."""
    ways = {"dispute": f"{reverse('family_dispute_new')}?invoice={found.pk}"} if found.open_amount else {}
    try:
        return ways | {"paper": reverse("family_invoice_paper", args=[found.pk])}
    except NoReverseMatch:
        return ways
