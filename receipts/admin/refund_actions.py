"""Paying refunds out, reporting what became of them, and handing out their papers (R98, R101)."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.facts import WORDS
from billing.admin.panels import panel
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, DomainError, Sentence
from billing.inputs import parse_day
from billing.money import format_money
from billing.office import acting, clock
from billing.office.papers.answers import pdf_answer
from billing.office.papers.errors import PdfUnavailable
from payments.admin.refund_page import ASK, find_refund
from payments.models import BankAccount, DrawerSession, Refund, RefundAttempt
from payments.models.payment import Method
from payments.models.refund import AttemptState, RefundState
from payments.selectors.cash import open_sessions, session_of
from payments.services.calling import send_attempt
from payments.services.gateway_refunds import goes_by_program
from payments.services.paying_out import FROM_BANK, LIVE, NotApproved, ways_to_pay_out
from payments.services.refund_ways import KEPT
from receipts.models import RefundReceipt
from receipts.services.refund_papers import hand_out_refund_receipt, issue_refund_receipt, refund_page_of
from receipts.services.refunds import pay_out_refund, settle_refund

SAFE = "safe"
HOW = ("print", "download")
REFERENCES: dict[str, tuple[Sentence, Sentence]] = {
    Method.BANK_TRANSFER: (
        gettext_lazy("Reference of the transfer"), gettext_lazy("As the bank will show it on the statement."),
    ),
    Method.CHEQUE: (gettext_lazy("Number of our cheque"), ""),
    Method.CARD: (gettext_lazy("Reference of the terminal"), gettext_lazy("Printed on the terminal's refund slip.")),
}  # fmt: skip
OTHER_REFERENCE = (gettext_lazy("Reference"), gettext_lazy("Under which the processor or the bank knows it."))
OUTCOMES: list[tuple[str, Sentence]] = [
    ("", gettext_lazy("choose …")),
    (AttemptState.SUCCEEDED, gettext_lazy("it arrived")),
    (AttemptState.DECLINED, gettext_lazy("it was declined or came back")),
    (AttemptState.NOT_SENT, gettext_lazy("it was never sent")),
    (AttemptState.UNKNOWN, gettext_lazy("nobody knows yet")),
]  # fmt: skip

WORDS["method"] = {**WORDS["method"], KEPT: gettext_lazy("kept as credit")}
WORDS["how"] = {"print": gettext_lazy("print"), "download": gettext_lazy("download"), "email": gettext_lazy("e-mail")}


# Paying out


@console_path("refunds/<int:pk>/pay-out/", "refund_pay_out", ASK, *ASKING)
@require_http_methods(["GET", "POST"])
def pay_out(request: ConsoleRequest, pk: int) -> HttpResponse:
    """By the way that was approved, and no other."""
    refund = find_refund(request, pk)
    form = _pay_out_form(request, refund)
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, refund.reason)
        done, made = attempt(form, lambda: _pay_out(request, refund, form))
        if done and made is not None:
            return back_to(request, "refund", pk, _sent_words(refund, made[0], bool(made[1])))
    amount = format_money(refund.paid_amount, refund.currency)
    trouble = "" if refund.state == RefundState.APPROVED or form.errors else str(_not_approved(refund))
    return show_form(
        request, form, title=_("Pay out {number}").format(number=refund.number), facts=_facts(refund), trouble=trouble,
        back=reverse("admin:refund", args=[pk]),
        button=_("Pay out {amount} to {payee}").format(amount=amount, payee=refund.payee_name),
    )  # fmt: skip


def _sent_words(refund: Refund, sent: RefundAttempt, is_paid: bool) -> str:
    """What became of it. A processor is asked now, after the transaction that wrote it down."""
    if sent.gateway_attempt is not None:
        send_attempt(sent.gateway_attempt)
        sent.refresh_from_db()
        words = {
            AttemptState.SUCCEEDED: _("{number} is paid."), AttemptState.DECLINED: _("{number} was declined."),
            AttemptState.NOT_SENT: _("{number} was not carried out."),
        }  # fmt: skip
        sentence = words.get(AttemptState(sent.state), _("{number} is on its way; the processor's answer is awaited."))
        return sentence.format(number=refund.number)
    sentence = _("{number} is paid.") if is_paid else _("{number} is on its way; report what became of it.")
    return sentence.format(number=refund.number)


def _not_approved(refund: Refund) -> DomainError:
    return NotApproved(number=refund.number, state=refund.get_state_display())


def _facts(refund: Refund) -> list[tuple[Sentence, str]]:
    facts: list[tuple[Sentence, str]] = [
        (gettext_lazy("Payee"), refund.payee_name),
        (gettext_lazy("Paid out"), format_money(refund.paid_amount, refund.currency)),
        (gettext_lazy("Way back"), _said_way(refund)),
    ]
    if refund.payee_account:
        facts.insert(1, (gettext_lazy("Payee's bank account"), refund.payee_account))
    return facts


def _said_way(refund: Refund) -> str:
    words = dict(Method.choices) | {KEPT: gettext_lazy("kept for future charges")}
    return ", ".join(str(words[method]) for method in ways_to_pay_out(refund))


def _pay_out_form(request: ConsoleRequest, refund: Refund) -> Form:
    """What the method needs: a drawer for cash, an account of ours and a reference for what the bank sends."""
    ways = ways_to_pay_out(refund)
    method = ways[0] if ways else ""
    fields = []
    if method == Method.CASH:
        mine = session_of(request.user, request.organization, refund.currency)
        fields.append(
            Field(
                "drawer_session", gettext_lazy("Cash from"), "select", str(mine.pk) if mine else SAFE,
                choices=_drawers(request, refund.currency),
            )
        )  # fmt: skip
    if method in FROM_BANK:
        accounts = [(str(row.pk), str(row)) for row in _accounts(request, refund)]
        only = accounts[0][0] if len(accounts) == 1 else ""
        fields.append(
            Field(
                "bank_account", gettext_lazy("From our account"), "select", only,
                choices=[*([] if only else [("", gettext_lazy("choose …"))]), *accounts],
            )
        )  # fmt: skip
    if method not in (Method.CASH, KEPT) and not goes_by_program(refund, method):
        words, hint = REFERENCES.get(method, OTHER_REFERENCE)
        fields.append(Field("reference", words, help=hint, longest=80))
    return Form(fields, hidden={"method": method})


def _drawers(request: ConsoleRequest, currency: str) -> list[tuple[str, Sentence]]:
    rows = open_sessions(request.organization).filter(currency=currency)
    return [(SAFE, gettext_lazy("the safe")), *((str(row.pk), f"{row.cash_point} ({row.opened_by})") for row in rows)]


def _accounts(request: ConsoleRequest, refund: Refund) -> Any:
    rows = BankAccount.objects.filter(organization=request.organization, is_active=True, currency=refund.currency)
    return rows.order_by("name", "code")


def _pay_out(request: ConsoleRequest, refund: Refund, form: Form) -> tuple[RefundAttempt, RefundReceipt | None]:
    account, drawer = form.typed("bank_account"), form.typed("drawer_session")
    return pay_out_refund(
        refund=refund, method=form.typed("method"), reference=form.typed("reference"), now=clock.now(),
        by=request.user, bank_account=_chosen(_accounts(request, refund), account),
        drawer_session=_drawer(request, refund, drawer),
    )  # fmt: skip


def _chosen(rows: Any, key: str) -> Any:
    return rows.filter(pk=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 19 else None


def _drawer(request: ConsoleRequest, refund: Refund, key: str) -> DrawerSession | None:
    """The open drawer chosen; None for the safe. Raises BadInput for one that was closed meanwhile."""
    if key in ("", SAFE):
        return None
    found: DrawerSession | None = _chosen(open_sessions(request.organization).filter(currency=refund.currency), key)
    if found is None:
        sentence = _("This drawer is no longer open; choose where the cash comes from.")
        raise BadInput(sentence, field="drawer_session", code="drawer_closed")
    return found


# What became of it


@console_path("refunds/<int:pk>/outcome/", "refund_outcome", ASK, *ASKING)
@require_http_methods(["GET", "POST"])
def outcome(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The bank's, the processor's or the payee's answer about the try that is under way."""
    refund = find_refund(request, pk)
    live = refund.attempts.filter(state__in=LIVE).last()
    form = _outcome_form(request)
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("note"))
        done, made = attempt(form, lambda: _settle(request, refund, form))
        if done and made is not None:
            return back_to(request, "refund", pk, _said(made[0]))
    trouble = "" if live or form.errors else _("No try of {number} is under way.").format(number=refund.number)
    return show_form(
        request, form, title=_("What became of {number}").format(number=refund.number), trouble=trouble,
        facts=[*_facts(refund), *_attempt_facts(live)], back=reverse("admin:refund", args=[pk]),
        button=_("Report the outcome of {number}").format(number=refund.number),
    )  # fmt: skip


