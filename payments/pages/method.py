"""One method: its state, what it asks of the payer, its place, its history, its removal (R22-R26, R34, R35)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.errors import DomainError
from billing.office import clock
from billing.office.accounts.second_factor import has_authenticator
from billing.pages.own import kept, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways.base import Advice
from payments.models import PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import MethodState
from payments.pages.device import address_of
from payments.pages.own import own_method
from payments.pages.shown import history, shown
from payments.services.methods import micro_deposits, ordering, removing, step_up, verifying
from payments.services.methods.adding import go_on
from payments.services.methods.micro_deposits import MOST_TRIES


@require_GET
@login_required
def method(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, own_method(user_of(request), pk))


def _page(
    request: HttpRequest, found: PaymentMethod, problem: str = "", typed: dict[str, str] | None = None
) -> HttpResponse:
    user, now = user_of(request), clock.now()
    view = shown(found, found.organization.today(now))
    comparing = found.attempts.filter(operation=Operation.CONFIRM, state__in=LIVE).exists()
    actives = PaymentMethod.objects.filter(customer_id=found.customer_id, place__gt=0).count()
    context: dict[str, Any] = {
        "shown": view, "method": found, "history": history(found), "problem": problem,
        "typed": {name: kept(text) for name, text in (typed or {}).items()},
        "tries_left": MOST_TRIES - found.micro_tries, "comparing": comparing, "is_last": found.place == actives,
        "is_waiting": view.is_checking or comparing,
    }  # fmt: skip
    if view.asks == "step_up":
        context |= {
            "by_app": has_authenticator(user), "address": _masked(step_up.address_of(found, user)),
            "code_sent": hasattr(found, "code") and bool(found.code.code_hash),
        }  # fmt: skip
    return render(request, "pages/methods/method.html", context, status=422 if problem else 200)


def _masked(address: str) -> str:
    name, _at, host = address.partition("@")
    return f"{name[:1]}•••@{host}" if host else ""


def _back(found: PaymentMethod) -> HttpResponse:
    return HttpResponseRedirect(reverse("family_method", args=[found.pk]))


def _done(request: HttpRequest, found: PaymentMethod, work: Callable[[], object], **typed: str) -> HttpResponse:
    """Do it and show the method anew, or show why not."""
    try:
        with explained():
            work()
    except DomainError as refusal:
        return _page(request, own_method(user_of(request), found.pk), str(refusal), typed)
    return _back(found)


@require_POST
@login_required
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """move: "up", "down" or "first". Charges on their way keep their method (R36)."""
    user, now = user_of(request), clock.now()
    found = own_method(user, pk)
    moves: dict[str, Callable[[], None]] = {
        "up": partial(ordering.move_method, method=found, by_places=-1, now=now, by=user),
        "down": partial(ordering.move_method, method=found, by_places=1, now=now, by=user),
        "first": partial(ordering.make_primary, method=found, now=now, by=user),
    }
    move = moves.get(request.POST.get("move", ""))
    if move is None:
        raise Http404
    answer = _done(request, found, partial(in_transaction, move))
    return HttpResponseRedirect(reverse("family_methods")) if answer.status_code == 302 else answer


@require_POST
@login_required
def another(request: HttpRequest, pk: int) -> HttpResponse:
    """It looks like one that is stored, and the payer says that it is another: now it is verified."""
    user, now = user_of(request), clock.now()
    found = own_method(user, pk)

    def work() -> None:
        in_transaction(partial(verifying.confirm_another, method=found, now=now, by=user))
        go_on(own_method(user, pk), now=now, by=user, ip=address_of(request))

    return _done(request, found, work)


@require_POST
@login_required
def code(request: HttpRequest, pk: int) -> HttpResponse:
    """The second factor: without a code typed, have one sent (R26)."""
    user, now = user_of(request), clock.now()
    found = own_method(user, pk)
    if shown(found, found.organization.today(now)).asks != "step_up":
        return _back(found)
    if request.POST.get("send"):
        subject = _("Your code for {method}").format(method=found)
        body = _(
            "{code} is your code to add {method} at {school}. It is good for ten minutes. Nobody of the school will"
            " ever ask for it. If you did not add anything, call the school's office."
        ).replace("{method}", str(found)).replace("{school}", found.organization.shown_name)  # fmt: skip
        work = partial(step_up.send_code, method=found, user=user, now=now, subject=subject, body=body)
        return _done(request, found, work)
    give = partial(step_up.give_code, method=found, user=user, typed=request.POST.get("code", ""), now=now)

    def prove() -> None:
        give()
        go_on(own_method(user, pk), now=now, by=user)

    return _done(request, found, prove)


@require_POST
@login_required
def amounts(request: HttpRequest, pk: int) -> HttpResponse:
    """The two small amounts, as read on the statement (R23)."""
    user, now = user_of(request), clock.now()
    found = own_method(user, pk)
    typed = {name: request.POST.get(name, "") for name in ("amount1", "amount2")}
    try:
        with explained():
            attempt = micro_deposits.confirm(
                method=found, amounts=(typed["amount1"], typed["amount2"]), now=now, by=user
            )
    except DomainError as refusal:
        return _page(request, own_method(user, pk), str(refusal), typed)
    found = own_method(user, pk)
    if attempt.state == AttemptState.DECLINED and found.state == MethodState.VERIFYING:
        return _page(
            request, found, _("Those are not the amounts that were sent. Look at your statement again."), typed
        )
    go_on(found, now=now, by=user)
    if attempt.state == AttemptState.NOT_SENT:
        early = attempt.advice == Advice.RETRY_AFTER
        problem = (
            _("The amounts have not arrived yet. Look at your statement again tomorrow.")
            if early
            else _("The amounts could not be compared. Try again in a few minutes.")
        )
        return _page(request, found, problem, typed)
    return _back(found)


@require_http_methods(["GET", "POST"])
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """First what it would mean, then the deed (R35)."""
    user, now = user_of(request), clock.now()
    found = own_method(user, pk)
    problem = ""
    if request.method == "POST":
        try:
            removing.remove_method(method=found, now=now, by=user)
            messages.success(request, _("{method} was removed.").format(method=found))
            return HttpResponseRedirect(reverse("family_methods"))
        except DomainError as refusal:
            problem = str(refusal)
    context = {
        "method": found, "problem": problem, "left_alone": removing.agreements_without_method(found),
        "is_gone": found.state == MethodState.REMOVED or shown(found, found.organization.today(now)).is_leaving,
    }  # fmt: skip
    return render(request, "pages/methods/remove.html", context, status=422 if problem else 200)
