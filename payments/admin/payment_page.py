"""The payment's page: everything about money that came in, and what may still be done about it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.credit_page import credit_rights
from billing.admin.facts import WORDS
from billing.admin.invoice_page import standing_and_undone, waiting_for
from billing.admin.panels import CREDIT_HOMES, panels_of
from billing.models import CreditKind
from billing.office import clock
from billing.office.models import AuditEntry
from billing.selectors.customer_account import allocations_of
from billing.selectors.journal import entries_with_lines
from payments.models import Method, Payment, PaymentState, Purpose
from payments.models.cash import CashPointKind
from payments.selectors import history  # noqa: F401  tells the timeline of payments

WORDS |= {"method": dict(Method.choices), "state": dict(PaymentState.choices), "purpose": dict(Purpose.choices)}
WORDS["channel"] = {
    "counter": _("counter"), "api": _("interface"), "file": _("loaded file"), "bank_file": _("bank file"),
    **dict(CashPointKind.choices),
    "vault": _("vault"),
}  # fmt: skip
WAITS = {
    "verify_large_payment": _("a second person who verifies the amount"),
    "accept_unusual_method": _("a manager who accepts the way it was paid"),
    "accept_risky_cheque": _("a supervisor who accepts the cheque"),
}


def find_payment(request: ConsoleRequest, pk: int) -> Payment:
    """The payment of the organization worked in, or 404."""
    rows = Payment.objects.select_related(
        "organization", "customer", "customer__organization", "recorded_by", "credit_item", "bank_account", "cheque",
        "drawer_session__cash_point", "presentation",
        "void", "void__voided_by", "void__approval", "void__approval__requested_by",
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("payments/<int:pk>/", "payment", "see_receivables")
@require_http_methods(["GET"])
def payment_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    payment = find_payment(request, pk)
    rows = allocations_of(credit_item=payment.credit_item) if payment.credit_item_id else []
    void = getattr(payment, "void", None)
    journal = may_here(request, "see_journal")
    presented = getattr(payment, "presentation", None)
    ends = [ended.entry_id for ended in (void, presented) if ended is not None]
    entry_ids = {payment.entry_id, *ends, *(row.entry_id for row in rows)}
    subjects = [f"payment:{pk}", f"credit:{payment.credit_item_id}", *(f"allocation:{row.pk}" for row in rows)]
    context = console_context(
        request, payment.number, payment=payment, customer=payment.customer, item=payment.credit_item,
        cheque=getattr(payment, "cheque", None), void=void, allocations=standing_and_undone(rows), show_journal=journal,
        today=payment.organization.today(clock.now()),
        entries=entries_with_lines(payment.organization_id, entry_ids) if journal else [], **credit_rights(request),
        waiting=waiting_for(request, subjects), panels=panels_of("payment", request, payment),
        changes=_changes(payment) if may_here(request, "see_audit") else None,
        waits_for=[WAITS.get(action, action) for action in payment.pending_for.split(",") if action],
    )  # fmt: skip
    return render(request, "console/payment/page.html", context)


def _changes(payment: Payment) -> list[dict[str, Any]]:
    """The audit rows of the payment, its void and its cheque, newest first, each with what changed. One query."""
    keys = {"payments_payment": payment.pk}
    for table, record in (("payments_paymentvoid", getattr(payment, "void", None)),
                          ("payments_cheque", getattr(payment, "cheque", None))):  # fmt: skip
        if record is not None:
            keys[table] = record.pk
    rows = AuditEntry.objects.filter(table_name__in=keys, row_id__in=keys.values()).order_by("-id")
    mine = [row for row in rows[:200] if keys.get(row.table_name) == row.row_id]
    return [{"entry": row, "differs": _differs(row)} for row in mine]


def _differs(entry: AuditEntry) -> list[tuple[str, Any, Any]]:
    if entry.before is None or entry.after is None:
        return []
    return [(key, entry.before.get(key), after) for key, after in entry.after.items() if entry.before.get(key) != after]


def _home_of_credit(credit_item_id: int) -> str:
    return reverse("admin:payment", args=[Payment.objects.only("pk").get(credit_item_id=credit_item_id).pk])


CREDIT_HOMES[CreditKind.PAYMENT] = _home_of_credit
