"""One refund: what was asked and found, who decided, by which way it went, and what may be done now (R91-R101)."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import waiting_for
from billing.admin.panels import panels_of
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError, Sentence
from billing.money import format_money
from billing.office import clock
from billing.office.documents import documents_of, keep_document
from billing.refusals import explained
from billing.selectors.journal import entries_with_lines
from billing.transactions import in_transaction
from payments.admin.refund_form import PAPERS, ways_of
from payments.admin.refund_queue import alarm_of, state_of, with_unknown
from payments.models import Refund
from payments.models.refund import Destination, RefundState
from payments.selectors.refund_queue import lateness
from payments.selectors.refunds import LateRefund
from payments.services import paying_out, refunding

ASK = "ask_refund"
FORWARD = ("refund_small", "refund_large", "refund_elsewhere")
OPEN = (RefundState.REQUESTED, RefundState.APPROVED)


def find_refund(request: ConsoleRequest, pk: int) -> Refund:
    """The refund of the organization worked in, or 404."""
    rows = Refund.objects.select_related(
        "organization", "customer", "customer__organization", "payment", "credit_item", "invoice", "credit_memo",
        "requested_by", "approval", "approval__decided_by", "approval__requested_by", "batch",
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("refunds/<int:pk>/", "refund", "see_receivables")
@require_http_methods(["GET"])
def refund_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    refund = with_unknown(find_refund(request, pk))
    now = clock.now()
    late = next((row for row in lateness(request.organization, now) if row.refund.pk == pk), None)
    waiting = waiting_for(request, [f"refund:{pk}"])
    journal = may_here(request, "see_journal")
    entry_ids = {refund.entry_id, refund.paid_entry_id}
    context = console_context(
        request, refund.number, refund=refund, state=state_of(refund), steps=_steps(refund, late), waiting=waiting,
        attempts=list(refund.attempts.select_related("sent_by", "settled_by", "bank_account", "drawer_session")),
        checks=checks_found(refund), documents=documents_of(request.organization, f"refund:{pk}"),
        show_journal=journal, entries=entries_with_lines(refund.organization_id, entry_ids) if journal else [],
        panels=panels_of("refund", request, refund), can=_rights(request, refund, bool(waiting)),
        paper_form=_paper_form(),
    )  # fmt: skip
    return render(request, "console/refund/page.html", context)


def checks_found(refund: Refund) -> list[dict[str, Any]]:
    """What was looked at and found when it was asked, as it was recorded then."""
    return list(refund.eligibility.get("checks", []))


def _steps(refund: Refund, late: LateRefund | None) -> list[tuple[Sentence, Any, Any]]:
    """What happened so far and what is promised: words, day, alarm."""
    steps: list[tuple[Sentence, Any, Any]] = [(gettext_lazy("asked"), refund.requested_on, None)]
    if refund.approved_at is not None:
        zone = refund.organization.zone
        steps.append((gettext_lazy("approved"), refund.approved_at.astimezone(zone).date(), None))
    if refund.processed_on is not None:
        return [*steps, (gettext_lazy("paid out"), refund.processed_on, None)]
    if refund.state in (RefundState.REJECTED, RefundState.WITHDRAWN):
        return steps
    return [*steps, (gettext_lazy("promised by"), refund.expected_on, alarm_of(late))]


def _rights(request: ConsoleRequest, refund: Refund, waits: bool) -> dict[str, bool]:
    asks = may_here(request, ASK, *ASKING)
    forwards = any(may_here(request, action, *ASKING) for action in FORWARD)
    return {
        "retry": refund.state == RefundState.FAILED and (asks or forwards),
        "forward": refund.state == RefundState.REQUESTED and not waits and forwards,
        "withdraw": refund.state in OPEN and (asks or forwards),
        "papers": asks or forwards,
    }


# Before another person


@console_path("refunds/<int:pk>/forward/", "refund_forward", ASK, *ASKING)
@require_http_methods(["GET", "POST"])
def put_forward(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Put a recorded request before its approver; the way back may still be chosen here."""
    refund = find_refund(request, pk)
    form = _forward_form(refund)
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, refund.reason)
        done, asked = attempt(form, lambda: _put_forward(request, refund, form))
        if done and asked is not None:
            return back_to(request, "refund", pk, _("Asked. Another person decides."))
    amount = format_money(refund.gross_amount, refund.currency)
    return show_form(
        request, form, title=_("Put {number} forward").format(number=refund.number), facts=_facts(refund),
        back=reverse("admin:refund", args=[pk]),
        button=_("Ask for approval of {number} ({amount})").format(number=refund.number, amount=amount),
    )  # fmt: skip


