"""Middleware of the whole site."""

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

# The console's scripts evaluate expressions found in its templates; without this a modal covers every page.
CONSOLE_POLICY = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
TOUCH_SECONDS = 60


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

    The session is written at most once a minute, so that reading a list does not cost a write each page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.is_staff:
            now = int(time.time())
            if now - request.session.get("seen", 0) >= TOUCH_SECONDS:
                request.session["seen"] = now
                request.session.set_expiry(settings.STAFF_IDLE_SECONDS)
        return self.get_response(request)
