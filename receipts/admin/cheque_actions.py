"""What is done to a cheque together with its receipt: the bank returns it, it is presented again (R112, R115)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import ACTIONS, DEEDS, LABELS, WORDS, readable
from billing.admin.panels import panel
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError, Sentence
from billing.inputs import parse_day
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.selectors.moved import customers_touched
from payments.models import Cheque, Payment
from payments.models.cheque import ChequeState, ReturnReason
from payments.selectors.deposits import chain_of
from payments.services.return_facts import RETURN, RETURNABLE, answer_in, bounces_after, preview_return
from payments.services.returning import ask_for_return
from receipts.models import Receipt
from receipts.services.redepositing import redeposit
from receipts.services.returning import return_with_receipt

ACTIONS[RETURN] = gettext_lazy("record a returned cheque")
DEEDS[RETURN] = gettext_lazy("return the cheque")
WORDS |= {"cheque_state": dict(ChequeState.choices), "return_reason": dict(ReturnReason.choices)}
LABELS |= {
    "cheque": gettext_lazy("Cheque"), "cheque_state": gettext_lazy("Cheque now"),
    "deposit": gettext_lazy("Deposit slip"),
    "return_reason": gettext_lazy("Why returned"), "returned_on": gettext_lazy("Returned on (the bank's day)"),
    "note": gettext_lazy("Note"), "moved_back": gettext_lazy("Moved money that comes back"),
    "refunds_withdrawn": gettext_lazy("Refunds withdrawn, not sent yet"),
    "billed_again": gettext_lazy("Refunded already: billed again"), "return_fee": gettext_lazy("Fee billed"),
    "set_hold": gettext_lazy("Credit hold set"), "told_at": gettext_lazy("Customer told by e-mail"),
    "due_on": gettext_lazy("Due"), "transfer": gettext_lazy("Transfer"), "refund": gettext_lazy("Refund"),
    "bounces": gettext_lazy("Cheques of this payer that came back"),
}  # fmt: skip


def find_cheque(request: ConsoleRequest, pk: int) -> Cheque:
    """The cheque of the organization worked in, or 404."""
    rows = Cheque.objects.select_related("organization", "customer", "customer__organization", "payment")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


# The bank returns it


@console_path("cheques/<int:pk>/return/", "cheque_return", RETURN, *ASKING)
@require_http_methods(["GET", "POST"])
def ask_return(request: ConsoleRequest, pk: int) -> HttpResponse:
    """All that the return will do, above the button that asks a supervisor for it."""
    cheque = find_cheque(request, pk)
    today = cheque.organization.today(clock.now())
    form = _return_form(today.isoformat())
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("note"))
        done, asked = attempt(form, lambda: _ask(request, cheque, form))
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. A supervisor decides."))
    amount = format_money(cheque.amount, cheque.currency)
    rows, trouble = _consequences(cheque)
    return show_form(
        request, form, title=_("Cheque {cheque} returned").format(cheque=cheque), rows=rows, trouble=trouble,
        danger=True, back=reverse("admin:cheque", args=[pk]),
        button=_("Return {cheque} ({amount}): ask a supervisor").format(cheque=cheque, amount=amount),
    )  # fmt: skip


def _return_form(today: str) -> Form:
    help_text = gettext_lazy(
        "What is not the drawer's doing (presented too late or too early, mistake of the bank) brings no fee, no hold."
    )
    choices: list[tuple[str, Sentence]] = [("", gettext_lazy("choose …")), *ReturnReason.choices]
    return Form(
        [
            Field("reason", gettext_lazy("Why the bank returned it"), "select", choices=choices, help=help_text),
            Field("returned_on", gettext_lazy("Returned on (the bank's day)"), "date", today),
            Field("note", gettext_lazy("Note"), "area", required=False, longest=300),
        ]
    )


def _ask(request: ConsoleRequest, cheque: Cheque, form: Form) -> ApprovalRequest:
    day = parse_day(form.typed("returned_on"), field="returned_on")
    return ask_for_return(
        cheque=cheque, reason=form.typed("reason"), returned_on=day, note=form.typed("note"), by=request.user,
        now=clock.now(),
    )  # fmt: skip


def _consequences(cheque: Cheque) -> tuple[list[Any], str]:
    """The facts a supervisor will read, as for insufficient funds, and what else follows."""
    try:
        shown: dict[str, Any] = preview_return(cheque)
    except DomainError as trouble:
        return [], str(trouble)
    shown["bounces"] = str(bounces_after(cheque, None, cheque.organization.today(clock.now())))
    receipt = Receipt.objects.filter(payment=cheque.payment_id).first()
    follows = [_("Invoices reopen at the due dates they had.")]
    if receipt is not None:
        follows.append(_("Receipt {number} keeps its number and is marked.").format(number=receipt.number))
    if not cheque.customer.email:
        follows.append(_("There is no e-mail address: the office is asked to call the customer."))
    return readable(shown | {"what_follows": " ".join(follows)}), ""


def _cheque_of(asked: ApprovalRequest) -> Cheque:
    rows = Cheque.objects.select_related("organization", "customer", "customer__organization")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _touched(asked: ApprovalRequest) -> Iterable[int]:
    """The payer, and all whom money of the cheque was moved to."""
    cheque = _cheque_of(asked)
    item = cheque.payment.credit_item if cheque.payment is not None else None
    return {cheque.customer_id} | (customers_touched(item) if item is not None else set())


def _facts_now(asked: ApprovalRequest) -> dict[str, Any]:
    return preview_return(_cheque_of(asked), answer_in(asked.shown))


@deed(RETURN, label=gettext_lazy("Return the cheque"), facts=_facts_now, customer=_touched)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    cheque = _cheque_of(asked)
    return_with_receipt(cheque=cheque, approval=asked, by=by, now=now)
    return _("Approved; {cheque} is returned and the customer is told.").format(cheque=cheque)


# It is presented again


@console_path("cheques/<int:pk>/again/", "cheque_again", "deposit_cheques", Mode.DO)
@require_http_methods(["GET", "POST"])
def present_again(request: ConsoleRequest, pk: int) -> HttpResponse:
    """A returned cheque counts as money once more, with a payment and a receipt of its own."""
    cheque = find_cheque(request, pk)
    form = Form([])
    if request.method == "POST":
        done, taken = attempt(form, lambda: redeposit(cheque=cheque, now=clock.now(), by=request.user))
        if done and taken is not None:
            said = _("{cheque} is in hand again ({payment}, {receipt}); put it on the next deposit slip.")
            return back_to(
                request, "cheque", pk,
                said.format(cheque=cheque, payment=taken.payment.number, receipt=taken.receipt.number),
            )  # fmt: skip
    amount = format_money(cheque.amount, cheque.currency)
    times = cheque.presentations.count()
    most = policies_for(cheque.organization, customer_id=cheque.customer_id).number("cheques.presentations")
    trouble = "" if cheque.state == ChequeState.RETURNED else _("Only a returned cheque is presented again.")
    return show_form(
        request, form, title=_("Present {cheque} again").format(cheque=cheque), trouble=trouble,
        facts=[
            (_("Customer"), cheque.customer), (_("Amount"), amount),
            (_("Presented so far"), _("{times} of at most {most}").format(times=times, most=most)),
            (_("In the books"), _("A new payment of {amount}, received today, with a receipt of its own.").format(
                amount=amount)),
            (_("Invoices"), _("What is open is paid again, in the order chosen when the cheque was taken.")),
            (_("Next"), _("It waits in hand for a deposit slip.")),
        ],
        back=reverse("admin:cheque", args=[pk]),
        button=_("Present {cheque} ({amount}) again").format(cheque=cheque, amount=amount),
    )  # fmt: skip


# Sections of the pages below


@panel("cheque", "console/deposit/of_cheque.html", order=20)
def _at_the_bank(request: ConsoleRequest, cheque: Cheque) -> dict[str, Any] | None:
    """Each presentation with its slip and the bank's answer, and what may be recorded now. Two queries."""
    chain = chain_of(cheque)
    if not chain:
        return None
    deeds: list[tuple[str, str, str]] = []
    if cheque.state == ChequeState.RETURNED and may_here(request, "deposit_cheques", Mode.DO):
        deeds.append((reverse("admin:cheque_again", args=[cheque.pk]), _("Present again"), "main"))
    if cheque.state in RETURNABLE and may_here(request, RETURN, *ASKING):
        deeds.append((reverse("admin:cheque_return", args=[cheque.pk]), _("Returned by the bank"), "danger"))
    may_clear = cheque.state == ChequeState.DEPOSITED and may_here(request, "deposit_cheques", Mode.DO)
    today = cheque.organization.today(clock.now()).isoformat()
    cleared_on = Field("cleared_on", gettext_lazy("Cleared on (the bank's day)"), "date", today)
    return {"chain": chain, "deeds": deeds, "clearing": Form([cleared_on]) if may_clear else None, "cheque": cheque}


@panel("payment", "console/deposit/of_payment.html", order=20)
def _its_cheque(request: ConsoleRequest, payment: Payment) -> dict[str, Any] | None:
    """The life of the cheque that brought a payment: the other payments it made too. Three queries."""
    presentation = getattr(payment, "presentation", None)
    if presentation is None:
        return None
    cheque = presentation.cheque
    return {"cheque": cheque, "chain": chain_of(cheque), "mine": presentation.pk}