def _put_forward(request: ConsoleRequest, refund: Refund, form: Form) -> Any:
    way = form.typed("destination")
    return refunding.put_forward(
        refund=refund, now=clock.now(), by=request.user, destination=way,
        destination_reason="" if way == Destination.SOURCE else form.typed("destination_reason"),
        consent=form.typed("consent") if way == Destination.CREDIT else "", payee_name=form.typed("payee_name"),
        payee_account=form.typed("payee_account") or refund.payee_account,
    )  # fmt: skip


def _forward_form(refund: Refund) -> Form:
    account = gettext_lazy("Leave it empty to keep the one that was given (ends in {tail}).")
    return Form([
        Field("destination", gettext_lazy("Way back"), "select", refund.destination, choices=ways_of(refund.payment)),
        Field(
            "destination_reason", gettext_lazy("Why another way than it came"), "area", refund.destination_reason,
            required=False,
        ),
        Field("payee_name", gettext_lazy("Payee"), value=refund.payee_name, required=False, longest=160),
        Field(
            "payee_account", gettext_lazy("Payee's bank account"), required=False, longest=60,
            help=str(account).format(tail=refund.payee_account_tail) if refund.payee_account_tail else "",
        ),
        Field(
            "consent", gettext_lazy("Consent to keep it for future charges"), "area", refund.consent, required=False
        ),
    ])  # fmt: skip


def _facts(refund: Refund) -> list[tuple[Sentence, str]]:
    return [
        (gettext_lazy("Customer"), str(refund.customer)),
        (gettext_lazy("Refunded"), format_money(refund.gross_amount, refund.currency)),
        (gettext_lazy("Paid out"), format_money(refund.paid_amount, refund.currency)),
        (gettext_lazy("Cause"), refund.get_reason_code_display()),
        (gettext_lazy("Reason"), refund.reason),
    ]


# Given up


@console_path("refunds/<int:pk>/withdraw/", "refund_withdraw", ASK, *ASKING)
@require_http_methods(["GET", "POST"])
def withdraw(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The customer changed their mind, or it was asked by mistake: nothing was sent yet, all is as before."""
    refund = find_refund(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _refund = attempt(
            form,
            lambda: refunding.withdraw_refund(
                refund=refund, reason=form.typed("reason"), now=clock.now(), by=request.user
            ),
        )
        if done:
            return back_to(request, "refund", pk, _("{number} is withdrawn.").format(number=refund.number))
    amount = format_money(refund.gross_amount, refund.currency)
    return show_form(
        request, form, title=_("Withdraw {number}").format(number=refund.number), facts=_facts(refund), danger=True,
        back=reverse("admin:refund", args=[pk]),
        button=_("Withdraw {number} ({amount})").format(number=refund.number, amount=amount),
    )  # fmt: skip


@console_path("refunds/<int:pk>/retry/", "refund_retry", ASK, *ASKING)
@require_POST
def retry(request: ConsoleRequest, pk: int) -> HttpResponse:
    """A refund that failed may be sent again: it is approved as before and waits for its money."""
    refund = find_refund(request, pk)
    try:
        with explained():
            in_transaction(lambda: paying_out.retry_refund(refund=refund, now=clock.now(), by=request.user))
    except DomainError as trouble:
        messages.error(request, str(trouble))
        return HttpResponseRedirect(reverse("admin:refund", args=[pk]))
    return back_to(request, "refund", pk, _("{number} may be paid out again.").format(number=refund.number))


# Papers


@console_path("refunds/<int:pk>/papers/", "refund_paper", ASK, *ASKING)
@require_http_methods(["GET", "POST"])
def keep_paper(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Another document about the refund: the customer's letter, a consent, the bank's advice."""
    refund = find_refund(request, pk)
    form = _paper_form()
    if request.method == "POST":
        form.read(request.POST, request.FILES)
        done, _kept = attempt(form, lambda: _keep(request, refund, form))
        if done:
            return HttpResponseRedirect(reverse("admin:refund", args=[pk]) + "#documents")
    return show_form(
        request, form, title=_("Add a document to {number}").format(number=refund.number),
        button=_("Keep the document"), back=reverse("admin:refund", args=[pk]),
    )  # fmt: skip


def _paper_form() -> Form:
    return Form([
        Field("kind", gettext_lazy("Shows"), "select", "letter", choices=list(PAPERS.items())),
        Field("paper", gettext_lazy("Photo or PDF"), "file"),
    ])  # fmt: skip


def _keep(request: ConsoleRequest, refund: Refund, form: Form) -> Any:
    upload = form.uploaded("paper")
    assert upload is not None  # a required file is there or was refused
    name, data = upload
    kind = form.typed("kind") if form.typed("kind") in PAPERS else "evidence"
    return keep_document(
        organization=request.organization, subject=f"refund:{refund.pk}", kind=kind, name=name, data=data,
        now=clock.now(), by=request.user, field="paper",
    )  # fmt: skip
