"""Ways to pay: all methods of a family in order, what may be added, what is collected by itself (R21, R34, R56)."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.models import Agreement, Customer
from billing.office import clock
from billing.pages.own import own_customers, user_of
from payments.models import PaymentMethod
from payments.models.payment_method import MethodState
from payments.pages.shown import shown
from payments.services.methods.offering import offers_for


@require_GET
@login_required
def methods(request: HttpRequest) -> HttpResponse:
    """Own accounts alone. Five queries for each."""
    now = clock.now()
    customers = own_customers(user_of(request))
    return render(request, "pages/methods/list.html", {"wallets": [_wallet(one, now) for one in customers]})


def _wallet(customer: Customer, now: datetime) -> dict[str, Any]:
    today = customer.organization.today(now)
    rows = PaymentMethod.objects.filter(customer=customer, is_once=False).exclude(state=MethodState.REMOVED)
    found = [shown(row, today) for row in rows]
    kept = sorted((one for one in found if not one.is_leaving), key=lambda one: (one.method.place or 99, one.method.pk))
    agreements = Agreement.objects.running().filter(customer=customer).select_related("student", "plan").order_by("pk")
    removed = PaymentMethod.objects.filter(customer=customer, is_once=False, state=MethodState.REMOVED).order_by(
        "-removed_at"
    )[:5]
    return {
        "customer": customer, "methods": kept, "offers": offers_for(customer, now), "agreements": agreements,
        "last_place": max((one.method.place for one in kept), default=0),
        "has_active": any(one.method.state == MethodState.ACTIVE for one in kept), "removed": removed,
    }  # fmt: skip