def _outcome_form(request: ConsoleRequest) -> Form:
    today = request.organization.today(clock.now())
    return Form([
        Field("outcome", gettext_lazy("Outcome"), "select", choices=OUTCOMES),
        Field("on", gettext_lazy("On"), "date", today.isoformat()),
        Field(
            "note", gettext_lazy("What was said"), "area", required=False,
            help=gettext_lazy("Needed unless it arrived: the reason of the bank or of the processor."),
        ),
    ])  # fmt: skip


def _attempt_facts(live: RefundAttempt | None) -> list[tuple[Sentence, str]]:
    if live is None:
        return []
    return [
        (gettext_lazy("Sent on"), live.sent_on.isoformat()),
        (gettext_lazy("Reference"), live.reference or "–"),
    ]


def _settle(request: ConsoleRequest, refund: Refund, form: Form) -> tuple[Refund, RefundReceipt | None]:
    """The try that is under way, or the last one: a second click then reads that it is known already."""
    last = refund.attempts.last()
    if last is None:
        raise _not_approved(refund)
    return settle_refund(
        attempt=last, outcome=form.typed("outcome"), on=parse_day(form.typed("on"), field="on"),
        note=form.typed("note"), now=clock.now(), by=request.user,
    )  # fmt: skip


def _said(refund: Refund) -> str:
    words = {
        RefundState.PROCESSED: _("{number} is paid; its receipt is ready."),
        RefundState.FAILED: _("{number} failed; its money lies unapplied again. Try again or withdraw."),
        RefundState.SUBMITTED: _("Noted: nobody knows yet. {number} is not sent again before somebody does."),
    }
    return words[RefundState(refund.state)].format(number=refund.number)


