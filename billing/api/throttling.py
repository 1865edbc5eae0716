"""How often one client may call. The rate is REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["client"]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from billing.office.models import ApiClient

if TYPE_CHECKING:  # the framework imports this module while it makes APIView
    from rest_framework.views import APIView


class ClientThrottle(SimpleRateThrottle):
    """Counted for each client in this web process; too much gives 429 with Retry-After."""

    scope = "client"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if not isinstance(request.auth, ApiClient):
            return None
        return f"api-throttle:{request.auth.pk}"
