"""A new card on the way to a payment: the processor's own fields, what its bank says of the payer, and the charge."""

import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.errors import BadInput
from billing.money import ZERO
from billing.office import clock
from billing.pages.own import user_of
from payments.gateways.base import Authentication
from payments.models import Method, PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, Operation
from payments.models.payment_method import Instrument, MethodState
from payments.pages.adding import read_order, widened
from payments.pages.doors import Door
from payments.services.methods.offering import Offer, offer_for
from payments.services.methods.once import NewCard, charge_of, pay_with_new
from payments.services.methods.paying import Till, check_limit, find_paid, read_shares
from payments.services.methods.words import UNKNOWN_REASON, Words, declined_words, reason_words

OUTCOMES = ("verified", "attempted")
LONGEST_FACT = 200
# How long a card that became good is given to be charged by the page that stored it.
A_MOMENT = timedelta(minutes=1)


def pay_by_card(request: HttpRequest, door: Door, till: Till) -> HttpResponse:
    """The page with the processor's fields; it posts a token with the key of the page, and is charged once.

    Raises DomainError.
    """
    shares = read_shares(till, request.POST, request.POST.getlist("invoices"))
    total = sum((amount for _invoice, amount in shares), ZERO)
    check_limit(till, Method.CARD, total)
    is_taken = Method.CARD in till.takes
    offer = _offer(till) if is_taken else None
    if offer is None:
        raise BadInput(_("No card can be taken at the moment. Choose another way."), field="method", code="no_card")
    problem = ""
    if request.POST.get("confirm"):
        earlier = find_paid(till.customer, request.POST.get("request_key", ""))
        if earlier is None:
            return HttpResponseRedirect(_charged(request, door, till, offer, shares))
        raise BadInput(_("Load this page anew and try again."), field="request_key")
    return _fields(request, door, till, offer, {"shares": shares, "total": total, "problem": problem})


def _offer(till: Till) -> Offer | None:
    return offer_for(till.customer, Instrument.CARD, get_language() or "en", clock.now(), currency=till.currency)


def _charged(request: HttpRequest, door: Door, till: Till, offer: Offer, shares: Any) -> str:
    """Where it is shown what became of it."""
    now = clock.now()
    is_kept = door.user is not None and request.POST.get("keep") == "yes"
    order = read_order(request, till.customer, offer, now=now, is_once=not is_kept, link=door.link_id)
    card = NewCard(order, shares, _authentication(request), door.link_id)
    attempt = pay_with_new(card, now=now, by=door.user)
    return door.storing(attempt) if attempt.operation == Operation.STORE else door.result(attempt)


def _authentication(request: HttpRequest) -> Authentication | None:
    """As the processor's script told it; the processor itself sees whether it is true. Without the bank's cryptogram
    there is nothing that it could see, and the bank was not asked."""
    given = {name: request.POST.get(f"secure_{name}", "")[:LONGEST_FACT] for name in (
        "outcome", "cryptogram", "transaction", "indicator", "version", "directory_id",
    )}  # fmt: skip
    return Authentication(**given) if given["outcome"] in OUTCOMES and given["cryptogram"] else None


def _fields(request: HttpRequest, door: Door, till: Till, offer: Offer, more: dict[str, Any]) -> HttpResponse:
    customer = till.customer
    context = more | {
        "door": door, "till": till, "offer": offer, "fields": offer.fields, "is_card": True, "customer": customer,
        "hosted": f"pages/methods/hosted/{offer.fields['kind']}.html", "request_key": secrets.token_hex(16),
        "holder": "" if door.is_link else customer.latin_name or customer.name,
        "action": door.till(customer, till.currency),
    }  # fmt: skip
    return widened(render(request, "pages/pay/card.html", context), offer.origins)


@require_GET
@login_required
def storing(request: HttpRequest, pk: int) -> HttpResponse:
    """A card of which no charge was made yet: being asked about, waiting for a proof, or refused; in plain words."""
    return show_storing(request, Door(user=user_of(request)), pk)


def show_storing(request: HttpRequest, door: Door, pk: int) -> HttpResponse:
    attempt = door.attempt(pk, Operation.STORE)
    charge = charge_of(attempt)
    if charge is not None:  # the second of two clicks came here while the first one was still at it
        return HttpResponseRedirect(door.result(charge))
    method = attempt.method
    is_waiting = attempt.state in LIVE or (method is not None and _is_on_its_way(method))
    context = {
        "attempt": attempt, "door": door, "is_waiting": is_waiting, "words": _words(attempt), "method": method,
        "is_ready": method is not None and method.state == MethodState.ACTIVE,
        "is_asked": door.user is not None and method is not None and method.state == MethodState.VERIFYING,
    }  # fmt: skip
    return render(request, "pages/pay/storing.html", context)


def _is_on_its_way(method: PaymentMethod) -> bool:
    """Being proven, or good since a moment ago, so that its charge may be about to be made."""
    if method.state == MethodState.VERIFYING:
        return method.state_reason in ("", "checking")
    is_fresh = method.verified_at is not None and method.verified_at > clock.now() - A_MOMENT
    return method.state == MethodState.ACTIVE and is_fresh


def _words(attempt: PaymentAttempt) -> Words:
    if attempt.method is not None:
        return reason_words(attempt.method.state_reason)
    return declined_words(attempt.reason) if attempt.reason else UNKNOWN_REASON