# The paper


@panel("refund", "console/refund/receipt.html", order=10)
def _receipt_of(request: ConsoleRequest, refund: Refund) -> dict[str, Any] | None:
    """The refund receipt with the copies handed out, and the buttons to pay out and to report. Three queries."""
    asks = may_here(request, ASK, *ASKING)
    receipt = RefundReceipt.objects.filter(refund=refund).first()
    return {
        "receipt": receipt, "paid": refund.state == RefundState.PROCESSED,
        "copies": list(receipt.copies.select_related("by").order_by("id")) if receipt else [],
        "may_pay_out": asks and refund.state == RefundState.APPROVED,
        "may_report": asks and refund.state == RefundState.SUBMITTED,
    }  # fmt: skip


@console_path("refunds/<int:pk>/receipt.pdf", "refund-receipt", "see_receivables")
@require_POST
def refund_receipt(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The signed paper, made now if there is none yet; how=print or download is written down with it."""
    refund = find_refund(request, pk)
    how = request.POST.get("how", HOW[0])
    now = clock.now()
    form = Form([])
    done, receipt = attempt(form, lambda: issue_refund_receipt(refund=refund, now=now, by=request.user))
    if not done or receipt is None:
        return back_to_refused(request, refund, form.errors)
    try:
        with acting.acting(request.user, request.META.get("REMOTE_ADDR", "")):
            paper = hand_out_refund_receipt(receipt, how=how if how in HOW else HOW[0], now=now, by=request.user)
    except PdfUnavailable as trouble:
        context = console_context(request, _("Refund {number}").format(number=refund.number), refund=refund)
        return render(request, "console/refund/no_pdf.html", {**context, "trouble": trouble}, status=503)
    return pdf_answer(paper, f"{refund.number}.pdf", to_look_at=how != "download")


def back_to_refused(request: ConsoleRequest, refund: Refund, errors: list[str]) -> HttpResponse:
    """Why there is no paper yet, on a page of its own."""
    context = console_context(
        request, refund.number, form=Form([], errors=errors), trouble=" ".join(errors),
        back=reverse("admin:refund", args=[refund.pk]),
    )  # fmt: skip
    return render(request, "console/customer/deed.html", context, status=REFUSED)


@console_path("refunds/<int:pk>/receipt/page/", "refund-receipt-page", "see_receivables")
@require_GET
def receipt_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The paper to look at, or to print where no PDF can be made. Not counted as a copy."""
    refund = find_refund(request, pk)
    return HttpResponse(refund_page_of(get_object_or_404(RefundReceipt, refund=refund)))
