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
from billing.admin.facts import LABELS, WORDS, readable
from billing.admin.panels import panel
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError, Sentence
from billing.models import Customer
from billing.money import format_money
from billing.office import approvals, clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.selectors.moved import customers_touched
from billing.services.locking import lock_customers
from payments.admin.payment_page import find_payment
from payments.models import Payment, PaymentState
from payments.models.cash import SessionState
from payments.selectors.reconciled import find_match
from payments.services import voiding
from receipts.models import Receipt
from receipts.selectors import history  # noqa: F401  tells the timeline of receipts
from receipts.services.counter import accept_pending, ask_for_approvals, shown_of
from receipts.services.voiding import void_with_receipt

SHOWN_PAYMENTS = 50
WORDS["deed"] = {**WORDS["deed"], "void_payment": gettext_lazy("void the payment")}
WORDS["drawer_state"] = dict(SessionState.choices)
LABELS |= {
    "reopens_there": gettext_lazy("Invoices of others that reopen"),
    "transfers_undone": gettext_lazy("Moved money fetched back"), "transfer": gettext_lazy("Moved money"),
    "cheque_free": gettext_lazy("Cheque that may be entered again"), "drawer": gettext_lazy("Cash drawer"),
    "drawer_state": gettext_lazy("The drawer is"),
    "count_safe": gettext_lazy("Give the cash back from the safe and count it again"),
    "reconciled_on": gettext_lazy("Match to the bank that is opened"),
    "statement_reference": gettext_lazy("Statement"), "withdrawn": gettext_lazy("Requests withdrawn with it"),
    "processor": gettext_lazy("Voided there too, or refunded if it has settled"),
    "receipt": gettext_lazy("Receipt marked void (it keeps its number)"),
    "receipt_mailed": gettext_lazy("Times the receipt was e-mailed"), "tells": gettext_lazy("Told by e-mail"),
    "office_tells": gettext_lazy("The office must tell the customer (no e-mail address)"),
}  # fmt: skip
VOIDABLE = (PaymentState.PROCESSED, PaymentState.PENDING)


class NotWaiting(DomainError):
    code = "not_waiting"
    sentence = gettext_lazy("{number} is {state} and no longer waits for a second person.")


# Void


@console_path("payments/<int:pk>/void/", "void_payment", voiding.VOID, *ASKING)
@require_http_methods(["GET", "POST"])
def void(request: ConsoleRequest, pk: int) -> HttpResponse:
    """All that voiding would do, above the button that asks a manager for it: exactly that is approved.

    A payment matched to the bank is asked of the finance manager, by those who may ask for that.
    """
    payment = find_payment(request, pk)
    match = find_match(payment)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    action = voiding.VOID_RECONCILED if match and may_here(request, voiding.VOID_RECONCILED, *ASKING) else voiding.VOID
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, asked = attempt(
            form,
            lambda: voiding.ask_for_void(
                payment=payment, reason=form.typed("reason"), by=request.user, now=clock.now(), action=action
            ),
        )
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    rows, trouble = _consequences(payment, action)
    facts = {"number": payment.number, "amount": format_money(payment.amount, payment.currency)}
    words = _("Void {number} ({amount}): ask the finance manager") if match else None
    return show_form(
        request, form, title=_("Void {number}").format(number=payment.number), rows=rows, trouble=trouble, danger=True,
        back=reverse("admin:payment", args=[pk]),
        button=(words or _("Void {number} ({amount}): ask a manager")).format(**facts),
    )  # fmt: skip


def _consequences(payment: Payment, action: str) -> tuple[list[Any], str]:
    """The facts that whoever approves will read, or why there is nothing to ask."""
    try:
        shown = voiding.preview_void(payment)
        voiding.check_action(payment, action)
    except DomainError as trouble:
        return [], str(trouble)
    return readable(shown), ""


def _payment_of(asked: ApprovalRequest) -> Payment:
    rows = Payment.objects.select_related("organization", "customer", "credit_item", "recorded_by")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _payer(asked: ApprovalRequest) -> int:
    return _payment_of(asked).customer_id


def _void_now(asked: ApprovalRequest) -> dict[str, Any]:
    return voiding.preview_void(_payment_of(asked))


def _touched(asked: ApprovalRequest) -> set[int]:
    """Everybody whose money the void moves: the payer, and those whom the payment's money was moved to."""
    payment = _payment_of(asked)
    return customers_touched(payment.credit_item) if payment.credit_item is not None else {payment.customer_id}


@deed(voiding.VOID_RECONCILED, label=gettext_lazy("Void the payment"), facts=_void_now, customer=_touched)
@deed(voiding.VOID, label=gettext_lazy("Void the payment"), facts=_void_now, customer=_touched)
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
@deed("accept_risky_cheque", label=gettext_lazy("Accept the cheque"), facts=_waiting_now, customer=_payer)
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
