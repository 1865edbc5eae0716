"""Where runs show on other pages: which run billed an invoice, what is to do about an agreement's bills."""

from typing import Any

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.panels import panel
from billing.admin.runs.run_page import shown_bill
from billing.models import Agreement, Invoice
from billing.models.agreement import Backend
from billing.models.billing_run import BillingRunItem
from billing.models.installment import ChargeKind, ChargeState, InstallmentState
from billing.office.models.user import Mode

BILLS = 12


@panel("invoice", "console/runs/of_invoice.html", order=5)
def billed_by(request: ConsoleRequest, invoice: Invoice) -> dict[str, Any] | None:
    """The run, agreement and period an invoice comes from. One query."""
    rows = BillingRunItem.objects.filter(invoice=invoice)
    item = rows.select_related("run", "agreement", "installment").first()
    if item is None or not may_here(request, "manage_agreements"):
        return None
    period = item.installment
    void = period is not None and period.state == InstallmentState.SKIPPED and invoice.voided_on is not None
    return {
        "item": item, "run": item.run, "agreement": item.agreement, "period": period,
        "run_look": f"run.{item.run.state}",
        "may_again": void and may_here(request, "manage_agreements", Mode.DO),
    }  # fmt: skip


@panel("agreement", "console/runs/of_agreement.html", order=40)
def bills_of(request: ConsoleRequest, agreement: Agreement) -> dict[str, Any] | None:
    """The latest bills, periods that were not billed, one-off charges that can still be taken back. Three queries."""
    may_do = may_here(request, "manage_agreements", Mode.DO)
    bills = agreement.bills.select_related("run", "customer", "invoice", "credit_memo", "installment")
    open_once = agreement.charges.filter(kind=ChargeKind.ONE_OFF, state=ChargeState.UNBILLED)
    return {
        "agreement": agreement, "bills": [shown_bill(item) for item in bills.order_by("-id")[:BILLS]],
        "skipped": list(agreement.installments.filter(state=InstallmentState.SKIPPED).order_by("period_start")),
        "once": list(open_once.order_by("id")), "may_do": may_do,
        "may_charge": may_do and agreement.backend == Backend.NATIVE,
    }  # fmt: skip
