"""A family asks for its money back: first what may come back and why not, then the asking (R91-R97, R100)."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import BadInput, DomainError, Refusals
from billing.models import Allocation, CreditItem, Invoice
from billing.money import format_amount, format_money, parse_amount
from billing.office import clock
from billing.office.policies import policies_for
from billing.pages.own import kept, own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import Payment, Refund
from payments.models.refund import Destination, RefundReason, RefundState, RequestedVia
from payments.pages.own import own_credit, own_key, own_payment
from payments.pages.papers import File, keep_sent, sent_files
from payments.pages.refund_words import BACK_BY, CAUSES, KEPT, why_not
from payments.selectors.refunds import left_to_refund
from payments.services.eligibility import RefundPreview, preview_refund
from payments.services.refund_cases import BILL_CAUSES, RefundOrder
from payments.services.refund_checks import payment_trouble
from payments.services.refunding import AlreadyAsked, request_refund, subject_of

SHOWN = 50
FIELDS = ("amount", "reason_code", "reason", "destination", "invoice")


@dataclass(frozen=True)
class Source:
    """What is asked back: a credit, and the payment that brought it, if one did. why: why nothing of it may."""

    item: CreditItem | None
    payment: Payment | None
    why: str = ""

    @property
    def left(self) -> Decimal:
        return left_to_refund(self.item) if self.item is not None else Decimal("0.00")

    @property
    def number(self) -> str:
        return self.payment.number if self.payment is not None else self.item.number if self.item is not None else ""


@require_http_methods(["GET", "POST"])
@login_required
def refund_new(request: HttpRequest) -> HttpResponse:
    """?payment= or ?credit=, an own one alone; without either, a list to choose from. A POST without confirm shows
    what would come back; with confirm it asks. Sent twice it is asked once. About fifteen queries."""
    if not request.GET.get("payment") and not request.GET.get("credit"):
        return _choose(request)
    earlier = _made_before(request)
    if earlier is not None:
        return HttpResponseRedirect(reverse("family_refund", args=[earlier.pk]))
    source = _source(request)
    typed = {name: request.POST.get(name, "") for name in FIELDS}
    problems: dict[str, str] = {}
    preview: RefundPreview | None = None
    if request.method == "POST" and source.item is not None and not source.why:
        try:
            order = _order(request, source.item, typed)
            preview = preview_refund(
                organization=source.item.organization, order=order, now=clock.now(), way_later=True
            )
            if request.POST.get("confirm") and request.POST.get("shown") == _shown(preview):
                return _done(request, source.item, order)
        except DomainError as refusal:
            preview, problems = None, _placed(refusal)
    return _page(request, source, typed, preview, problems)


def _made_before(request: HttpRequest) -> Refund | None:
    """What the same form made the first time it was sent."""
    key = request.POST.get("request_key", "")[:80]
    own = Refund.objects.filter(customer__in=own_customers(user_of(request)), request_key=key)
    return own.first() if key else None


def _source(request: HttpRequest) -> Source:
    """Raises Http404."""
    user = user_of(request)
    payment: Payment | None
    item: CreditItem | None
    if request.GET.get("payment"):
        payment = own_payment(user, own_key(request.GET["payment"]))
        item = payment.credit_item
    else:
        item = own_credit(user, own_key(request.GET.get("credit", "")))
        payment = getattr(item, "payment", None)
    if item is not None:
        item.organization = (payment or item).organization
    trouble = payment_trouble(payment) if payment is not None else None
    if trouble is not None:
        return Source(item, payment, why_not(trouble))
    if item is None or not left_to_refund(item):
        return Source(item, payment, _("Nothing of it is left to pay back."))
    waits = Refund.objects.filter(credit_item=item, state=RefundState.REQUESTED).first()
    return Source(item, payment, str(AlreadyAsked(number=waits.number)) if waits is not None else "")


def _order(request: HttpRequest, item: CreditItem, typed: dict[str, str]) -> RefundOrder:
    """Raises BadInput, one after the other in the order of the form."""
    if typed["reason_code"] not in _causes(item):
        raise BadInput(_("Choose why."), field="reason_code", code="unknown_cause")
    invoice = typed["invoice"]
    if invoice and not (invoice.isascii() and invoice.isdigit() and len(invoice) < 19):
        raise BadInput(_("Choose one of the list."), field="invoice", code="unknown_choice")
    for_bill = typed["reason_code"] in BILL_CAUSES
    if typed["destination"] not in (Destination.SOURCE, Destination.CREDIT):
        raise BadInput(_("Choose one of the list."), field="destination", code="unknown_destination")
    if not typed["reason"].strip():
        raise BadInput(_("Say in a sentence what happened."), field="reason", code="required")
    is_kept = typed["destination"] == Destination.CREDIT
    return RefundOrder(
        customer_id=item.customer_id, credit_item_id=item.pk, reason_code=typed["reason_code"], reason=typed["reason"],
        gross_amount=parse_amount(typed["amount"], item.currency), via=RequestedVia.PARENT,
        destination=typed["destination"], consent=_consent(request) if is_kept else "",
        request_key=request.POST.get("request_key", ""), invoice_id=int(invoice) if invoice and for_bill else None,
    )  # fmt: skip


def _consent(request: HttpRequest) -> str:
    """Stored explanations are in English."""
    return f"chosen by {user_of(request)} on the customer's own page"


def _done(request: HttpRequest, item: CreditItem, order: RefundOrder) -> HttpResponse:
    """Raises DomainError."""
    files = sent_files(request)
    with explained():
        refund = in_transaction(partial(_ask, request, item, order, files))
    messages.success(request, _("The office has your request {number}.").format(number=refund.number))
    return HttpResponseRedirect(reverse("family_refund", args=[refund.pk]))


def _ask(request: HttpRequest, item: CreditItem, order: RefundOrder, files: list[File]) -> Refund:
    organization, user = item.organization, user_of(request)
    refund = request_refund(organization=organization, order=order, now=clock.now(), by=user)
    keep_sent(request, files, subject_of(refund), organization)
    return refund


def _placed(refusal: DomainError) -> dict[str, str]:
    """Each refusal by the input it is about; the service's names are those of the form but for two."""
    names = {"gross_amount": "amount", "invoice_id": "invoice"}
    parts = refusal.refusals if isinstance(refusal, Refusals) else [refusal]
    return {names.get(part.field, part.field) if part.field in (*names, *FIELDS) else "": str(part) for part in parts}


