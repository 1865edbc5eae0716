"""Disputes at the console: the queue, opening one, the file, the printable evidence (R107, R108)."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.invoice_page import waiting_for
from billing.admin.panels import panel
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError
from billing.inputs import parse_day
from billing.models import Invoice
from billing.money import format_money, parse_amount
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.journal import EntryRow, entries_with_lines
from payments.admin.dispute_lines import WORKING, line_forms
from payments.admin.dispute_words import time_left
from payments.models import Dispute, Payment
from payments.models.dispute import DisputeKind, DisputeReason
from payments.selectors.dispute_history import compile_history, entries_of
from payments.selectors.disputes import OPEN, QUEUES, figures, open_follow_ups, queue
from payments.services.dispute_care import WORK
from payments.services.dispute_steps import BY_ITSELF, STEPS
from payments.services.disputes import DisputeOrder, check_contestable, open_dispute

PER_PAGE = 50
ASK = "ask_refund"


def find_dispute(request: ConsoleRequest, pk: int) -> Dispute:
    """The dispute of the organization worked in, or 404."""
    rows = Dispute.objects.select_related(
        "organization", "customer", "customer__organization", "invoice", "payment", "payment__credit_item",
        "payment__bank_account", "opened_by", "assigned_to", "closed_by", "credit_memo", "approval",
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk, organization=request.organization)


# The queue


@console_path("disputes/", "disputes", "see_receivables")
@require_http_methods(["GET"])
def disputes(request: ConsoleRequest) -> HttpResponse:
    """The nearest deadline first. About eight queries."""
    today = request.organization.today(clock.now())
    show = request.GET.get("show", "open")
    show = show if show in QUEUES else "open"
    follow_ups = show == "follow_ups"
    to_do = open_follow_ups(request.organization)
    found: Any = to_do if follow_ups else queue(request.organization, show, today=today, user=request.user)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = [{"dispute": row, "time": time_left(row, today)} for row in page] if not follow_ups else []
    counts = replace(figures(request.organization, today, request.user), follow_ups=to_do.count())
    context = console_context(
        request, _("Disputes"), show=show,
        queues=[(key, words, getattr(counts, key, None)) for key, words in QUEUES.items()],
        page=page, rows=rows, follow_ups=list(page) if follow_ups else [], today=today,
        sums=[format_money(amount, currency) for currency, amount in sorted(counts.sums.items())],
        heading=QUEUES[show],
    )  # fmt: skip
    return render(request, "console/dispute/queue.html", context)


# Opening


@console_path("disputes/new/", "dispute_new", ASK, *WORKING)
@require_http_methods(["GET", "POST"])
def new(request: ConsoleRequest) -> HttpResponse:
    """Open the file of an invoice or of a payment; which one stands in the address."""
    about = _about(request)
    if about is None:
        trouble = _("Open the invoice or the payment that is contested, and choose “Open a dispute” there.")
        return show_form(request, Form([]), title=_("Open a dispute"), button="", back=reverse("admin:disputes"),
                         trouble=trouble)  # fmt: skip
    form, trouble, now = _new_form(request, about), "", clock.now()
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("description"))
        done, made = attempt(
            form,
            lambda: open_dispute(
                organization=request.organization, order=_order(form, about), now=now, by=request.user
            ),
        )
        if done and made is not None:
            return back_to(request, "dispute", made.pk, _("Dispute {number} is open.").format(number=made.number))
    try:
        left = check_contestable(about)
    except DomainError as refusal:
        trouble = str(refusal) if not form.errors else ""
    else:
        if request.method == "GET":
            next(item for item in form.fields if item.name == "amount").value = f"{left.normalize():f}"
    screen = "invoice" if isinstance(about, Invoice) else "payment"
    return show_form(
        request, form, title=_("Open a dispute about {number}").format(number=about.number), trouble=trouble,
        button=_("Open the dispute"), back=reverse(f"admin:{screen}", args=[about.pk]), currency=about.currency,
        facts=_what_follows(about),
    )  # fmt: skip


def _about(request: ConsoleRequest) -> Invoice | Payment | None:
    """What ?invoice= or ?payment= names. 404 for another organization's."""
    invoice, payment = request.GET.get("invoice", ""), request.GET.get("payment", "")
    if invoice.isascii() and invoice.isdigit() and len(invoice) < 19:
        rows = Invoice.objects.select_related("customer", "organization")
        return get_object_or_404(rows, pk=invoice, organization=request.organization)
    if payment.isascii() and payment.isdigit() and len(payment) < 19:
        some = Payment.objects.select_related("customer", "organization", "credit_item")
        return get_object_or_404(some, pk=payment, organization=request.organization)
    return None


def _new_form(request: ConsoleRequest, about: Invoice | Payment) -> Form:
    today = request.organization.today(clock.now())
    causes = [("", gettext_lazy("choose…")), *DisputeReason.choices]
    whose = gettext_lazy("Empty: by the policy, counted in business days.")
    case = [] if isinstance(about, Invoice) else [
        Field("processor_reference", gettext_lazy("Case number at the bank or processor"), longest=80)
    ]  # fmt: skip
    fields = [
        Field("amount", gettext_lazy("Contested amount"), "amount"),
        Field("reason_code", gettext_lazy("Cause"), "select", choices=causes),
        Field("description", gettext_lazy("What happened, in the customer's words"), "area", longest=1000),
        *case,
        Field("opened_on", gettext_lazy("Came forward on"), "date", value=today.isoformat()),
        Field("deadline_on", gettext_lazy("Answer by"), "date", required=False, help=whose),
    ]
    return Form(fields, hidden={"request_key": get_random_string(20)})


