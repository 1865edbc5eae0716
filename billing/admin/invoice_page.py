"""The invoice's page: what was billed and why, what was set against it, what the books say."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import said
from billing.admin.panels import panels_of
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError, Sentence
from billing.inputs import clean_text
from billing.models import Allocation, Invoice, InvoiceLine
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.rules.explaining import sentences
from billing.selectors.customer_account import allocations_of, invoice_discount
from billing.selectors.journal import entries_with_lines
from billing.services import overrides, requests
from billing.services.allocating import unallocate
from billing.services.invoicing import check_no_file


def find_invoice(request: ConsoleRequest, pk: int) -> Invoice:
    rows = Invoice.objects.select_related("customer", "customer__organization", "organization", "void_entry")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("invoices/<int:pk>/", "invoice", "see_receivables")
@require_http_methods(["GET"])
def invoice_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    invoice = find_invoice(request, pk)
    today = request.organization.today(clock.now())
    rows = allocations_of(invoice=invoice)
    book = policies_for(request.organization, customer_id=invoice.customer_id)
    journal = may_here(request, "see_journal")
    entry_ids = {invoice.entry_id, invoice.void_entry_id, *(row.entry_id for row in rows)}
    context = console_context(
        request, invoice.number, invoice=invoice, today=today, lines=explained_lines(invoice),
        discount=invoice_discount(invoice, book, today), days_overdue=invoice.days_overdue(today),
        allocations=standing_and_undone(rows), may_take_back=may_here(request, overrides.OVERRIDE, *ASKING),
        alone=may_here(request, overrides.OVERRIDE, Mode.DO), may_void=may_here(request, overrides.VOID, *ASKING),
        may_memo=may_here(request, requests.MEMO, *ASKING), show_journal=journal,
        entries=entries_with_lines(invoice.organization_id, entry_ids) if journal else [],
        untouched=not invoice.voided_on and invoice.open_amount == invoice.invoiced_amount,
        panels=panels_of("invoice", request, invoice),
        waiting=waiting_for(request, [f"invoice:{pk}"]),
    )  # fmt: skip
    return render(request, "console/invoice/page.html", context)


def explained_lines(invoice: Invoice) -> list[InvoiceLine]:
    """Its lines, each with how it came about in the reader's language; a stored sentence where no steps were kept."""
    rows = list(invoice.lines.all())
    for row in rows:
        kept = [row.explanation] if row.explanation else []
        row.sentences = sentences(row.derivation, invoice.currency) if row.derivation else kept  # type: ignore[attr-defined]
    return rows


def standing_and_undone(rows: list[Allocation]) -> list[dict[str, Any]]:
    """Each allocation with the row that undid it, if any; the undoing rows themselves are told there."""
    undoing = {row.reverses_id: row for row in rows if row.reverses_id}
    return [{"row": row, "undone": undoing.get(row.pk)} for row in rows if not row.reverses_id]


def waiting_for(request: ConsoleRequest, subjects: list[str]) -> list[ApprovalRequest]:
    """Requests about a record that still wait for somebody. One query."""
    rows = ApprovalRequest.objects.filter(organization=request.organization, subject__in=subjects)
    return list(rows.filter(state="requested", expires_at__gt=clock.now()).select_related("requested_by"))


# Dispute and void


