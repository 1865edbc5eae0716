"""How often one client may call. The rate is REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["client"]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from billing.office import clock
from billing.office.limiting import count_asked, seconds_left
from billing.office.models import ApiClient

if TYPE_CHECKING:  # the framework imports this module while it makes APIView
    from rest_framework.views import APIView


class ClientThrottle(SimpleRateThrottle):
    """Counted for each client over all web processes; too much gives 429 with Retry-After."""

    scope = "client"
    num_requests: int | None
    duration: int | None
    left = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, ApiClient) or not self.num_requests or not self.duration:
            return True
        now = clock.now()
        self.left = seconds_left(self.duration, now)
        asked = count_asked(what="api", who=str(request.auth.pk), seconds=self.duration, now=now)
        return asked <= self.num_requests

    def wait(self) -> int:
        return self.left
