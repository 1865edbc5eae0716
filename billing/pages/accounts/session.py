"""What a request says about its sender, and letting a user in."""

import secrets
from datetime import datetime
from functools import partial

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django_otp import login as otp_login
from django_otp.models import Device

from billing.office import acting
from billing.office.accounts.sign_ins import record_sign_in
from billing.office.models import SignIn, User
from billing.office.models.signing_in import SignInEnd
from billing.pages.accounts.homes import go_home
from billing.transactions import in_transaction

BACKEND = "django.contrib.auth.backends.ModelBackend"
DEVICE_COOKIE = "__Host-device" if settings.PRODUCTION else "device"
DEVICE_SECONDS = 400 * 24 * 60 * 60  # the longest that browsers keep one
SIGN_IN, BEGAN = "sign_in", "began"


def address_of(request: HttpRequest) -> str:
    return get_client_ip_address(request) or ""


def site_of(request: HttpRequest) -> str:
    """How payers reach us, without a slash at the end: for links in mails."""
    return settings.PUBLIC_URL.rstrip("/") or request.build_absolute_uri("/").rstrip("/")


def is_password(request: HttpRequest, user: User, typed: str) -> bool:
    """Whether it is the user's password. Wrong ones are counted as those of signing in are."""
    return authenticate(request, username=user.get_username(), password=typed) is not None


def let_in(request: HttpRequest, user: User, *, device: Device | None, now: datetime, asked: str) -> HttpResponse:
    """Sign the user in under a new session key, write down where, and send them home or where they wanted to go.

    device: what proved the second factor, None without one.
    """
    if request.user.is_authenticated:
        let_out(request, now)  # or the session would keep its key
    login(request, user, backend=BACKEND)
    acting.set_actor(user, address_of(request))
    known = request.COOKIES.get(DEVICE_COOKIE, "")
    browser = known if 20 <= len(known) <= 100 else secrets.token_urlsafe(32)
    assert request.session.session_key
    made = in_transaction(
        partial(
            record_sign_in, user=user, session_key=request.session.session_key, device=browser,
            user_agent=request.META.get("HTTP_USER_AGENT", ""), address=address_of(request), now=now,
            proven=device is not None,
        )
    )  # fmt: skip
    request.session[SIGN_IN] = made.pk
    request.session[BEGAN] = int(now.timestamp())
    if device is not None:
        mark_proven(request, device, now)
    answer: HttpResponseRedirect = go_home(user, asked)
    answer.set_cookie(
        DEVICE_COOKIE, browser, max_age=DEVICE_SECONDS, httponly=True, samesite="Lax", secure=settings.PRODUCTION
    )
    return answer


def mark_proven(request: HttpRequest, device: Device, now: datetime) -> None:
    """The session's user gave a second factor just now."""
    otp_login(request, device)
    SignIn.objects.filter(pk=request.session.get(SIGN_IN, 0)).update(proven_at=now)


def follow_key(request: HttpRequest) -> None:
    """The session got another key: the row that lists it is told."""
    SignIn.objects.filter(pk=request.session.get(SIGN_IN, 0)).update(session_key=request.session.session_key)


def let_out(request: HttpRequest, now: datetime) -> None:
    """Sign out: the session is gone on the server too."""
    row = SignIn.objects.filter(pk=request.session.get(SIGN_IN, 0), ended_at__isnull=True)
    row.update(session_key=None, ended_at=now, end=SignInEnd.SIGNED_OUT)
    logout(request)