@console_path("invoices/<int:pk>/dispute/", "mark_disputed", overrides.OVERRIDE, *ASKING)
@require_http_methods(["GET", "POST"])
def dispute(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Mark disputed or clear it: who may do it alone does it, others ask."""
    invoice = find_invoice(request, pk)
    mark = request.GET.get("do", request.POST.get("do", "")) != "clear"
    alone = may_here(request, overrides.OVERRIDE, Mode.DO)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")], hidden={"do": "mark" if mark else "clear"})
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))

        def work() -> ApprovalRequest | None:
            if alone:
                overrides.set_dispute(invoice=invoice, is_disputed=mark, reason=form.typed("reason"))
                return None
            return overrides.ask_about_invoice(
                invoice=invoice, deed="dispute" if mark else "undispute", reason=form.typed("reason"), by=request.user,
                now=clock.now(),
            )  # fmt: skip

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
        if done:
            return back_to(request, "invoice", pk, _("Marked disputed.") if mark else _("The dispute is cleared."))
    verb = _("Mark {number} disputed") if mark else _("Clear the dispute of {number}")
    words = verb.format(number=invoice.number)
    effect = (
        _("Money is no longer applied to it by rule; it stays owed.") if mark else _("Money is applied to it again.")
    )
    return show_form(
        request, form, title=words, back=reverse("admin:invoice", args=[pk]),
        button=words if alone else _("Ask: {deed}").format(deed=words),
        facts=[(_("Open"), format_money(invoice.open_amount, invoice.currency)), (_("What it does"), effect)],
        trouble="" if mark or form.errors else _file_open(invoice),
    )  # fmt: skip


def _file_open(invoice: Invoice) -> str:
    try:
        check_no_file(invoice)
    except DomainError as trouble:
        return str(trouble)
    return ""


@console_path("invoices/<int:pk>/void/", "void_invoice", overrides.VOID, *ASKING)
@require_http_methods(["GET", "POST"])
def void(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask a manager to take back an invoice nothing was set against."""
    invoice = find_invoice(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, asked = attempt(
            form,
            lambda: overrides.ask_about_invoice(
                invoice=invoice, deed="void_invoice", reason=form.typed("reason"), by=request.user, now=clock.now()
            ),
        )
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. A manager decides."))
    amount = format_money(invoice.invoiced_amount, invoice.currency)
    facts = [
        (_("Amount"), amount),
        (
            _("What it does"),
            _("The invoice keeps its number, is owed no longer, and its journal entry is mirrored today."),
        ),
    ]
    return show_form(
        request, form, title=_("Void {number}").format(number=invoice.number), facts=facts, danger=True,
        trouble=_why_not(invoice), back=reverse("admin:invoice", args=[pk]),
        button=_("Ask to void {number} ({amount})").format(number=invoice.number, amount=amount),
    )  # fmt: skip


def _why_not(invoice: Invoice) -> str:
    try:
        overrides.check_voidable(invoice)
    except DomainError as trouble:
        return str(trouble)
    return ""


def _invoice_of(asked: ApprovalRequest) -> Invoice:
    rows = Invoice.objects.select_related("customer", "organization")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _invoice_now(asked: ApprovalRequest) -> dict[str, Any]:
    return overrides.invoice_facts(_invoice_of(asked), asked.shown["deed"])


def _payer(asked: ApprovalRequest) -> int:
    return _invoice_of(asked).customer_id


@deed(overrides.VOID, "void_invoice", label=gettext_lazy("Void the invoice"), facts=_invoice_now, customer=_payer)
@deed(overrides.OVERRIDE, "dispute", label=gettext_lazy("Mark disputed"), facts=_invoice_now, customer=_payer)
@deed(overrides.OVERRIDE, "undispute", label=gettext_lazy("Clear the dispute"), facts=_invoice_now, customer=_payer)
def _carry_out(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    overrides.carry_out_about_invoice(request=asked, invoice=_invoice_of(asked), by=by, now=now)
    return None


# Taking an allocation back


def find_allocation(request: ConsoleRequest, pk: int) -> Allocation:
    rows = Allocation.objects.select_related("organization", "customer", "invoice", "credit_item")
    return get_object_or_404(rows, pk=pk, organization=request.organization, reverses__isnull=True)


@console_path("allocations/<int:pk>/unallocate/", "unallocate", overrides.OVERRIDE, *ASKING)
@require_http_methods(["GET", "POST"])
def take_back(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take back what was set against an invoice, with the discount and write-off that came with it."""
    allocation = find_allocation(request, pk)
    alone = may_here(request, overrides.OVERRIDE, Mode.DO)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        now = clock.now()

        def work() -> ApprovalRequest | None:
            reason = clean_text(form.typed("reason"), field="reason", longest=400)
            if not alone:
                return overrides.ask_for_unallocation(allocation=allocation, reason=reason, by=request.user, now=now)
            unallocate(allocations=[allocation], reason=reason, by=request.user, now=now)
            return None

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
        if done:
            return back_to(request, "invoice", allocation.invoice_id, _("Taken back. The invoice is open again."))
    return _take_back_page(request, allocation, form, alone)


def _take_back_page(request: ConsoleRequest, allocation: Allocation, form: Form, alone: bool) -> HttpResponse:
    number, trouble, currency = allocation.invoice.number, "", allocation.currency
    rows: list[tuple[str, str]] = []
    try:
        shown = overrides.unallocation_facts(allocation)
        rows = [(said("kind", p["kind"], ""), said("amount", p["amount"], currency)) for p in shown["reopens"]]
    except DomainError as refusal:
        trouble = str(refusal)
    amount = format_money(allocation.amount, allocation.currency)
    words = _("Take {amount} back from {number}").format(amount=amount, number=number)
    effect = _("{number} is owed again; {credit} holds the money as credit. Journal entries are mirrored today.")
    return show_form(
        request, form, title=_("Unallocate"), danger=True, trouble=trouble,
        back=reverse("admin:invoice", args=[allocation.invoice_id]),
        button=words if alone else _("Ask: {deed}").format(deed=words),
        facts=[
            (_("Customer"), allocation.customer), (pgettext("source", "From"), allocation.credit_item.number),
            (_("Invoice"), number),
            *rows,
            (_("What it does"), effect.format(number=number, credit=allocation.credit_item.number)),
        ],
    )  # fmt: skip


def _allocation_of(asked: ApprovalRequest) -> Allocation:
    rows = Allocation.objects.select_related("organization", "customer", "invoice", "credit_item")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _allocation_now(asked: ApprovalRequest) -> dict[str, Any]:
    return overrides.unallocation_facts(_allocation_of(asked))


def _allocation_payer(asked: ApprovalRequest) -> int:
    return _allocation_of(asked).customer_id


@deed(
    overrides.OVERRIDE,
    "unallocate",
    label=gettext_lazy("Take it back"),
    facts=_allocation_now,
    customer=_allocation_payer,
)
def _carry_out_take_back(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    overrides.carry_out_unallocation(request=asked, allocation=_allocation_of(asked), by=by, now=now)
    return None
