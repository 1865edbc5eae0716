"""Doors that need no login: what carriers tell of our messages, and the link that stops a topic (R172, R174).

Webhooks as those of processors: proven by a signature over the bytes as they came, kept once, answered at once.
200: kept, or known already. 400: proven and unreadable. 401: not proven. 404: nobody we listen to. 413: too long.
"""

from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl

import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from billing.models import Customer
from billing.office import clock
from billing.office.hearing import take_news
from billing.office.message_kinds import TOPICS
from billing.office.messengers.base import Forged, Unreadable
from billing.office.messengers.registry import NotConfigured, configurations, messenger_for
from billing.office.stopping import read_stop
from billing.services.telling.preferences import stop_topic
from billing.transactions import Busy, in_transaction

log = structlog.get_logger(__name__)
LONGEST_BODY = 1_000_000


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, carrier: str) -> HttpResponse:
    """GET is a carrier that asks whether the address is ours; POST is news."""
    if carrier not in configurations():
        return _answer(HTTPStatus.NOT_FOUND)
    try:
        if request.method == "GET":
            challenge = messenger_for(carrier)[0].challenge(request.GET.dict())
            return HttpResponse(challenge, content_type="text/plain") if challenge else _answer(HTTPStatus.FORBIDDEN)
        return _answer(_receive(request, carrier))
    except (OperationalError, InterfaceError, Busy, NotConfigured) as trouble:
        log.error("message_news_not_kept", carrier=carrier, trouble=type(trouble).__name__)
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _receive(request: HttpRequest, carrier: str) -> HTTPStatus:
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    messenger, _wire = messenger_for(carrier)
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    try:
        news = messenger.parse(request.body, headers, query)
    except Forged:
        log.warning("message_news_forged", carrier=carrier)
        return HTTPStatus.UNAUTHORIZED
    except (Unreadable, RecursionError) as trouble:
        log.warning("message_news_unreadable", carrier=carrier, trouble=type(trouble).__name__)
        return HTTPStatus.BAD_REQUEST
    take = partial(take_news, carrier=carrier, channel=messenger.channel, news=news, now=clock.now())
    in_transaction(take)
    return HTTPStatus.OK


def _answer(status: HTTPStatus) -> HttpResponse:
    answer = HttpResponse(status.phrase, status=status, content_type="text/plain")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["Retry-After"] = "30"
    return answer


@csrf_exempt
@require_http_methods(["GET", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, so that a program that only follows links stops nothing; POST stops, as mail programs do by one click
    (RFC 8058). Only a link of ours is known; what it may do is to stop one topic of one family."""
    found = read_stop(token)
    customer = Customer.objects.select_related("organization").filter(pk=found[0]).first() if found else None
    if found is None or customer is None or not customer.organization.is_active:
        raise Http404
    topic, is_done = found[1], False
    if request.method == "POST":
        now = clock.now()
        is_done = in_transaction(lambda: stop_topic(customer=customer, topic=topic, now=now))
    with override(customer.language):
        context = {"topic": TOPICS[topic][0], "school": customer.organization.shown_name, "is_done": is_done}
        return render(request, "pages/messages/stop.html", context)
