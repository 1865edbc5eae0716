"""Pay now: choose invoices and amounts, see what will be charged, charge it, and an honest word of what came of it."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.errors import BadInput, DomainError
from billing.money import format_amount
from billing.office import clock
from payments.gateways.base import Reason
from payments.models import PaymentAttempt
from payments.models.attempt import AttemptState, Operation
from payments.pages.own import kept, own_attempt, own_customer, own_customers, user_of
from payments.services.methods.offering import offers_for
from payments.services.methods.paying import Till, find_paid, pay_now, read_choice, tills_for
from payments.services.methods.words import declined_words

LONGEST_KEY = 40
# How often a page that waits looks again, in seconds.
AGAIN = 5


@require_GET
@login_required
def pay(request: HttpRequest) -> HttpResponse:
    """What is owed, by account and currency, each with its own choice."""
    now = clock.now()
    tills = tills_for(own_customers(user_of(request)), now)
    shown = [(till, _rows(till, {}), [] if till.methods else offers_for(till.customer, now)) for till in tills]
    return render(request, "pages/pay/choose.html", {"tills": shown})


def _rows(till: Till, typed: Mapping[str, str], chosen: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Everything whole is chosen at first, but what is disputed; after a refusal, what was typed."""
    rows = []
    for one in till.payables:
        name = f"amount_{one.invoice.pk}"
        is_checked = str(one.invoice.pk) in chosen if typed else not one.invoice.is_disputed
        whole = format_amount(one.invoice.open_amount, till.currency)
        rows.append({"payable": one, "name": name, "value": kept(typed.get(name, whole)), "is_checked": is_checked})
    return rows


@require_POST
@login_required
def pay_till(request: HttpRequest, customer_pk: int, currency: str) -> HttpResponse:
    """What was chosen is shown whole before anything is charged; confirm and the key of that page charge it, once."""
    customer = own_customer(user_of(request), customer_pk)
    key = request.POST.get("request_key", "")[:LONGEST_KEY] if request.POST.get("confirm") else ""
    till = next((one for one in tills_for([customer], clock.now()) if one.currency == currency), None)
    try:
        if till is None:
            raise BadInput(_("Nothing is to be paid here."), field="invoices", code="nothing_owed")
        choice = read_choice(till, request.POST, request.POST.getlist("invoices"))
        if key:
            attempt = pay_now(choice, request_key=key, now=clock.now(), by=user_of(request))
            return _to_result(attempt)
    except DomainError as refusal:
        earlier = find_paid(customer, key) if key else None
        if earlier is not None:  # the second of two clicks
            return _to_result(earlier)
        rows = _rows(till, request.POST, request.POST.getlist("invoices")) if till else []
        refused = {
            "tills": [(till, rows, [])] if till else [],
            "problem": str(refusal),
            "field": refusal.field,
            "typed": request.POST,
        }
        return render(request, "pages/pay/choose.html", refused, status=422)
    context = {"till": till, "choice": choice, "request_key": secrets.token_hex(16)}
    return render(request, "pages/pay/confirm.html", context)


def _to_result(attempt: PaymentAttempt) -> HttpResponse:
    return HttpResponseRedirect(reverse("family_paid", args=[attempt.pk]))


@require_GET
@login_required
def paid(request: HttpRequest, pk: int) -> HttpResponse:
    """What is known of it now. While nobody knows, the page says so, looks again by itself, and offers nothing."""
    attempt = own_attempt(user_of(request), pk, Operation.SALE, Operation.AUTH, Operation.CAPTURE)
    claims = attempt.claims.select_related("invoice").order_by("pk")
    is_suspected = attempt.state == AttemptState.NOT_SENT and attempt.reason == Reason.FRAUD_SUSPECTED
    is_refused = attempt.state == AttemptState.DECLINED or is_suspected
    waits = attempt.state in (AttemptState.CREATED, AttemptState.SENT, AttemptState.UNKNOWN)
    context = {
        "attempt": attempt, "claims": claims, "is_waiting": waits, "again_in": AGAIN,
        "words": declined_words(attempt.reason) if is_refused else None,
        "is_part": attempt.approved_amount is not None and attempt.approved_amount < attempt.amount,
    }  # fmt: skip
    return render(request, "pages/pay/result.html", context)
