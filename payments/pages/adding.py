"""Adding a card or bank account by the processor's own fields (R21; requirements §2 row 21)."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import Customer
from billing.office import clock
from billing.pages.own import kept, user_of
from payments.gateways.base import HostedToken
from payments.gateways.base import Instrument as Kind
from payments.models import PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import Instrument, MethodState
from payments.pages.device import address_of, is_new_device
from payments.pages.own import own_attempt, own_customer, own_method
from payments.services.methods.adding import AddOrder, add_method, existing_of
from payments.services.methods.offering import OFFERED, Offer, offer_for
from payments.services.methods.words import UNKNOWN_REASON, declined_words, reason_words

LONGEST_TOKEN, LONGEST_KEY = 4000, 40


@require_http_methods(["GET", "POST"])
@login_required
def add(request: HttpRequest, customer_pk: int, instrument: str) -> HttpResponse:
    """The page with the processor's fields; it posts a token and what may be shown, never a number.

    ?replaces= names an own method in whose place the new one comes. Posted twice it is added once.
    """
    user, now = user_of(request), clock.now()
    customer = own_customer(user, customer_pk)
    if instrument not in OFFERED:
        raise Http404
    offer = offer_for(customer, Instrument(instrument), get_language() or "en", now)
    if offer is None:
        return render(request, "pages/methods/none.html", {"customer": customer}, status=409)
    replaced = _replaced(request, customer)
    problem = ""
    if request.method == "POST":
        try:
            order = read_order(request, customer, offer, now=now, replaced=replaced)
            attempt = add_method(order, now=now, by=user)
            return HttpResponseRedirect(reverse("family_method_adding", args=[attempt.pk]))
        except DomainError as refusal:
            problem = str(refusal)
    context = {
        "customer": customer, "offer": offer, "fields": offer.fields, "replaced": replaced, "problem": problem,
        "hosted": f"pages/methods/hosted/{offer.fields['kind']}.html", "request_key": secrets.token_hex(16),
        "holder": kept(request.POST.get("holder", "")) or customer.latin_name or customer.name,
        "postal_code": kept(request.POST.get("postal_code", "")), "is_card": instrument == Instrument.CARD,
    }  # fmt: skip
    answer = render(request, "pages/methods/add.html", context, status=422 if problem else 200)
    return widened(answer, offer.origins)


def widened(answer: HttpResponse, origins: Sequence[str]) -> HttpResponse:
    """This page alone may load the processor's library, show its frames and be spoken to by it."""
    answer.__dict__["_csp_update"] = {
        "script-src": list(origins), "frame-src": ["'self'", *origins], "connect-src": list(origins),
    }  # fmt: skip
    return answer


def _replaced(request: HttpRequest, customer: Customer) -> PaymentMethod | None:
    """Raises Http404 for what is not this customer's or is gone."""
    named = request.POST.get("replaces") or request.GET.get("replaces") or ""
    if not named:
        return None
    method = own_method(user_of(request), int(named)) if named.isascii() and named.isdigit() else None
    if method is None or method.customer_id != customer.pk or method.state == MethodState.REMOVED:
        raise Http404
    return method


def read_order(
    request: HttpRequest, customer: Customer, offer: Offer, *, now: datetime, replaced: PaymentMethod | None = None,
    is_once: bool = False, link: int = 0,
) -> AddOrder:  # fmt: skip
    """Raises BadInput. link: of somebody who is not signed in, whose browser nobody knows.

    The token is passed on unread; everything else is refused where it looks like a number.
    """
    token, key = request.POST.get("token", ""), request.POST.get("request_key", "")
    if not token or len(token) > LONGEST_TOKEN:
        raise BadInput(_("The card or account was not read. Fill in its fields once more."), field="token")
    if not key or len(key) > LONGEST_KEY:
        raise BadInput(_("Load this page anew and try again."), field="request_key")
    holder = clean_text(request.POST.get("holder"), field="holder", longest=120, required=True)
    postal_code = clean_text(request.POST.get("postal_code"), field="postal_code", longest=16)
    last4 = request.POST.get("last4", "")[-4:]
    hosted = HostedToken(
        value=token, instrument=Kind(offer.instrument), descriptor=request.POST.get("descriptor", "")[:80],
        holder=holder, last4=last4 if last4.isascii() and last4.isdigit() else "",
    )  # fmt: skip
    return AddOrder(
        customer=customer, account=offer.account, token=hosted, request_key=key, postal_code=postal_code,
        replaces=replaced.pk if replaced else None, is_new_device=bool(link) or is_new_device(request, now),
        ip=address_of(request), is_once=is_once, link=link,
    )  # fmt: skip


@require_GET
@login_required
def adding(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of it: on to the method, one more look in a moment, or why not and what now."""
    attempt = own_attempt(user_of(request), pk, Operation.STORE)
    method = attempt.method
    again = reverse("family_method_add", args=[attempt.customer_id, attempt.decision.get("instrument", "card")])
    if method is not None and method.state_reason not in ("duplicate", "other_payer"):
        if method.state == MethodState.ACTIVE:
            messages.success(request, _("{method} is ready.").format(method=method))
        return HttpResponseRedirect(reverse("family_method", args=[method.pk]))
    if attempt.state in LIVE:
        return render(request, "pages/methods/adding.html", {"attempt": attempt, "is_waiting": True})
    existing = existing_of(attempt) if method is not None and method.state_reason == "duplicate" else None
    if method is not None:
        words = reason_words(method.state_reason)
    elif attempt.state == AttemptState.SUCCEEDED:
        words = reason_words("other_payer")
    else:
        words = declined_words(attempt.reason) if attempt.reason else UNKNOWN_REASON
    context = {"attempt": attempt, "words": words, "existing": existing, "again": again}
    return render(request, "pages/methods/adding.html", context)
