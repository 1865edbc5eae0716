"""Receive payment: one screen from the customer's name to the printed receipt (R2-R7, R11-R15, R117-R125)."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.admin import search as search  # mounts the lookup that the customer finder asks
from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.errors import BadInput, DomainError, KeyReused, NotFound, NotPermitted, Refusals
from billing.office import clock
from billing.office.models.user import Mode
from billing.transactions import Busy, in_transaction
from payments.models import Method
from payments.services.duplicates import ChequeEntered, LooksAlike, TrueDouble
from payments.services.orders import PaymentOrder
from payments.services.previewing import preview_order
from receipts.admin import receive_page
from receipts.admin.receive_answer import answer
from receipts.admin.receive_cheque import keep_photos, ways_out
from receipts.admin.receive_figures import as_errors, figures
from receipts.admin.receive_form import find_payer, read_form
from receipts.admin.receive_page import Shown
from receipts.services.counter import ReceiptWish, Taken, take_payment

DONE, BAD, NOT_FOUND, FORBIDDEN, CONFLICT, REFUSED = 200, 400, 404, 403, 409, 422
DEEDS = ("print", "email", "next")


class JustTaken(DomainError):
    code = "taken_meanwhile"
    sentence = gettext_lazy("Somebody else has used this in the same moment; nothing was saved. Check and try again.")


# Uniqueness that two clerks can run into in the same moment, and the field it is about.
RACES = {
    "payment_request_once": "request_key",
    "receipt_form_once": "form_number",
    "cheque_once": "cheque_number",
}


@console_path("receive/", "receive", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def receive(request: ConsoleRequest) -> HttpResponse:
    """The screen. ?customer=CODE opens it with that customer. A POST is the form of a browser without scripts."""
    now = clock.now()
    if request.method == "POST":
        return _without_scripts(request, now)
    code, desk, status = request.GET.get("customer", ""), {}, DONE
    if code:
        try:
            desk = receive_page.desk(find_payer(request.organization, code), now, request.user)
        except DomainError as refusal:
            desk, status = {"errors": as_errors([refusal])}, status_of(refusal)
    return _draw(request, now, desk, status)


@console_path("receive/desk/", "receive-desk", "enter_payment", Mode.DO)
@require_GET
def desk(request: ConsoleRequest) -> HttpResponse:
    """The card and the form of ?customer=CODE, as a piece of the page."""
    try:
        customer = find_payer(request.organization, request.GET.get("customer", ""))
    except DomainError as refusal:
        return refused(refusal)
    return render(request, "console/receive/desk.html", receive_page.desk(customer, clock.now(), request.user))


@console_path("receive/preview/", "receive-preview", "enter_payment", Mode.DO)
@require_POST
def preview(request: ConsoleRequest) -> HttpResponse:
    """What the form would do as it stands, by every strategy. Writes nothing."""
    now = clock.now()
    try:
        found, errors = _figures(request, now)
    except DomainError as refusal:
        return refused(refusal)
    return JsonResponse({**found, "errors": errors, **_ways(request, errors)})


@console_path("receive/save/", "receive-save", "enter_payment", Mode.DO)
@require_POST
def save(request: ConsoleRequest) -> HttpResponse:
    """Take the payment once; the same key again gives the same answer."""
    try:
        taken = _take(request, clock.now())
    except DomainError as refusal:
        return refused(refusal, _ways(request, as_errors([refusal])))
    return JsonResponse(answer(taken, request.POST.get("do", "")))


def _take(request: ConsoleRequest, now: datetime) -> Taken:
    organization = request.organization
    order, wish = read_form(organization, request.POST, organization.today(now)).checked()
    if order.by_hand is not None and not may_here(request, "allocate_by_hand", Mode.DO):
        raise NotPermitted(action="allocate_by_hand")
    try:
        return in_transaction(lambda: _take_with_photos(request, order, wish, now))
    except KeyReused as reused:
        sentence = _("This form was saved already, with other figures. See what you took today, then start anew.")
        raise KeyReused(sentence, field="request_key") from reused
    except IntegrityError as trouble:
        constraint = getattr(getattr(trouble.__cause__, "diag", None), "constraint_name", "")
        if constraint not in RACES:
            raise
        raise JustTaken(field=RACES[constraint]) from trouble


def _take_with_photos(request: ConsoleRequest, order: PaymentOrder, wish: ReceiptWish, now: datetime) -> Taken:
    taken = take_payment(organization=request.organization, order=order, wish=wish, now=now, by=request.user)
    keep_photos(taken, request.FILES, now, request.user)
    return taken


def _ways(request: ConsoleRequest, errors: list[dict[str, str]]) -> dict[str, Any]:
    """{"ways": …} where a refused cheque may go instead, else nothing. One query, and none without an error."""
    if not errors or request.POST.get("method") != Method.CHEQUE:
        return {}
    try:
        customer = find_payer(request.organization, request.POST.get("customer", ""))
    except DomainError:
        return {}
    ways = ways_out(customer, request.POST, errors)
    return {"ways": ways} if ways else {}


def _figures(request: ConsoleRequest, now: datetime) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The preview's figures and what is wrong so far. What is merely not typed yet is not wrong."""
    organization, today = request.organization, request.organization.today(now)
    reading = read_form(organization, request.POST, today)
    wrong = [refusal for refusal in reading.refusals if refusal.code != "required"]
    if reading.order is None:
        return {"is_empty": True}, as_errors(wrong)
    order = reading.order
    found = preview_order(organization=organization, order=order, now=now)
    shown = figures(found)
    errors = as_errors(wrong)
    errors += [error for error in shown["errors"] if error["field"] not in {e["field"] for e in errors}]
    invoices = list(found.invoices)
    if request.POST.get("shown", "") != receive_page.fingerprint(invoices, order.currency):
        drawn = receive_page.table(invoices, order.currency, today, Shown(request.POST, shown, errors))
        shown["table"] = render_to_string("console/receive/table.html", drawn, request)
    shown["day"] = receive_page.day_words(organization, order.received_on, today)
    return shown, errors


