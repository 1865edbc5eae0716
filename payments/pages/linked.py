"""Paying by a link without a login: what is open, ways to pay it, how it stands; no more (requirements §4 row 19).

A link that nobody made, one of another's, and one that is over all say the same. The address is a secret: it is kept by
no cache, told to no other site and found by no search engine.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from billing.errors import DomainError
from billing.models import PayLink
from billing.office import clock
from billing.office.limiting import count_asked
from billing.services.pay_links import find_link
from payments.models import PaymentAttempt
from payments.pages.cards import show_storing
from payments.pages.device import address_of
from payments.pages.doors import Door
from payments.pages.going import show_going
from payments.pages.paying import at_till, show_result, show_tills
from payments.services.methods.paying import narrowed, tills_for

LONGEST = 100
GONE, TOO_MANY = 410, 429
MOST, SECONDS = 120, 60  # pages for one address of the net
# Who tries stolen cards tries many: so many payments are begun by one link in a day.
MOST_A_DAY = 10
A_DAY = timedelta(days=1)
P = ParamSpec("P")


class TooManyTries(DomainError):
    code = "too_many_tries"
    sentence = _("By this link no more can be tried today. Call the school's office.")


def by_link(
    view: Callable[Concatenate[HttpRequest, PayLink, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """In the customer's language; one address of the net asks a limited number of times in a minute."""

    @never_cache
    @csrf_protect
    def found(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if count_asked(what="pay_link", who=address_of(request), seconds=SECONDS, now=clock.now()) > MOST:
            return _closed(request, TOO_MANY)
        link = find_link(token[:LONGEST])
        if link is None:
            return _closed(request, 404)
        with translation.override(link.customer.language):
            if not link.holds_at(clock.now()):
                return _closed(request, GONE)
            try:
                answer = view(request, link, *args, **kwargs)
            except Http404:
                return _closed(request, 404)
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    return found


def _closed(request: HttpRequest, status: int) -> HttpResponse:
    answer = render(request, "pages/pay/link_closed.html", {"is_often": status == TOO_MANY}, status=status)
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


@require_GET
@by_link
def pay_link(request: HttpRequest, link: PayLink) -> HttpResponse:
    """What is open. Where all is paid, that it is."""
    tills = [narrowed(till, link) for till in tills_for([link.customer], clock.now())]
    return show_tills(request, Door(link=link), [till for till in tills if till is not None])


@require_http_methods(["POST"])
@by_link
def pay_link_till(request: HttpRequest, link: PayLink, currency: str) -> HttpResponse:
    if request.POST.get("confirm") and _has_tried_enough(link, request.POST.get("request_key", "")):
        return render(
            request, "pages/pay/choose.html",
            {"tills": [], "problem": str(TooManyTries()), "door": Door(link=link)}, status=TOO_MANY,
        )  # fmt: skip
    return at_till(request, Door(link=link), link.customer, currency)


def _has_tried_enough(link: PayLink, key: str) -> bool:
    """key: of the page that asks now; the second of two clicks on it is no further try."""
    own = [f"{kind}:{key}" for kind in ("store", "pay", "bank")]
    rows = PaymentAttempt.objects.filter(customer=link.customer, decision__link=link.pk)
    lately = rows.filter(created_at__gt=clock.now() - A_DAY, by_payer=True).exclude(request_key__in=own)
    return lately.count() >= MOST_A_DAY


@require_GET
@by_link
def pay_link_result(request: HttpRequest, link: PayLink, pk: int) -> HttpResponse:
    return show_result(request, Door(link=link), pk)


@require_GET
@by_link
def pay_link_going(request: HttpRequest, link: PayLink, pk: int) -> HttpResponse:
    return show_going(request, Door(link=link), pk)


@require_GET
@by_link
def pay_link_card(request: HttpRequest, link: PayLink, pk: int) -> HttpResponse:
    return show_storing(request, Door(link=link), pk)
