"""Middleware of the whole site."""

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from billing.office.access import staff_organizations
from billing.office.models import User

GetResponse = Callable[[HttpRequest], HttpResponse]

# The theme's Alpine evaluates expressions found in its templates, and its colours and widths are inline styles: without
# this a modal covers every page. Why it cannot be stricter yet: docs/decisions/0018-strict-pages.md.
CONSOLE_POLICY = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
TOUCH_SECONDS = 60
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


class ConsolePolicyMiddleware:
    """Loosens the content security policy for the console alone. A view that set its own policy keeps it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/console/"):
            response.__dict__.setdefault("_csp_update", CONSOLE_POLICY)
        return response


class StaffIdleMiddleware:
    """Ends a staff session after STAFF_IDLE_SECONDS without a request: a counter is a public place.

    Staff is whoever works in an organization. The session is looked at and written at most once a minute, so that
    reading a list does not cost a write each page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User) and request.user.is_authenticated:
            now = int(time.time())
            if now - request.session.get("seen", 0) >= TOUCH_SECONDS and any(staff_organizations(request.user)):
                request.session["seen"] = now
                request.session.set_expiry(settings.STAFF_IDLE_SECONDS)
        return self.get_response(request)


class PlaceMiddleware:
    """In the console and on the pages for people, words are in the user's own language.

    The language chosen on this machine comes first; then the one the user chose elsewhere; then the browser's. In the
    console times are those of the organization worked in; a family's page has several.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PLACES):
            return self.get_response(request)
        if isinstance(request.user, User) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        in_console = request.path_info.startswith("/console/")
        organization = request.organization if in_console else None  # type: ignore[attr-defined]
        with timezone.override(organization.zone if organization else None):
            return self.get_response(request)