def _failed(preview: RefundPreview) -> list[str]:
    """Why not; of more than there is, that alone."""
    codes = {check.code for check in preview.failed}
    return [why_not(c) for c in preview.failed if c.code != "not_unapplied" or "more_than_left" not in codes]


def _shown(preview: RefundPreview) -> str:
    return f"{preview.gross} {preview.paid} {preview.expected_on:%Y-%m-%d}" if preview.eligible else ""


def _page(
    request: HttpRequest, source: Source, typed: dict[str, str], preview: RefundPreview | None, problems: dict[str, str]
) -> HttpResponse:  # fmt: skip
    item = source.item
    if request.method != "POST" and item is not None:
        typed = typed | {"amount": format_amount(source.left, item.currency), "destination": Destination.SOURCE}
    failed = _failed(preview) if preview is not None else []
    passed = (
        [c.sentence for c in preview.checks if c.passed and c.code in ("twin", "no_twin", "bill", "way")]
        if preview is not None
        else []
    )
    context: dict[str, Any] = {
        "source": source, "item": item, "payment": source.payment, "typed": {k: kept(v) for k, v in typed.items()},
        "preview": preview if preview is not None and preview.eligible else None, "problems": problems,
        "failed": failed, "passed": passed, "shown": _shown(preview) if preview is not None else "",
        "request_key": request.POST.get("request_key") or uuid4().hex,
    }  # fmt: skip
    if item is not None and not source.why:
        causes = _causes(item)
        context |= {
            "causes": [(code, CAUSES[code]) for code in causes], "ways": _ways(source.payment), "bills": _bills(item),
            "left": format_money(source.left, item.currency), "outlook": _outlook(item, source.left, causes),
        }  # fmt: skip
    refused = bool(problems or failed)
    return render(request, "pages/refunds/new.html", context, status=422 if refused else 200)


def _outlook(item: CreditItem, left: Decimal, causes: list[str]) -> RefundPreview | None:
    """What asking for all of it today would come to, whatever the cause; None where nothing is paid back here."""
    if not causes:
        return None
    order = RefundOrder(item.customer_id, item.pk, left, causes[0], reason="-", request_key="-")
    return preview_refund(organization=item.organization, order=order, now=clock.now(), way_later=True)


def _causes(item: CreditItem) -> list[str]:
    """Those for which money is given back here. One query."""
    allowed = policies_for(item.organization, customer_id=item.customer_id).choices("refunds.eligible_reasons")
    return [cause.value for cause in RefundReason if cause in allowed]


def _ways(payment: Payment | None) -> list[tuple[str, Any]]:
    back = BACK_BY[payment.method] if payment is not None else _("Pay it back to me; the office agrees on the way")
    return [(str(Destination.SOURCE), back), (str(Destination.CREDIT), KEPT)]


def _bills(item: CreditItem) -> list[Invoice]:
    """The invoices this money paid: one of a cancelled service is reduced rather than owed again. One query."""
    paid = Allocation.objects.filter(credit_item=item, reverses__isnull=True, reversed_by__isnull=True)
    return list(Invoice.objects.filter(pk__in=paid.values("invoice"), voided_on__isnull=True).order_by("-issued_on"))


def _choose(request: HttpRequest) -> HttpResponse:
    """What of one's money could come back, the newest first. Two queries."""
    customers = own_customers(user_of(request))
    rows = CreditItem.objects.filter(customer__in=customers, reversed_on__isnull=True)
    rows = rows.select_related("payment", "organization").order_by("-available_on", "-id")[:SHOWN]
    items = [(item, getattr(item, "payment", None), left_to_refund(item)) for item in rows if left_to_refund(item)]
    return render(request, "pages/refunds/choose.html", {"items": items, "several": len(customers) > 1})
