"""Asking for a refund on one page: amount, cause, way back, papers, and at once whether it may be (R91-R100)."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import waiting_for
from billing.admin.working import REFUSED, Form, attempt, back_to, say_why
from billing.errors import DomainError, Refusals, Sentence
from billing.models import CreditItem
from billing.money import format_money
from billing.office import clock
from billing.office.documents import keep_document
from payments.admin.refund_form import PAPERS, read_order, refund_form
from payments.models import Payment, Refund
from payments.selectors.refunds import left_to_refund
from payments.services.eligibility import RefundPreview, preview_refund
from payments.services.refunding import request_refund, subject_of

# Who decides, by the action of the matrix that the refund needs.
APPROVERS: dict[str, Sentence] = {
    "refund_small": gettext_lazy("a supervisor or a manager"),
    "refund_large": gettext_lazy("a manager"),
    "refund_elsewhere": gettext_lazy("a finance manager"),
}


@console_path("refunds/new/", "refund_new", "ask_refund", *ASKING)
@require_http_methods(["GET", "POST"])
def refund_new(request: ConsoleRequest) -> HttpResponse:
    """?payment= or ?credit=: GET shows what is left; POST asks, with step "check" it only looks."""
    item, payment = _source(request)
    form = refund_form(item, payment)
    if request.method == "POST":
        form.read(request.POST, request.FILES)
        if request.POST.get("step") != "check":
            done = _save(request, form, item)
            if done is not None:
                return done
    preview = _look(request, form, item, quietly=request.method == "GET" or bool(form.errors))
    context = console_context(
        request, _("Refund {number}").format(number=item.number), item=item, payment=payment, form=form,
        left=left_to_refund(item), back=_back(item, payment), query=request.GET.urlencode(), **_panel(request, preview),
    )  # fmt: skip
    return render(request, "console/refund/new.html", context, status=REFUSED if form.errors else 200)


@console_path("refunds/new/look/", "refund_look", "ask_refund", *ASKING)
@require_POST
def look(request: ConsoleRequest) -> HttpResponse:
    """The panel beside the form while somebody types: what could not be read stands in it, nothing is refused."""
    item, payment = _source(request)
    form = refund_form(item, payment).read(request.POST)
    preview = _look(request, form, item, quietly=False)
    context = {"item": item, "form": form, "unread": form.errors, **_panel(request, preview)}
    return render(request, "console/refund/eligibility.html", context)


def _look(request: ConsoleRequest, form: Form, item: CreditItem, *, quietly: bool) -> RefundPreview | None:
    """The service's own preview; quietly: an input that cannot be read is told elsewhere or not yet."""
    try:
        return preview_refund(organization=request.organization, order=read_order(form, item), now=clock.now())
    except DomainError as refusal:
        if not quietly:
            form.refuse(refusal)
        return None


def _panel(request: ConsoleRequest, preview: RefundPreview | None) -> dict[str, Any]:
    if preview is None:
        return {"preview": None, "may_forward": True}
    return {
        "preview": preview, "approver": APPROVERS.get(preview.action, preview.action),
        "may_forward": may_here(request, preview.action, *ASKING),
    }  # fmt: skip


def _save(request: ConsoleRequest, form: Form, item: CreditItem) -> HttpResponse | None:
    """Ask and keep the papers, all or nothing; the same form sent twice is one refund."""
    now = clock.now()

    def work() -> Refund:
        papers = _papers(form)
        refund = request_refund(
            organization=request.organization, order=read_order(form, item), now=now, by=request.user
        )
        for kind, (name, data) in papers.items():
            keep_document(
                organization=request.organization, subject=subject_of(refund), kind=kind, name=name, data=data,
                now=now, by=request.user, field=f"paper_{kind}",
            )  # fmt: skip
        return refund

    say_why(request, form.typed("reason"))
    done, refund = attempt(form, work)
    if not done or refund is None:
        return None
    waits = bool(waiting_for(request, [subject_of(refund)]))
    sentence = _("{number} is asked for: {amount}.")
    next_step = _("Another person decides.") if waits else _("A supervisor puts it before its approver.")
    amount = format_money(refund.gross_amount, refund.currency)
    return back_to(request, "refund", refund.pk, f"{sentence.format(number=refund.number, amount=amount)} {next_step}")


def _papers(form: Form) -> dict[str, tuple[str, bytes]]:
    """What was uploaded, by kind. Raises Refusals."""
    found, refusals = {}, []
    for kind in PAPERS:
        try:
            upload = form.uploaded(f"paper_{kind}")
        except DomainError as refusal:
            refusals.append(refusal)
            continue
        if upload is not None:
            found[kind] = upload
    if refusals:
        raise Refusals(refusals)
    return found


def _source(request: ConsoleRequest) -> tuple[CreditItem, Payment | None]:
    """The credit the money is taken from, and the payment that brought it. Raises Http404."""
    rows = CreditItem.objects.select_related("customer", "customer__organization", "organization")
    rows = rows.filter(organization=request.organization)
    if "payment" in request.GET:
        payment = get_object_or_404(Payment, pk=_key(request, "payment"), organization=request.organization)
        return get_object_or_404(rows, pk=payment.credit_item_id), payment
    item = get_object_or_404(rows, pk=_key(request, "credit"))
    return item, Payment.objects.filter(credit_item=item).first()


def _key(request: ConsoleRequest, name: str) -> int:
    text = request.GET.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > LARGEST_KEY:
        raise Http404
    return int(text)


def _back(item: CreditItem, payment: Payment | None) -> str:
    return reverse("admin:payment", args=[payment.pk]) if payment else reverse("admin:credit_item", args=[item.pk])
