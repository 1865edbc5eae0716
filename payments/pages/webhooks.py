"""The door for outsiders' machines: /webhooks/<configuration>/ (R47, R182; faults F23-F27).

Who calls must prove it by its signature over the bytes as they came; what is proven is kept and acknowledged, and
worked on later. 200: kept, or known already. 400: proven and unreadable. 401: not proven. 404: nobody we listen to.
413: too long. 503: it could not be kept, tell it again.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from billing.office import clock
from payments.gateways.base import Event, Forged, Unreadable
from payments.gateways.registry import NotConfigured, configurations, gateway_for
from payments.services.inbox import count_refusal, keep_events

log = structlog.get_logger(__name__)
LONGEST_BODY = 1_000_000


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, configuration: str) -> HttpResponse:
    """One statement to the database, whatever is told. Some sources tell by GET; their proof is in the query."""
    if configuration not in configurations():
        return _answer(HTTPStatus.NOT_FOUND)
    try:
        return _answer(_receive(request, configuration))
    except (OperationalError, InterfaceError) as trouble:
        log.error("webhook_not_kept", configuration=configuration, trouble=type(trouble).__name__)
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
    except NotConfigured as missing:
        log.error("webhook_not_configured", configuration=configuration, trouble=str(missing))
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _receive(request: HttpRequest, configuration: str) -> HTTPStatus:
    now = clock.now()
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY:
        count_refusal(configuration=configuration, why="too long", on=now.date())
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    raw = request.body
    try:
        events = _read(request, configuration, raw)
    except Forged:
        log.warning("webhook_forged", configuration=configuration)
        count_refusal(configuration=configuration, why="forged", on=now.date())
        return HTTPStatus.UNAUTHORIZED
    except (Unreadable, RecursionError) as trouble:
        log.warning("webhook_unreadable", configuration=configuration, trouble=type(trouble).__name__)
        count_refusal(configuration=configuration, why="unreadable", on=now.date())
        return HTTPStatus.BAD_REQUEST
    keep_events(configuration=configuration, events=events, raw=raw, now=now)
    return HTTPStatus.OK


def _read(request: HttpRequest, configuration: str, raw: bytes) -> list[Event]:
    """Raises Forged, Unreadable, NotConfigured."""
    gateway, _wire = gateway_for(configuration)
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    return gateway.parse_webhook(raw, headers, query)


def _answer(status: HTTPStatus) -> HttpResponse:
    """Words for a log on the other side; nothing that helps a stranger."""
    answer = HttpResponse(status.phrase, status=status, content_type="text/plain")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["Retry-After"] = "30"
    return answer
