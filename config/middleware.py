"""Middleware of the whole site."""

import time
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation

from billing.office.accounts.second_factor import has_authenticator, must_have
from billing.office.middleware import works_in
from billing.office.models import SignIn, User

GetResponse = Callable[[HttpRequest], HttpResponse]

TOUCH_SECONDS = 60
WITHOUT_SECOND_FACTOR = ("/console/login/", "/console/logout/", "/console/language/", "/console/welcome/")
# Where people are: everything but the machines' doors and the public proof of a paper.
PLACES = (
    "/console/", "/family/", "/teacher/", "/account/", "/sign-in/", "/sign-out/", "/invitation/", "/password/", "/pay/",
)  # fmt: skip


# Nothing here needs a device; a processor's frame may ask for a payment, our own page for its own.
DEVICES = ", ".join(
    ["payment=(self)"]
    + [f"{name}=()" for name in (
        "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "usb",
    )]
)  # fmt: skip


class AddressMiddleware:
    """Puts into REMOTE_ADDR whom a request comes from, where TRUSTED_PROXIES of ours stand before us.

    Each of them writes whom it was asked by at the end of X-Forwarded-For; what stands before that anybody may have
    written. Limits, the trail and the list of sessions all read REMOTE_ADDR.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXIES:
            written = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            found = written[-settings.TRUSTED_PROXIES].strip() if len(written) >= settings.TRUSTED_PROXIES else ""
            if _is_address(found):
                request.META["REMOTE_ADDR"] = found
        return self.get_response(request)


def _is_address(text: str) -> bool:
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return True


class HeadersMiddleware:
    """What Django does not say by itself: which devices a page may use, who may embed it, and that nobody keeps it.

    A view that set its own headers keeps them; static files, which WhiteNoise answers for, may be kept.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", DEVICES)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Cache-Control", "no-store")
        return response


class SessionLimitsMiddleware:
    """Ends a session that rested or lasted too long: a counter is a public place, a phone is lost.

    Staff is whoever works in an organization. The session is looked at and written at most once a minute, so that
    reading a list does not cost a write each page; it never outlives its limit, however busy.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user, now = request.user, int(time.time())
        if isinstance(user, User) and user.is_authenticated and now - request.session.get("seen", 0) >= TOUCH_SECONDS:
            self._touch(request, now)
        return self.get_response(request)

    def _touch(self, request: HttpRequest, now: int) -> None:
        staff = bool(works_in(request))
        if not staff and "began" not in request.session:
            return  # of before there was a limit: it ends after SESSION_COOKIE_AGE
        idle = settings.STAFF_IDLE_SECONDS if staff else settings.FAMILY_IDLE_SECONDS
        limit = settings.STAFF_SESSION_SECONDS if staff else settings.SESSION_COOKIE_AGE
        left = request.session.setdefault("began", now) + limit - now
        if left <= 0:
            logout(request)
            return
        request.session["seen"] = now
        request.session.set_expiry(min(idle, left))
        if "sign_in" in request.session:
            SignIn.objects.filter(pk=request.session["sign_in"]).update(seen_at=timezone.now())


class SecondFactorMiddleware:
    """Leads whoever must have a second factor to it before anything else in the console (security list 22)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/console/") and not request.path_info.startswith(WITHOUT_SECOND_FACTOR):
            user = request.user
            if isinstance(user, User) and user.otp_device is None and must_have(user):  # type: ignore[attr-defined]
                page = "sign_in_code" if has_authenticator(user) else "two_factor"
                back = request.get_full_path() if request.method == "GET" else "/console/"
                return redirect(f"{reverse(page)}?{urlencode({'next': back})}")
        return self.get_response(request)


class PlaceMiddleware:
    """In the console and on the pages for people, words are in the user's own language.

    The language chosen on this machine comes first; then the one the user chose elsewhere; then the browser's. In the
    console times are those of the organization worked in; a family's page has several.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PLACES) and request.path_info != "/":
            return self.get_response(request)
        if isinstance(request.user, User) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        in_console = request.path_info.startswith("/console/")
        organization = request.organization if in_console else None  # type: ignore[attr-defined]
        with timezone.override(organization.zone if organization else None):
            return self.get_response(request)
