"""Void and verify: what is done to a payment together with its receipt (R13, R14, R102-R105)."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import readable
from billing.admin.panels import panel
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError, Sentence
from billing.models import Customer
from billing.money import format_money
from billing.office import approvals, clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.services.locking import lock_customers
from payments.admin.payment_page import find_payment
from payments.models import Payment, PaymentState
from payments.services import voiding
from receipts.models import Receipt
from receipts.selectors import history  # noqa: F401  tells the timeline of receipts
from receipts.services.counter import accept_pending, ask_for_approvals, shown_of
from receipts.services.voiding import void_with_receipt

SHOWN_PAYMENTS = 50
VOIDABLE = (PaymentState.PROCESSED, PaymentState.PENDING)


class NotWaiting(DomainError):
    code = "not_waiting"
    sentence = gettext_lazy("{number} is {state} and no longer waits for a second person.")


# Void


@console_path("payments/<int:pk>/void/", "void_payment", voiding.VOID, *ASKING)
@require_http_methods(["GET", "POST"])
def void(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What voiding would do, above the button that asks a manager for it."""
    payment = find_payment(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, asked = attempt(
            form,
            lambda: voiding.ask_for_void(
                payment=payment, reason=form.typed("reason"), by=request.user, now=clock.now()
            ),
        )
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. A manager decides."))
    amount = format_money(payment.amount, payment.currency)
    rows, trouble = _consequences(payment)
    return show_form(
        request, form, title=_("Void {number}").format(number=payment.number), rows=rows, trouble=trouble, danger=True,
        back=reverse("admin:payment", args=[pk]),
        button=_("Void {number} ({amount}): ask a manager").format(number=payment.number, amount=amount),
    )  # fmt: skip


def _consequences(payment: Payment) -> tuple[list[Any], str]:
    """The facts the manager will read, and what else follows: the receipt, the message, the cheque."""
    try:
        shown: dict[str, Any] = voiding.preview_void(payment)
    except DomainError as trouble:
        return [], str(trouble)
    receipt = Receipt.objects.filter(payment=payment).first()
    follows = []
    if receipt is not None:
        follows.append(_("Receipt {number} is marked void and keeps its number.").format(number=receipt.number))
        if receipt.email:
            follows.append(_("{email} is told that the receipt is void.").format(email=receipt.email))
    if getattr(payment, "cheque", None):
        follows.append(_("The cheque may be entered again."))
    return readable(shown | {"what_follows": follows}), ""


def _payment_of(asked: ApprovalRequest) -> Payment:
    rows = Payment.objects.select_related("organization", "customer", "credit_item", "recorded_by")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _payer(asked: ApprovalRequest) -> int:
    return _payment_of(asked).customer_id


def _void_now(asked: ApprovalRequest) -> dict[str, Any]:
    return voiding.preview_void(_payment_of(asked))


@deed(voiding.VOID, label=gettext_lazy("Void the payment"), facts=_void_now, customer=_payer)
def _carry_out_void(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    payment = _payment_of(asked)
    void_with_receipt(payment=payment, approval=asked, by=by, now=now)
    return _("Approved; {number} is void.").format(number=payment.number)


# Verify and accept


def _waiting_now(asked: ApprovalRequest) -> dict[str, Any]:
    """Raises NotWaiting."""
    payment = _payment_of(asked)
    if payment.state != PaymentState.PENDING or asked.action not in payment.pending_for.split(","):
        raise NotWaiting(number=payment.number, state=payment.get_state_display())
    return shown_of(payment)


@deed(
    "verify_large_payment", label=gettext_lazy("Verify the payment"), facts=_waiting_now, customer=_payer, retype=True
)
@deed("accept_unusual_method", label=gettext_lazy("Accept the payment"), facts=_waiting_now, customer=_payer)
def _accept(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    _waiting_now(asked)
    payment = _payment_of(asked)
    taken = accept_pending(payment=payment, now=now, by=by)
    if taken is None:
        return _("Approved. {number} still waits for another approval.").format(number=payment.number)
    return _("Approved; {number} is booked and its receipt is final.").format(number=payment.number)


@console_path("payments/<int:pk>/ask/", "ask_for_payment", "enter_payment", Mode.DO)
@require_http_methods(["POST"])
def ask(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Put a provisional payment before a second person: it came from a file, or the first request lapsed."""
    payment = find_payment(request, pk)
    try:
        with transaction.atomic():
            lock_customers(payment.organization, [payment.customer_id])
            ask_for_approvals(payment, now=clock.now(), by=request.user)
    except DomainError as trouble:
        messages.error(request, str(trouble))
        return HttpResponseRedirect(reverse("admin:payment", args=[pk]))
    return back_to(request, "payment", pk, _("Asked. A second person decides."))


def _nobody_asked(payment: Payment) -> bool:
    """Whether a provisional payment lacks a standing request or approval for something it waits for. One query."""
    if payment.state != PaymentState.PENDING:
        return False
    standing = approvals.standing(f"payment:{payment.pk}", clock.now())
    return not set(payment.pending_for.split(",")) <= standing


# Sections of the pages below


@panel("customer", "console/payment/of_customer.html", order=40)
def _payments_of(request: ConsoleRequest, customer: Customer) -> dict[str, Any]:
    """The latest payments with their receipts. One query."""
    rows = Payment.objects.filter(customer=customer).select_related("receipt", "cheque").order_by("-received_on", "-id")
    found = list(rows[: SHOWN_PAYMENTS + 1])
    return {"payments": found[:SHOWN_PAYMENTS], "more": len(found) > SHOWN_PAYMENTS}


@panel("payment", "console/payment/receipt.html", order=10)
def _receipt_of(request: ConsoleRequest, payment: Payment) -> dict[str, Any]:
    """The receipt with the copies handed out, and the buttons to ask and to void. Three queries."""
    receipt = Receipt.objects.filter(payment=payment).select_related("issued_by").first()
    copies = list(receipt.copies.select_related("by").order_by("id")) if receipt else []
    return {
        "receipt": receipt, "copies": copies,
        "may_ask": may_here(request, "enter_payment", Mode.DO) and _nobody_asked(payment),
        "may_void": may_here(request, voiding.VOID, *ASKING) and payment.state in VOIDABLE,
    }  # fmt: skip