def _order(form: Form, about: Invoice | Payment) -> DisputeOrder:
    is_invoice = isinstance(about, Invoice)
    deadline = form.typed("deadline_on")
    return DisputeOrder(
        amount=parse_amount(form.typed("amount"), about.currency), reason_code=form.typed("reason_code"),
        description=form.typed("description"), request_key=form.typed("request_key"),
        invoice_id=about.pk if is_invoice else None, payment_id=None if is_invoice else about.pk,
        processor_reference=form.typed("processor_reference"),
        opened_on=parse_day(form.typed("opened_on"), field="opened_on"),
        deadline_on=parse_day(deadline, field="deadline_on") if deadline else None,
    )  # fmt: skip


def _what_follows(about: Invoice | Payment) -> list[tuple[Any, Any]]:
    rows: list[tuple[Any, Any]] = [(_("Customer"), about.customer)]
    if isinstance(about, Invoice):
        return [
            *rows, (_("Open"), format_money(about.open_amount, about.currency)),
            (_("What it does"), _("Money is no longer applied to the invoice by rule until the dispute is settled.")),
        ]  # fmt: skip
    effect = _("The amount is booked as held by the bank. The payment and its invoices stay as they are until the end.")
    return [
        *rows, (_("Payment"), f"{format_money(about.amount, about.currency)} · {about.get_method_display()}"),
        (_("What it does"), effect),
    ]  # fmt: skip


# The file


@console_path("disputes/<int:pk>/", "dispute", "see_receivables")
@require_http_methods(["GET"])
def dispute_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    return show_dispute(request, find_dispute(request, pk))


def show_dispute(
    request: ConsoleRequest, dispute: Dispute, form: Form | None = None, form_name: str = ""
) -> HttpResponse:
    """The page of a file; form: the one that was refused, shown again with what was typed. About fifteen queries."""
    now = clock.now()
    today = request.organization.today(now)
    entries = entries_of(dispute)
    working = may_here(request, WORK, *WORKING)
    journal = may_here(request, "see_journal")
    is_open = dispute.state in OPEN
    context = console_context(
        request, dispute.number, dispute=dispute, today=today, time=time_left(dispute, today), is_open=is_open,
        steps=_steps(dispute, form, form_name), entries=entries[::-1], working=working,
        deciding=may_here(request, WORK, Mode.DO), forms=line_forms(form, form_name) if working else [],
        follow_ups=[row.event for row in entries if row.event.kind == "follow_up" and not row.event.done_at],
        waiting=waiting_for(request, [f"dispute:{dispute.pk}"]), show_journal=journal,
        journal=_bookings(dispute) if journal else [], form=form or Form([]), now=now,
    )  # fmt: skip
    return render(request, "console/dispute/page.html", context, status=REFUSED if form and form.errors else 200)


def _steps(dispute: Dispute, form: Form | None, form_name: str) -> list[dict[str, Any]]:
    found = []
    for step in dispute.steps.select_related("done_by"):
        words, hint = STEPS[step.key]
        mine = form if form is not None and form_name == f"step:{step.key}" else None
        found.append({
            "step": step, "words": words, "hint": hint, "by_itself": step.key in BY_ITSELF,
            "typed": mine.typed("reference") if mine else "", "error": mine.placed.get("reference", "") if mine else "",
        })  # fmt: skip
    return found


def _bookings(dispute: Dispute) -> list[EntryRow]:
    memo = dispute.credit_memo.entry_id if dispute.credit_memo else None
    return entries_with_lines(dispute.organization_id, [dispute.hold_entry_id, dispute.outcome_entry_id, memo])


@console_path("disputes/<int:pk>/file/", "dispute_file", "see_receivables")
@require_http_methods(["GET"])
def evidence_file(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Everything on one page to print or to save as a PDF, for the answer to the bank or the customer."""
    dispute = find_dispute(request, pk)
    context = {
        "dispute": dispute, "history": compile_history(dispute), "organization": request.organization,
        "now": clock.now(), "by": request.user, "step_words": STEPS,
        "is_chargeback": dispute.kind == DisputeKind.CHARGEBACK,
    }  # fmt: skip
    return render(request, "console/dispute/file.html", context)


# Sections of the pages of what is contested


@panel("invoice", "console/dispute/of_record.html", order=60)
def _of_invoice(request: ConsoleRequest, invoice: Invoice) -> dict[str, Any] | None:
    return _section(request, invoice, list(invoice.disputes.order_by("-id")), "invoice")


@panel("payment", "console/dispute/of_record.html", order=60)
def _of_payment(request: ConsoleRequest, payment: Payment) -> dict[str, Any] | None:
    return _section(request, payment, list(payment.disputes.order_by("-id")), "payment")


def _section(
    request: ConsoleRequest, about: Invoice | Payment, found: list[Dispute], name: str
) -> dict[str, Any] | None:
    """The disputes of a record and the button to open one; nothing where there is neither. Three queries."""
    today: date = request.organization.today(clock.now())
    contestable = may_here(request, ASK, *WORKING)
    try:
        contestable = contestable and bool(check_contestable(about))
    except DomainError:
        contestable = False
    if not found and not contestable:
        return None
    rows = [{"dispute": row, "time": time_left(row, today)} for row in found]
    return {"disputes": rows, "may_contest": contestable, "query": f"{name}={about.pk}"}