def _without_scripts(request: ConsoleRequest, now: datetime) -> HttpResponse:
    """Save, or show what saving would do; what was typed stays."""
    shown, status = Shown(request.POST), DONE
    try:
        if request.POST.get("do") in DEEDS:
            taken = _take(request, now)
            messages.success(request, answer(taken, "")["message"])
            return HttpResponseRedirect(reverse("admin:receive"))
        shown.figures, shown.errors = _figures(request, now)
    except DomainError as refusal:
        shown.errors, status = as_errors([refusal]), status_of(refusal)
        if not isinstance(refusal, NotFound):
            shown.figures = _still_shown(request, now)
    try:
        payer = find_payer(request.organization, request.POST.get("customer", ""))
        desk = receive_page.desk(payer, now, request.user, shown) | _ways(request, shown.errors)
    except DomainError:
        desk = {"errors": shown.errors}
    return _draw(request, now, desk, status)


def _still_shown(request: ConsoleRequest, now: datetime) -> dict[str, Any]:
    try:
        return _figures(request, now)[0]
    except DomainError:
        return {}


def _draw(request: ConsoleRequest, now: datetime, desk: dict[str, Any], status: int) -> HttpResponse:
    context = console_context(request, _("Receive payment"), **receive_page.page(request, now), **desk)
    return render(request, "console/receive/page.html", context, status=status)


def status_of(refusal: DomainError) -> int:
    """409 for what stands in the way now, 422 for what the rules refuse, 400 for what cannot be read."""
    if isinstance(refusal, NotFound):
        return NOT_FOUND
    if isinstance(refusal, NotPermitted):
        return FORBIDDEN
    if isinstance(refusal, LooksAlike | TrueDouble | ChequeEntered | Busy | JustTaken):
        return CONFLICT
    return BAD if isinstance(refusal, BadInput | Refusals) else REFUSED


def refused(refusal: DomainError, ways: dict[str, Any] | None = None) -> HttpResponse:
    return JsonResponse({"errors": as_errors([refusal]), **(ways or {})}, status=status_of(refusal))
