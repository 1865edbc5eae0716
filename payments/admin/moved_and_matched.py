"""Sections of the payment's page: money of it that was moved to others, and its match to the bank (R127, R104)."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.panels import panel
from billing.admin.working import Field, Form, attempt, back_to, show_form
from billing.inputs import parse_day
from billing.money import ZERO, format_money
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.moved import transfers_of
from billing.services.move_requests import MOVE, movable_amount
from payments.admin.payment_page import find_payment
from payments.models import Payment, PaymentReconciliation, PaymentState
from payments.selectors.reconciled import find_match, matches_of
from payments.services.reconciling import mark_reconciled

MATCH = "match_bank_lines"


@panel("payment", "console/payment/moved.html", order=30)
def _moved_of(request: ConsoleRequest, payment: Payment) -> dict[str, Any]:
    """What was moved to whom, and the button to move more. One query."""
    item = payment.credit_item
    movable = item is not None and payment.state == PaymentState.PROCESSED and movable_amount(item) > ZERO
    return {
        "transfers": transfers_of(item) if item is not None else [],
        "may_move": movable and may_here(request, MOVE, *ASKING),
    }


@panel("payment", "console/payment/matched.html", order=35)
def _matches_of(request: ConsoleRequest, payment: Payment) -> dict[str, Any] | None:
    """The match to the bank and those opened again. One query."""
    if payment.credit_item_id is None:
        return None
    found = matches_of(payment)
    stands = any(match.opened_at is None for match in found)
    may = not stands and payment.state == PaymentState.PROCESSED and may_here(request, MATCH, Mode.DO)
    return {"matches": found, "stands": stands, "may_match": may}


@console_path("payments/<int:pk>/match/", "match_payment", MATCH, Mode.DO)
@require_http_methods(["GET", "POST"])
def match(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The bank statement says the same. It cannot be changed afterwards, only opened by the finance manager."""
    payment = find_payment(request, pk)
    form = Form([
        Field("reconciled_on", gettext_lazy("Day on the statement"), "date"),
        Field("statement_reference", gettext_lazy("Statement and line"), longest=80),
        Field("accounting_reference", gettext_lazy("Reference in accounting"), longest=80, required=False),
        Field("discrepancy", gettext_lazy("What differed, and why that is fine"), "area", longest=200, required=False),
    ])  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        done, _made = attempt(form, lambda: _match(request, payment, form))
        if done:
            return back_to(request, "payment", pk, _("Matched to the bank."), "matched")
    standing = find_match(payment)
    trouble = str(_("This payment is matched to the bank already.")) if standing and request.method == "GET" else ""
    return show_form(
        request, form, title=_("Match {number} to the bank").format(number=payment.number), trouble=trouble,
        back=reverse("admin:payment", args=[pk]), button=_("Match {number} ({amount})").format(
            number=payment.number, amount=format_money(payment.amount, payment.currency)
        ),
    )  # fmt: skip


def _match(request: ConsoleRequest, payment: Payment, form: Form) -> PaymentReconciliation:
    day: date = parse_day(form.typed("reconciled_on"), field="reconciled_on")
    return mark_reconciled(
        payment=payment, reconciled_on=day, statement_reference=form.typed("statement_reference"),
        accounting_reference=form.typed("accounting_reference"), discrepancy=form.typed("discrepancy"),
        now=clock.now(), by=request.user,
    )  # fmt: skip
