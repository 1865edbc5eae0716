"""Signing in and out: one door for office, families and teachers. The password, then a code where one is set up."""

import math
from datetime import datetime
from functools import partial

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from billing.office import clock
from billing.office.accounts import second_factor
from billing.office.accounts.second_factor import Proof
from billing.office.models import User
from billing.pages.accounts.forms import CodeForm, SignInForm
from billing.pages.accounts.homes import go_home, may_enter, safe_next
from billing.pages.accounts.session import address_of, follow_key, let_in, let_out, mark_proven
from billing.transactions import in_transaction

PENDING, PENDING_SECONDS = "pending", 5 * 60
REFUSED = 422


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """An unknown name is answered as a wrong password is, after the same work. ?next= leads on within this site."""
    asked = safe_next(request, request.POST.get("next", request.GET.get("next", "")))
    if request.method == "GET":
        user = request.user
        if isinstance(user, User) and may_enter(user):
            return go_home(user, asked)
        return _sign_in_page(request, SignInForm(), asked)
    form = SignInForm(request.POST)
    if form.is_valid():
        answer = _try(request, form, asked)
        if answer is not None:
            return answer
    return _sign_in_page(request, form, asked)


def _try(request: HttpRequest, form: SignInForm, asked: str) -> HttpResponse | None:
    """None with what is wrong in the form."""
    name = form.cleaned_data["username"]
    name = name.lower() if "@" in name else name
    user = authenticate(request, username=name, password=form.cleaned_data["password"])
    if not isinstance(user, User):
        form.add_error(None, _("The name or the password is not right. Capital and small letters differ."))
        return None
    if not may_enter(user):
        sentence = _("This account does not work in any office here, and no family or teacher is linked to it.")
        form.add_error(None, sentence)
        return None
    now = clock.now()
    if not second_factor.has_authenticator(user):
        return let_in(request, user, device=None, now=now, asked=asked)
    request.session.cycle_key()
    follow_key(request)  # of whoever is still signed in here
    request.session[PENDING] = {
        "user": user.pk, "hash": user.get_session_auth_hash(), "at": int(now.timestamp()), "next": asked,
    }  # fmt: skip
    return redirect("sign_in_code")


def _sign_in_page(request: HttpRequest, form: SignInForm, asked: str) -> HttpResponse:
    context = {"form": form, "next": asked, "is_outsider": isinstance(request.user, User)}
    return render(request, "pages/account/sign_in.html", context, status=REFUSED if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step, good for five minutes; or, for whoever is signed in without it, the code alone."""
    now = clock.now()
    pending = _pending(request, now)
    user = pending or request.user
    if not isinstance(user, User) or not second_factor.has_authenticator(user):
        return redirect("sign_in")
    kept = request.session[PENDING]["next"] if pending else request.POST.get("next", request.GET.get("next", ""))
    asked = safe_next(request, kept)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        proof = prove(request, user, form.cleaned_data["code"], now)
        if proof.device is not None:
            if pending:
                del request.session[PENDING]
                return let_in(request, user, device=proof.device, now=now, asked=asked)
            mark_proven(request, proof.device, now)
            return go_home(user, asked)
        form.add_error("code", trouble_of(proof))
    context = {"form": form, "next": asked, "is_pending": pending is not None}
    return render(request, "pages/account/code.html", context, status=REFUSED if form.errors else 200)


def _pending(request: HttpRequest, now: datetime) -> User | None:
    """Who gave the right password a moment ago, and has not changed it since."""
    facts = request.session.get(PENDING)
    if not facts or now.timestamp() - facts["at"] > PENDING_SECONDS:
        request.session.pop(PENDING, None)
        return None
    user = User.objects.filter(pk=facts["user"], is_active=True).first()
    return user if user is not None and user.get_session_auth_hash() == facts["hash"] else None


def prove(request: HttpRequest, user: User, typed: str, now: datetime) -> Proof:
    return in_transaction(
        partial(second_factor.prove, user=user, typed=typed, now=now, address=address_of(request))
    )  # fmt: skip


def trouble_of(proof: Proof) -> str:
    """Why a code was not taken, and when to try again."""
    if proof.wait_until is None:
        return _("That is not the code, or it was used already. Wait for the next one.")
    words = (
        _("A moment ago a wrong code was typed. Try again in {seconds} seconds.")
        if proof.too_soon
        else _("That is not the code, or it was used already. Try again in {seconds} seconds.")
    )
    left = (proof.wait_until - clock.now()).total_seconds()
    return words.format(seconds=max(2, math.ceil(left)))


def locked(request: HttpRequest, *_more: object) -> HttpResponse:
    """Too many wrong passwords for this name from here. Each further try begins the wait anew."""
    until = localtime(clock.now() + settings.AXES_COOLOFF_TIME)
    context = {"until": time_format(until, "H:i"), "minutes": settings.AXES_COOLOFF_TIME.total_seconds() // 60}
    return render(request, "pages/account/locked.html", context, status=settings.AXES_HTTP_RESPONSE_CODE)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    let_out(request, clock.now())
    messages.success(request, _("You are signed out."))
    return redirect("sign_in")
