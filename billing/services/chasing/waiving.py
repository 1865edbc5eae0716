"""Waiving a late fee: one asks, another approves; the fee's invoice is voided, or met by a credit memo (R74)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.models import CreditMemo, Invoice, LateFee
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.services.allocating import allocate_credit
from billing.services.invoicing import issue_credit_memo, void_invoice
from billing.services.locking import lock_customers
from billing.services.requests import AlreadySo
from billing.transactions import transaction_required

WAIVE = "waive_late_fee"


def waiver_facts(fee: LateFee) -> dict[str, Any]:
    """What a checker reads."""
    billed = _billed(fee)
    return {
        "deed": WAIVE,
        "invoice": fee.invoice.number,
        "customer": f"{billed.customer.code} {billed.customer.name}",
        "fee_invoice": billed.number,
        "currency": fee.currency,
        "amount": f"{fee.amount:.2f}",
        "invoice_open": f"{billed.open_amount:.2f}",
    }


def _billed(fee: LateFee) -> Invoice:
    rows = Invoice.objects.select_related("customer", "organization", "entry")
    assert fee.fee_invoice_id is not None
    return rows.get(pk=fee.fee_invoice_id)


@transaction_required
def ask_to_waive(*, fee: LateFee, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a second person to let a customer off what is open of a late fee.

    Raises AlreadySo (nothing of it is open), BadInput (no reason), NotPermitted.
    """
    billed = _billed(fee)
    lock_customers(billed.organization, [billed.customer_id])
    billed = _billed(fee)
    check_waivable(billed)
    return approvals.ask(
        organization=billed.organization, action=WAIVE, subject=f"late_fee:{fee.pk}",
        title=f"Waive late fee {billed.number} of {billed.customer.name}"[:200], shown=waiver_facts(fee),
        reason=reason, by=by, now=now, amount=billed.open_amount, currency=fee.currency,
    )  # fmt: skip


def check_waivable(billed: Invoice) -> None:
    """Raises AlreadySo."""
    if not billed.open_amount:
        raise AlreadySo(_("Nothing of this late fee is open."))


@transaction_required
def carry_out_waiver(*, request: ApprovalRequest, fee: LateFee, by: User, now: datetime) -> CreditMemo | None:
    """Spend the approval: void an untouched fee invoice, else set a credit memo against what is open of it.

    Posts what void_invoice, or issue_credit_memo and allocate_credit post. Raises what approvals.use raises.
    """
    billed = _billed(fee)
    organization = billed.organization
    lock_customers(organization, [billed.customer_id])
    approvals.use(request=request, action=WAIVE, subject=f"late_fee:{fee.pk}", shown=waiver_facts(fee), now=now)
    billed = _billed(fee)
    if billed.open_amount == billed.invoiced_amount:
        void_invoice(invoice=billed, reason=request.reason, now=now, by=by)
        return None
    left: Decimal = billed.open_amount
    memo = issue_credit_memo(
        organization=organization, customer_id=billed.customer_id, net=left, tax=Decimal(0), currency=billed.currency,
        issued_on=organization.today(now), reason=request.reason, now=now, by=by,
    )  # fmt: skip
    allocate_credit(
        credit_item=memo.credit_item, strategy="manual", by_hand=[(billed.pk, left)], now=now, by=by,
        reason=request.reason,
    )  # fmt: skip
    return memo


def fee_of_request(request: ApprovalRequest) -> LateFee:
    """The fee that a request is about."""
    rows = LateFee.objects.select_related("invoice", "organization")
    return rows.get(pk=int(request.subject.split(":")[1]), organization=request.organization)
