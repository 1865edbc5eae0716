"""Ending a dispute: what it would book and reopen, above the button that does it or asks a second person (R107)."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.credit_page import NotPreviewed
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import readable
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import DomainError, Sentence
from billing.money import ZERO, format_money, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.admin.dispute_pages import find_dispute
from payments.models import Dispute
from payments.models.dispute import DisputeKind, DisputeState
from payments.selectors.disputes import OPEN
from payments.services.dispute_care import WORK
from payments.services.dispute_outcomes import (
    LOSSES,
    OUTCOMES,
    Rehearsal,
    carry_out_loss,
    loss_facts,
    rehearse_settlement,
    settle_dispute,
)
from payments.services.dispute_steps import check_steps

HOW: dict[str, tuple[Sentence, Sentence]] = {
    DisputeKind.CHARGEBACK: (
        gettext_lazy("The bank decided for us, or the customer withdrew: the held money is ours again."),
        gettext_lazy("The bank decided against us: what is lost comes off the payment, and what it paid reopens."),
    ),
    DisputeKind.QUESTION: (
        gettext_lazy("The payment stands as it is, or the customer withdrew. The customer reads the reason."),
        gettext_lazy("They are right: ask for the refund first, then close the question with it."),
    ),
    DisputeKind.INVOICE: (
        gettext_lazy("The bill was right, or the customer withdrew: it is owed like any other."),
        gettext_lazy("The bill was wrong: a credit memo over what is lost is set against it."),
    ),
}


@console_path("disputes/<int:pk>/settle/", "dispute_settle", WORK, Mode.DO)
@require_http_methods(["GET", "POST"])
def settle(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Look first, then do: saving anything else than what was looked at needs another look."""
    dispute = find_dispute(request, pk)
    form = _form(dispute)
    rehearsal: Rehearsal | None = None
    if request.method == "POST":
        form.read(request.POST)
        now = clock.now()
        if request.POST.get("step") == "save":
            say_why(request, form.typed("reason"))
            done, result = attempt(form, lambda: _settle(request, dispute, form, now))
            if done and isinstance(result, ApprovalRequest):
                return back_to(request, "approval", result.pk, _("Asked. Another person decides."))
            if done:
                return back_to(request, "dispute", pk, _("The dispute is settled."))
        else:
            rehearsal = _rehearse(request, dispute, form, now)
    return _page(request, find_dispute(request, pk), form, rehearsal)


def _form(dispute: Dispute) -> Form:
    choices = [("", gettext_lazy("choose…")), *((state, DisputeState(state).label) for state in OUTCOMES)]
    return Form(
        [
            Field("outcome", gettext_lazy("How it ended"), "select", choices=choices),
            Field("lost_amount", gettext_lazy("Lost"), "amount", value=f"{dispute.amount.normalize():f}",
                  help=gettext_lazy("Only counts if it is lost; part of the amount is possible.")),
            Field("reason", gettext_lazy("Reason"), "area",
                  help=gettext_lazy("What was decided, by whom, with which reference.")),
        ],
        hidden={"planned": ""},
    )  # fmt: skip


def _asked(dispute: Dispute, form: Form) -> dict[str, Any]:
    lost: Decimal = ZERO
    if form.typed("outcome") == DisputeState.LOST:
        lost = parse_amount(form.typed("lost_amount"), dispute.currency, field="lost_amount")
    return {"dispute": dispute, "outcome": form.typed("outcome"), "reason": form.typed("reason"), "lost_amount": lost}


def _settle(request: ConsoleRequest, dispute: Dispute, form: Form, now: datetime) -> Dispute | ApprovalRequest:
    if form.typed("planned") != _plan(form):
        raise NotPreviewed()
    return settle_dispute(**_asked(dispute, form), now=now, by=request.user)


def _rehearse(request: ConsoleRequest, dispute: Dispute, form: Form, now: datetime) -> Rehearsal | None:
    try:
        with explained():
            found = in_transaction(lambda: rehearse_settlement(**_asked(dispute, form), now=now, by=request.user))
    except DomainError as refusal:
        form.refuse(refusal)
        return None
    form.hidden["planned"] = _plan(form)
    return found


def _plan(form: Form) -> str:
    """What was looked at: outcome and amount. The reason may still be worded anew."""
    lost = form.typed("lost_amount").strip() if form.typed("outcome") == DisputeState.LOST else ""
    return hashlib.sha256(repr((form.typed("outcome"), lost)).encode()).hexdigest()


def _page(request: ConsoleRequest, dispute: Dispute, form: Form, rehearsal: Rehearsal | None) -> HttpResponse:
    won, lost = HOW[dispute.kind]
    rows = []
    if rehearsal is not None:
        shown = {"currency": dispute.currency, "reopens": rehearsal.reopens, "moved_back": rehearsal.moved_back}
        rows = readable({key: value for key, value in shown.items() if value})
    context = console_context(
        request, _("Settle {number}").format(number=dispute.number), dispute=dispute, form=form, rehearsal=rehearsal,
        rows=rows, trouble=_trouble(dispute), back=reverse("admin:dispute", args=[dispute.pk]), won=won, lost=lost,
        currency=dispute.currency, button=_button(dispute, form, rehearsal),
    )  # fmt: skip
    return render(request, "console/dispute/settle.html", context, status=REFUSED if form.errors else 200)


def _trouble(dispute: Dispute) -> str:
    """Why it cannot be settled yet."""
    if dispute.state not in OPEN:
        words = _("{number} is settled already: {state}.")
        return words.format(number=dispute.number, state=dispute.get_state_display())
    try:
        in_transaction(lambda: check_steps(dispute=dispute))
    except DomainError as refusal:
        return str(refusal)
    return ""


def _button(dispute: Dispute, form: Form, rehearsal: Rehearsal | None) -> str:
    if rehearsal is None:
        return ""
    if not rehearsal.needs_approval:
        state = DisputeState(form.typed("outcome")).label
        return _("Settle {number} as {state}").format(number=dispute.number, state=state)
    lost = parse_amount(form.typed("lost_amount"), dispute.currency)
    amount = format_money(lost, dispute.currency)
    return _("Lose {amount} of {number}: ask another person").format(amount=amount, number=dispute.number)


# What the second person approves


def _dispute_of(asked: ApprovalRequest) -> Dispute:
    rows = Dispute.objects.select_related(
        "organization", "customer", "customer__organization", "invoice", "payment", "payment__credit_item"
    )
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _facts(asked: ApprovalRequest) -> dict[str, Any]:
    return loss_facts(_dispute_of(asked), Decimal(asked.shown["amount"]))


def _payer(asked: ApprovalRequest) -> int:
    return _dispute_of(asked).customer_id


@deed(*LOSSES[DisputeKind.INVOICE], label=gettext_lazy("Give up the bill"), facts=_facts, customer=_payer)
@deed(*LOSSES[DisputeKind.CHARGEBACK], label=gettext_lazy("Accept the loss"), facts=_facts, customer=_payer)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    dispute = carry_out_loss(dispute=_dispute_of(asked), approval=asked, by=by, now=now)
    return _("Approved; dispute {number} is closed.").format(number=dispute.number)
