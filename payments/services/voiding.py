"""Taking a recorded payment back: preview, approval by a manager, reversal dated today (R102-R105)."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.ledger.models import JournalEntry, JournalLine
from billing.ledger.posting import open_day, post_entries, reversal_of
from billing.models import Allocation, CreditItem, Customer
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.services.allocating import unallocate
from billing.services.credit_control import judge_hold
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Payment, PaymentState, PaymentVoid
from payments.models.payment import PAYMENT_MOVES, Cheque, ChequeState

VOID = "void_payment"


class NotVoidable(DomainError):
    code = "not_voidable"
    sentence = _("{number} is {state}; only a processed or provisional payment can be voided.")


class PartlyRefunded(DomainError):
    code = "partly_refunded"
    sentence = _("Part of {number} was refunded; it can no longer be voided.")


class OwnEntry(DomainError):
    code = "own_entry"
    sentence = _("You recorded this payment; another person must void it.")


def preview_void(payment: Payment) -> dict[str, Any]:
    """What voiding would do, as plain facts: the page shows them, the approval covers them. Three queries.

    Raises NotVoidable, PartlyRefunded.
    """
    _check_voidable(payment)
    standing = Allocation.objects.filter(
        credit_item=payment.credit_item_id, reverses__isnull=True, reversed_by__isnull=True
    ).select_related("invoice")
    return {
        "payment": payment.number,
        "customer": f"{payment.customer.code} {payment.customer.name}",
        "amount": f"{payment.amount:.2f}",
        "currency": payment.currency,
        "method": payment.method,
        "received_on": payment.received_on.isoformat(),
        "state": payment.state,
        "reopens": [
            {"invoice": a.invoice.number, "kind": a.kind, "amount": f"{a.amount:.2f}"}
            for a in standing.order_by("invoice__number", "kind", "id")
        ]
        if payment.credit_item_id
        else [],
        "entries_reversed": len({a.entry_id for a in standing}) + 1 if payment.credit_item_id else 0,
    }


@transaction_required
def ask_for_void(*, payment: Payment, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a manager to void a payment. Raises NotVoidable, PartlyRefunded, BadInput (no reason), NotPermitted."""
    lock_customers(payment.organization, [payment.customer_id])
    payment = _fresh(payment)
    return approvals.ask(
        organization=payment.organization, action=VOID, subject=f"payment:{payment.pk}",
        title=f"Void {payment.number}", shown=preview_void(payment), reason=reason, by=by, now=now,
        amount=payment.amount, currency=payment.currency,
    )  # fmt: skip


@transaction_required
def void_payment(*, payment: Payment, approval: ApprovalRequest, by: User, now: datetime) -> PaymentVoid:
    """Carry out an approved void: allocations undone, invoices reopened, entries mirrored today.

    by: whoever carries it out, not whoever recorded the payment. The payment keeps its number and amount; a cheque
    taken with it may be entered again. Raises what preview_void and approvals.use raise, and OwnEntry.
    """
    customer = lock_customers(payment.organization, [payment.customer_id])[payment.customer_id]
    payment = _fresh(payment)
    approvals.use(request=approval, action=VOID, subject=f"payment:{payment.pk}", shown=preview_void(payment), now=now)
    if payment.recorded_by_id in (by.pk, approval.decided_by_id):
        raise OwnEntry()
    reason = approval.reason
    entry = None
    if payment.credit_item is None:
        move(payment, PaymentState.CANCELLED, PAYMENT_MOVES, pending_for="")
        approvals.withdraw_waiting(f"payment:{payment.pk}")
    else:
        entry = _take_back(payment, customer, payment.credit_item, reason, by, now)
        move(payment, PaymentState.VOIDED, PAYMENT_MOVES)
    Cheque.objects.filter(payment=payment).update(state=ChequeState.CANCELLED)
    today = payment.organization.today(now)
    return PaymentVoid.objects.create(
        payment=payment, voided_on=today, reason=reason, approval=approval, entry=entry, voided_at=now, voided_by=by
    )


def _take_back(
    payment: Payment, customer: Customer, item: CreditItem, reason: str, by: User, now: datetime
) -> JournalEntry:
    """Undo the allocations, mirror the receipt's entry, empty the credit item. Returns the mirror entry."""
    standing = Allocation.objects.filter(credit_item=item, reverses__isnull=True, reversed_by__isnull=True)
    if standing.exists():
        undone = standing.select_related("organization")
        unallocate(allocations=undone, now=now, by=by, reason=reason, judge=False)
    organization = payment.organization
    today = organization.today(now)
    assert payment.entry is not None
    lines = JournalLine.objects.filter(entry=payment.entry).select_related("account").order_by("ordinal")
    draft = reversal_of(
        payment.entry, list(lines), key=f"payment:{payment.number}:voided", reason=reason,
        on=max(open_day(organization.pk, today), payment.entry.entry_date),
    )  # fmt: skip
    entry = post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]
    CreditItem.objects.filter(pk=item.pk).update(reversed_on=max(today, item.available_on))
    # Only now, when the money no longer counts as the customer's credit.
    judge_hold(customer=customer, now=now, by=by)
    return entry


def _fresh(payment: Payment) -> Payment:
    rows = Payment.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "customer", "credit_item", "entry").get(pk=payment.pk)


def _check_voidable(payment: Payment) -> None:
    if payment.state not in (PaymentState.PROCESSED, PaymentState.PENDING):
        raise NotVoidable(number=payment.number, state=payment.get_state_display())
    if payment.credit_item is not None and payment.credit_item.refunded_amount:
        raise PartlyRefunded(number=payment.number)
