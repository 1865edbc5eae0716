"""Handing a cheque back for good, and what may stand for it instead (R111)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, Sentence
from billing.money import format_money
from billing.office import clock
from billing.office.models.user import Mode
from payments.admin.cheque_life import day_words
from payments.admin.cheque_page import ENDABLE, find_cheque
from payments.models import Cheque, Payment, PaymentState
from payments.models.cheque import ChequeState
from payments.services.vault import cancel_cheque, replace_cheque

REPLACEMENTS = 30


@console_path("cheques/<int:pk>/cancel/", "cheque_cancel", "deposit_cheques", Mode.DO)
@require_http_methods(["GET", "POST"])
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Hand it back to the customer for good."""
    cheque = find_cheque(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _ended = attempt(
            form,
            lambda: cancel_cheque(cheque=cheque, reason=form.typed("reason"), now=clock.now(), by=request.user),
        )
        if done:
            return back_to(request, "cheque", pk, _("Cheque {cheque} is handed back.").format(cheque=cheque))
    return show_form(
        request, form, title=_("Hand back cheque {cheque}").format(cheque=cheque), danger=True,
        button=_("Hand back {cheque} ({amount})").format(
            cheque=cheque, amount=format_money(cheque.amount, cheque.currency)
        ),
        facts=_facts(cheque), back=reverse("admin:cheque", args=[pk]),
    )  # fmt: skip


def _facts(cheque: Cheque) -> list[tuple[Sentence, object]]:
    after = _("It covers nothing any more: what it was meant for is chased again.")
    if cheque.state == ChequeState.RETURNED:
        after = _("Its invoices are open again since the bank returned it; that stays.")
    return [
        (gettext_lazy("Customer"), cheque.customer), (gettext_lazy("Drawer"), cheque.drawer),
        (gettext_lazy("Due"), day_words(cheque.matures_on)), (gettext_lazy("In the books"), _("Nothing is posted.")),
        (gettext_lazy("Afterwards"), after),
    ]  # fmt: skip


@console_path("cheques/<int:pk>/replace/", "cheque_replace", "deposit_cheques", Mode.DO)
@require_http_methods(["GET", "POST"])
def replace(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Another cheque (the take-in form) or a payment that was taken already stands for it."""
    cheque = find_cheque(request, pk)
    form = Form(
        [
            Field("payment", gettext_lazy("Payment"), "select", choices=_payments(cheque)),
            Field("reason", gettext_lazy("Reason"), "area"),
        ]
    )
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _old = attempt(form, lambda: _replace(request, cheque, form))
        if done:
            return back_to(request, "cheque", pk, _("Cheque {cheque} is replaced.").format(cheque=cheque))
    context = console_context(
        request, _("Replace cheque {cheque}").format(cheque=cheque), cheque=cheque, form=form, facts=_facts(cheque),
        may_take=may_here(request, "enter_payment", Mode.DO), has_payments=len(_payments(cheque)) > 1,
        ends=cheque.state in ENDABLE,
    )  # fmt: skip
    return render(request, "console/vault/replace.html", context, status=REFUSED if form.errors else 200)


def _payments(cheque: Cheque) -> list[tuple[str, Sentence]]:
    """Payments that may stand for the cheque: taken since it was, of the same customer, in its currency. One query."""
    rows = Payment.objects.filter(
        customer_id=cheque.customer_id, currency=cheque.currency, received_on__gte=cheque.received_on,
        state__in=(PaymentState.PROCESSED, PaymentState.PENDING),
    ).order_by("-received_on", "-pk")  # fmt: skip
    named = [
        (str(row.pk), f"{row.number} · {day_words(row.received_on)} · {format_money(row.amount, row.currency)}")
        for row in rows[:REPLACEMENTS]
    ]
    return [("", gettext_lazy("choose …")), *named]


def _replace(request: ConsoleRequest, cheque: Cheque, form: Form) -> Cheque:
    key = form.typed("payment")
    payment = None
    if key in {value for value, _words in _payments(cheque)} and key:
        payment = Payment.objects.get(pk=int(key), organization=request.organization)
    if payment is None:
        raise BadInput(gettext_lazy("Choose a payment of the list."), field="payment", code="required")
    return replace_cheque(
        cheque=cheque, order=None, payment=payment, reason=form.typed("reason"), now=clock.now(), by=request.user
    )
