"""Pay now: choose invoices or an amount, see what will be charged, charge it, and an honest word of what came of it."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.errors import DomainError
from billing.models import Customer
from billing.money import format_amount, parse_amount
from billing.office import clock
from billing.office.models import User
from billing.pages.own import kept, own_customers, user_of
from payments.gateways.base import Reason
from payments.models import PaymentAttempt, RetryDecision
from payments.models.attempt import AttemptState
from payments.models.payment_method import Instrument
from payments.pages import cards, going, transferring
from payments.pages.doors import TAKES, Door
from payments.pages.own import own_customer
from payments.services.credit_using import Purse, purses_of
from payments.services.methods.offering import offers_for
from payments.services.methods.once import refusal_words
from payments.services.methods.paying import Till, find_paid, pay_now, read_choice, share_out, tills_for
from payments.services.settling import METHODS

LONGEST_KEY = 40
# How often a page that waits looks again, in seconds.
AGAIN = 5


@require_GET
@login_required
def pay(request: HttpRequest) -> HttpResponse:
    """What is owed, by account and currency, each with its own choice; ?invoice= chooses one that is owed, alone."""
    user, now = user_of(request), clock.now()
    return show_tills(request, Door(user=user), tills_for(own_customers(user), now), request.GET.get("invoice", ""))


def show_tills(request: HttpRequest, door: Door, tills: Sequence[Till], only: str = "") -> HttpResponse:
    now = clock.now()
    is_there = any(str(one.invoice.pk) == only for till in tills for one in till.payables)
    alone = only if is_there else ""
    shown = [(till, _rows(till, {}, only=alone), _offers(till, now), _address(door, till)) for till in tills]
    context = {"tills": shown, "door": door, "purses": usable_purses(door.user, now) if door.user else ()}
    return render(request, "pages/pay/choose.html", context)


def usable_purses(user: User, now: datetime) -> list[Purse]:
    """Free credit that the user may set against something of their own."""
    return [one for one in purses_of(own_customers(user), now) if one.items and one.choosable]


def _offers(till: Till, now: datetime) -> list[Instrument]:
    """What the payer may give now, of ways to pay that are taken."""
    return [one for one in offers_for(till.customer, now, till.currency) if METHODS[one] in till.takes]


def _address(door: Door, till: Till) -> str:
    return door.till(till.customer, till.currency)


def _rows(
    till: Till, typed: Mapping[str, str], chosen: Sequence[str] = (), *, only: str = ""
) -> list[dict[str, Any]]:  # fmt: skip
    """All that is due is chosen at first, or everything where nothing is; never what is disputed. only: that invoice
    instead. After a refusal, what was typed."""
    is_due = any(one.is_due for one in till.payables)
    rows = []
    for one in till.payables:
        name = f"amount_{one.invoice.pk}"
        meant = str(one.invoice.pk) == only if only else one.is_due or not is_due
        at_first = meant and not one.invoice.is_disputed
        whole = format_amount(one.invoice.open_amount, till.currency)
        rows.append({
            "payable": one, "name": name, "value": kept(typed.get(name, whole)),
            "is_checked": str(one.invoice.pk) in chosen if typed else at_first,
        })  # fmt: skip
    return rows


@require_POST
@login_required
def pay_till(request: HttpRequest, customer_pk: int, currency: str) -> HttpResponse:
    """What was chosen is shown whole before anything is charged; confirm and the key of that page charge it, once."""
    user = user_of(request)
    return at_till(request, Door(user=user), own_customer(user, customer_pk), currency)


def at_till(request: HttpRequest, door: Door, customer: Customer, currency: str) -> HttpResponse:
    """By the way to pay that was chosen: a kept method, a new card, the payer's bank, or a transfer."""
    till = door.find_till(customer, currency, clock.now())
    way, _colon, place = request.POST.get("method", "").partition(":")
    ways: dict[str, Callable[[HttpRequest, Door, Till], HttpResponse]] = {
        "card": cards.pay_by_card, "transfer": transferring.show_transfer, "": _pay_kept,
    }  # fmt: skip
    try:
        if till is None:
            return _second_click(request, door, customer) or _nothing_owed(request, door)
        if request.POST.get("share"):
            return _shared(request, door, till)
        if way == "bank":
            return going.pay_at_bank(request, door, till, place)
        return ways.get(way, _pay_kept)(request, door, till)
    except DomainError as refusal:
        return _second_click(request, door, customer) or _refused(request, door, till, refusal)


