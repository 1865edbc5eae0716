"""Paying at the payer's own bank: what is chosen, where they go, and that they are back.

# Note [Coming back proves nothing]
# The browser brings a signed form back from the bank. It is taken in like a webhook, and the bank is asked. A browser
# that only calls the address, as after a bookmark or a second click, is shown the way and changes nothing.
"""

import secrets
from decimal import Decimal
from http import HTTPStatus
from urllib.parse import urldefrag, urlsplit

import segno
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.errors import DomainError
from billing.models import Customer, Invoice
from billing.money import ZERO
from billing.office import clock
from billing.pages.own import user_of
from payments.gateways.base import Forged, Unreadable
from payments.gateways.registry import NotConfigured, configurations, gateway_for
from payments.models import GatewayAccount, PaymentAttempt
from payments.models.attempt import AttemptState, Operation
from payments.models.gateway_account import GatewayKind
from payments.pages.doors import Door, door_of
from payments.pages.own import own_customer
from payments.services.inbox import count_refusal, keep_events
from payments.services.methods.paying import Till, check_limit, read_shares
from payments.services.redirecting import METHODS, RedirectOrder, form_of, look_again, start_redirect

LONGEST_KEY, LONGEST_HANDLE, LONGEST_FORM = 40, 80, 100_000
AGAIN = 5  # seconds after which a page that waits looks again
Shares = list[tuple[Invoice, Decimal]]


@require_POST
@login_required
def at_bank(request: HttpRequest, customer_pk: int, currency: str, account_pk: int) -> HttpResponse:
    """What was chosen is shown whole; confirm and the key of that page start it, once."""
    user = user_of(request)
    door, customer = Door(user=user), own_customer(user, customer_pk)
    if (earlier := _earlier(request, door, customer)) is not None:
        return earlier
    till = door.find_till(customer, currency, clock.now())
    if till is None:
        raise Http404
    return pay_at_bank(request, door, till, str(account_pk))


def pay_at_bank(request: HttpRequest, door: Door, till: Till, place: str) -> HttpResponse:
    """Net banking or UPI. place: the key of the account. Raises Http404 for one that is not offered here."""
    if (earlier := _earlier(request, door, till.customer)) is not None:  # the second of two clicks
        return earlier
    account = next((one for one in till.places if str(one.pk) == place), None)
    if account is None:
        raise Http404
    shares: Shares = []
    try:
        shares = _chosen(request, till, account)
        if not request.POST.get("confirm"):
            return _confirm(request, door, till, account, shares, "")
        order = RedirectOrder(
            till.customer, account, [(invoice.pk, amount) for invoice, amount in shares], _request_key(request),
            request.build_absolute_uri(reverse("family_pay_back", args=[account.configuration])),
            request.POST.get("handle", "").strip()[:LONGEST_HANDLE], door.link_id,
        )  # fmt: skip
        return HttpResponseRedirect(door.going(start_redirect(order, now=clock.now(), by=door.user)))
    except DomainError as refusal:
        return _confirm(request, door, till, account, shares, str(refusal))


def _request_key(request: HttpRequest) -> str:
    return f"bank:{request.POST.get('request_key', '')[:LONGEST_KEY]}"


def _earlier(request: HttpRequest, door: Door, customer: Customer) -> HttpResponse | None:
    """Where what the same page started before stands."""
    if not request.POST.get("confirm"):
        return None
    rows = PaymentAttempt.objects.filter(organization=customer.organization_id, customer=customer)
    found = rows.filter(request_key=_request_key(request)).first()
    if found is None or (door.is_link and found.decision.get("link") != door.link_id):
        return None
    return HttpResponseRedirect(door.going(found))


def _chosen(request: HttpRequest, till: Till, account: GatewayAccount) -> Shares:
    """Raises BadInput."""
    shares = read_shares(till, request.POST, request.POST.getlist("invoices"))
    check_limit(till, METHODS[GatewayKind(account.kind)], _sum(shares))
    return shares


def _sum(shares: Shares) -> Decimal:
    return sum((amount for _invoice, amount in shares), ZERO)


def _confirm(
    request: HttpRequest, door: Door, till: Till, account: GatewayAccount, shares: Shares, problem: str
) -> HttpResponse:  # fmt: skip
    context = {
        "shares": shares, "total": _sum(shares), "currency": till.currency, "problem": problem, "door": door,
        "is_upi": account.kind == GatewayKind.UPI, "request_key": secrets.token_hex(16), "account": account,
        "handle": request.POST.get("handle", "")[:LONGEST_HANDLE], "action": door.till(till.customer, till.currency),
    }  # fmt: skip
    return render(request, "pages/pay/bank.html", context, status=422 if problem else 200)


@require_GET
@login_required
def going(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the payer goes from here; once it is known what came of it, how it stands."""
    return show_going(request, Door(user=user_of(request)), pk)


def show_going(request: HttpRequest, door: Door, pk: int) -> HttpResponse:
    """Of an attempt that was made by this door."""
    attempt = door.attempt(pk, Operation.SALE)
    if attempt.method is not None or attempt.state != AttemptState.PENDING:
        return HttpResponseRedirect(door.result(attempt))
    now = clock.now()
    if attempt.ask_at is not None and attempt.ask_at <= now:  # nobody has asked for a while
        attempt = look_again(attempt, now=now)
        if attempt.state != AttemptState.PENDING:
            return HttpResponseRedirect(door.result(attempt))
    fields = form_of(attempt)
    address = urldefrag(attempt.redirect).url if fields else ""
    link = "" if fields else attempt.redirect
    context = {
        "attempt": attempt, "fields": fields, "address": address, "link": link, "code": _code(link) if link else "",
        "again_in": AGAIN, "door": door, "result": door.result(attempt),
    }  # fmt: skip
    answer = render(request, "pages/pay/going.html", context)
    if address:
        parts = urlsplit(address)
        answer.__dict__["_csp_update"] = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}
    return answer


def _code(link: str) -> str:
    """A picture of the link, for a phone's camera: black on white, whatever the page's colours."""
    address: str = segno.make(link, error="m", micro=False).svg_data_uri(border=4, light="white", scale=5)
    return address


@csrf_exempt
@require_http_methods(["GET", "POST"])
def back(request: HttpRequest, configuration: str) -> HttpResponse:
    """See Note [Coming back proves nothing]. Nobody need be signed in: the browser comes from elsewhere."""
    if configuration not in configurations():
        raise Http404
    if request.method == "GET":
        return HttpResponseRedirect(reverse("family_pay"))
    now = clock.now()
    attempt = None
    try:
        gateway, _wire = gateway_for(configuration)
        raw = request.body if int(request.META.get("CONTENT_LENGTH") or 0) <= LONGEST_FORM else b""
        events = gateway.parse_webhook(raw, {name.lower(): text for name, text in request.headers.items()}, [])
        keep_events(configuration=configuration, events=events, raw=raw, now=now)
        rows = PaymentAttempt.objects.filter(key__in=[event.key for event in events], method__isnull=True)
        attempt = rows.filter(gateway_account__configuration=configuration).select_related(
            "gateway_account", "method", "customer", "organization", "follows"
        ).first()  # fmt: skip
    except (Forged, Unreadable):
        count_refusal(configuration=configuration, why="forged", on=now.date())
    except NotConfigured:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if attempt is None:
        return HttpResponse(_("This was not sent by your bank."), status=HTTPStatus.BAD_REQUEST)
    look_again(attempt, now=now)
    answer = HttpResponseRedirect(door_of(attempt).result(attempt))
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer
