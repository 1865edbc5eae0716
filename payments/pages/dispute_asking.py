"""A family says that an invoice or a payment is not right: why, how much, with papers (R107, R124)."""

from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import BadInput, DomainError, Refusals
from billing.models import Invoice
from billing.money import format_amount, parse_amount
from billing.office import clock
from billing.pages.own import kept, own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import Dispute, Payment
from payments.pages.dispute_words import CAUSES
from payments.pages.own import own_invoice, own_key, own_payment
from payments.pages.papers import sent_files
from payments.services.dispute_asking import ask_about
from payments.services.disputes import AlreadyContested, DisputeOrder, check_askable, check_contestable

FIELDS = ("amount", "reason_code", "description")


@require_http_methods(["GET", "POST"])
@login_required
def dispute_new(request: HttpRequest) -> HttpResponse:
    """?invoice= or ?payment=, an own one alone. Sent twice it is told once. About fifteen queries."""
    earlier = _made_before(request)
    if earlier is not None:
        return HttpResponseRedirect(reverse("family_dispute", args=[earlier.pk]))
    about = _about(request)
    typed = {name: request.POST.get(name, "") for name in FIELDS}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            return _done(request, about, typed)
        except DomainError as refusal:
            problems = _placed(refusal)
    return _page(request, about, typed, problems)


def _made_before(request: HttpRequest) -> Dispute | None:
    """What the same form opened the first time it was sent."""
    key = request.POST.get("request_key", "")[:80]
    own = Dispute.objects.filter(customer__in=own_customers(user_of(request)), request_key=key)
    return own.first() if key else None


def _about(request: HttpRequest) -> Invoice | Payment:
    """Raises Http404."""
    user = user_of(request)
    if request.GET.get("invoice"):
        return own_invoice(user, own_key(request.GET["invoice"]))
    if request.GET.get("payment"):
        return own_payment(user, own_key(request.GET["payment"]))
    raise Http404


def _done(request: HttpRequest, about: Invoice | Payment, typed: dict[str, str]) -> HttpResponse:
    """Raises DomainError."""
    if typed["reason_code"] not in CAUSES:
        raise BadInput(_("Choose what is not right."), field="reason_code", code="unknown_choice")
    if not typed["description"].strip():
        raise BadInput(_("Say in a few sentences what happened."), field="description", code="required")
    is_invoice = isinstance(about, Invoice)
    order = DisputeOrder(
        amount=parse_amount(typed["amount"], about.currency), reason_code=typed["reason_code"],
        description=typed["description"], request_key=request.POST.get("request_key", ""),
        invoice_id=about.pk if is_invoice else None, payment_id=None if is_invoice else about.pk,
        is_question=not is_invoice,
    )  # fmt: skip
    files = sent_files(request)
    with explained():
        made = in_transaction(partial(
            ask_about, organization=about.organization, order=order, files=files, now=clock.now(), by=user_of(request)
        ))  # fmt: skip
    messages.success(
        request, _("Thank you. The office looks into it; the file is {number}.").format(number=made.number)
    )
    return HttpResponseRedirect(reverse("family_dispute", args=[made.pk]))


def _placed(refusal: DomainError) -> dict[str, str]:
    parts = refusal.refusals if isinstance(refusal, Refusals) else [refusal]
    return {part.field if part.field in FIELDS else "": str(part) for part in parts}


def _page(
    request: HttpRequest, about: Invoice | Payment, typed: dict[str, str], problems: dict[str, str]
) -> HttpResponse:  # fmt: skip
    is_invoice = isinstance(about, Invoice)
    context: dict[str, Any] = {
        "about": about, "is_invoice": is_invoice, "causes": CAUSES.items(), "problems": problems,
        "request_key": request.POST.get("request_key") or uuid4().hex, "why_not": "", "open_file": None,
        "query": f"{'invoice' if is_invoice else 'payment'}={about.pk}",
    }  # fmt: skip
    try:
        left = check_contestable(about) if is_invoice else check_askable(about)  # type: ignore[arg-type]
        context["left"] = left
        if request.method != "POST":
            typed = typed | {"amount": format_amount(left, about.currency)}
    except AlreadyContested as refusal:
        context["open_file"] = Dispute.objects.filter(
            customer=about.customer_id, number=refusal.facts["number"]
        ).first()
        context["why_not"] = _("You told us already; the office looks into it.")
    except DomainError as refusal:
        context["why_not"] = str(refusal)
    context["typed"] = {name: kept(text) for name, text in typed.items()}
    return render(request, "pages/disputes/new.html", context, status=422 if problems else 200)