def _pay_kept(request: HttpRequest, door: Door, till: Till) -> HttpResponse:
    """Raises DomainError."""
    choice = read_choice(till, request.POST, request.POST.getlist("invoices"))
    key = key_of(request)
    if key:
        attempt = pay_now(choice, request_key=key, now=clock.now(), by=door.user, link=door.link_id)
        return HttpResponseRedirect(door.result(attempt))
    context = {"till": till, "choice": choice, "request_key": secrets.token_hex(16), "door": door}
    return render(request, "pages/pay/confirm.html", context)


def key_of(request: HttpRequest) -> str:
    """The key of the page on which it was confirmed; "" while it is only looked at."""
    return request.POST.get("request_key", "")[:LONGEST_KEY] if request.POST.get("confirm") else ""


def _second_click(request: HttpRequest, door: Door, customer: Customer) -> HttpResponse | None:
    """The second of two clicks leads to what the first one made."""
    key = key_of(request)
    earlier = find_paid(customer, key) if key else None
    is_own = earlier is not None and (not door.is_link or earlier.decision.get("link") == door.link_id)
    return HttpResponseRedirect(door.result(earlier)) if earlier is not None and is_own else None


def _nothing_owed(request: HttpRequest, door: Door) -> HttpResponse:
    context = {"tills": [], "problem": _("Nothing is to be paid here."), "door": door}
    return render(request, "pages/pay/choose.html", context, status=422)


def _shared(request: HttpRequest, door: Door, till: Till) -> HttpResponse:
    """An amount, set against the invoices as the house does it, to be looked at before anything is charged."""
    total = parse_amount(request.POST.get("total", ""), till.currency, field="total")
    shares = share_out(till, total, clock.now())
    typed: dict[str, Any] = dict(request.POST.items()) | {
        f"amount_{invoice.pk}": format_amount(amount, till.currency) for invoice, amount in shares
    }  # fmt: skip
    rows = _rows(till, typed, [str(invoice.pk) for invoice, _amount in shares])
    offers = _offers(till, clock.now())
    context = {
        "tills": [(till, rows, offers, _address(door, till))], "typed": typed, "door": door, "shared": total,
    }  # fmt: skip
    return render(request, "pages/pay/choose.html", context)


def _refused(request: HttpRequest, door: Door, till: Till | None, refusal: DomainError) -> HttpResponse:
    tills = []
    if till is not None:
        rows = _rows(till, request.POST, request.POST.getlist("invoices"))
        tills = [(till, rows, _offers(till, clock.now()), _address(door, till))]
    context = {
        "tills": tills, "problem": str(refusal), "field": refusal.field, "typed": request.POST, "door": door,
    }  # fmt: skip
    return render(request, "pages/pay/choose.html", context, status=422)


@require_GET
@login_required
def paid(request: HttpRequest, pk: int) -> HttpResponse:
    """What is known of it now. While nobody knows, the page says so, looks again by itself, and offers nothing."""
    return show_result(request, Door(user=user_of(request)), pk)


def show_result(request: HttpRequest, door: Door, pk: int) -> HttpResponse:
    """Of an attempt that was made by this door; paid is what the processor said and the books hold."""
    attempt = door.attempt(pk, *TAKES)
    is_suspected = attempt.state == AttemptState.NOT_SENT and attempt.reason == Reason.FRAUD_SUSPECTED
    is_refused = attempt.state == AttemptState.DECLINED or is_suspected
    waits = attempt.state in (AttemptState.CREATED, AttemptState.SENT, AttemptState.UNKNOWN)
    context = {
        "attempt": attempt, "claims": attempt.claims.select_related("invoice").order_by("pk"), "door": door,
        "is_waiting": waits, "looks_again": waits or (attempt.state == AttemptState.PENDING and not attempt.method),
        "again_in": AGAIN, "words": refusal_words(attempt) if is_refused else None,
        "is_part": attempt.approved_amount is not None and attempt.approved_amount < attempt.amount,
        "decision": _decision(attempt) if door.user else None,
    }  # fmt: skip
    return render(request, "pages/pay/result.html", context)


def _decision(attempt: PaymentAttempt) -> RetryDecision | None:
    """Where the family may choose a day or another way for what failed."""
    return RetryDecision.objects.filter(failed=attempt, done_at__isnull=True).first()
