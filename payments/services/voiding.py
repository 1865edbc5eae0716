"""Taking a recorded payment back: preview, approval by a manager, reversal dated today (R102-R105, invariant 44)."""

from collections.abc import Callable, Mapping
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
from billing.services.moving import lock_touched, undo_transfers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Payment, PaymentAttempt, PaymentState, PaymentVoid
from payments.models.attempt import Operation
from payments.models.cheque import Cheque, ChequeState
from payments.models.payment import PAYMENT_MOVES
from payments.selectors.blast_radius import void_facts
from payments.selectors.reconciled import find_match
from payments.services.charging import prepare_follow_up
from payments.services.reconciling import NeedsFinanceManager, open_match
from payments.services.voidable import NotReconciled, NotVoidable, PartlyRefunded, check_voidable

VOID, VOID_RECONCILED = "void_payment", "void_reconciled_payment"
# Filled by the apps above: what else a void does, facts in no language. It is shown and approved with the rest.
FOLLOWS: list[Callable[[Payment], Mapping[str, Any]]] = []
# Filled by the apps above: what they do of it, in this transaction. Called as (made, now).
AFTER: list[Callable[..., None]] = []


class OwnEntry(DomainError):
    code = "own_entry"
    sentence = _("You recorded this payment; another person must void it.")


def preview_void(payment: Payment) -> dict[str, Any]:
    """All that voiding would do, as plain facts: what is shown is what is approved. Twenty queries at most.

    Raises what check_voidable raises.
    """
    check_voidable(payment)
    shown = void_facts(payment)
    for follow in FOLLOWS:
        shown |= follow(payment)
    return {name: fact for name, fact in shown.items() if fact or name == "reopens"}


@transaction_required
def ask_for_void(*, payment: Payment, reason: str, by: User, now: datetime, action: str = VOID) -> ApprovalRequest:
    """Ask a manager to void a payment; VOID_RECONCILED: the finance manager, for one matched to the bank.

    Raises what check_voidable raises, NeedsFinanceManager, NotReconciled, BadInput (no reason), NotPermitted.
    """
    payment = lock_to_void(payment)
    shown = preview_void(payment)
    check_action(payment, action)
    return approvals.ask(
        organization=payment.organization, action=action, subject=f"payment:{payment.pk}",
        title=f"Void {payment.number}", shown=shown, reason=reason, by=by, now=now, amount=payment.amount,
        currency=payment.currency,
    )  # fmt: skip


@transaction_required
def void_payment(*, payment: Payment, approval: ApprovalRequest, by: User, now: datetime) -> PaymentVoid:
    """Carry out an approved void: allocations undone, moved money fetched back, entries mirrored today.

    by: whoever carries it out, not whoever recorded the payment. The payment keeps its number and amount; a cheque
    taken with it may be entered again; a match to the bank is opened first. Raises what preview_void and
    approvals.use raise, NeedsFinanceManager, NotReconciled, OwnEntry.
    """
    payment = lock_to_void(payment)
    shown = preview_void(payment)
    check_action(payment, approval.action)
    approvals.use(request=approval, action=approval.action, subject=f"payment:{payment.pk}", shown=shown, now=now)
    if payment.recorded_by_id in (by.pk, approval.decided_by_id):
        raise OwnEntry()
    match = find_match(payment)
    if match is not None:
        open_match(match=match, approval=approval, reason=approval.reason, now=now, by=by)
    entry = None
    if payment.credit_item is None:
        move(payment, PaymentState.CANCELLED, PAYMENT_MOVES, pending_for="")
        approvals.withdraw_waiting(f"payment:{payment.pk}")
    else:
        entry = _take_back(payment, payment.credit_item, approval.reason, by, now)
        move(payment, PaymentState.VOIDED, PAYMENT_MOVES)
        _void_at_processor(payment, by, now)
    Cheque.objects.filter(payment=payment).update(state=ChequeState.CANCELLED)
    made = PaymentVoid.objects.create(
        payment=payment, voided_on=payment.organization.today(now), reason=approval.reason, approval=approval,
        entry=entry, voided_at=now, voided_by=by,
    )  # fmt: skip
    for after in AFTER:
        after(made=made, now=now)
    return made


@transaction_required
def lock_to_void(payment: Payment) -> Payment:
    """Lock everybody whom the void touches, then the payment; gives it as it is now."""
    item = CreditItem.objects.filter(payment=payment).first()
    if item is not None:
        lock_touched(payment.organization, [item])
    else:
        lock_customers(payment.organization, [payment.customer_id])
    return _fresh(payment)


def _take_back(payment: Payment, item: CreditItem, reason: str, by: User, now: datetime) -> JournalEntry:
    """Fetch moved money back, undo the allocations, mirror the payment's entry, empty the credit item."""
    organization = payment.organization
    item.organization = organization
    undo_transfers(credit_item=item, now=now, by=by, reason=reason)
    standing = Allocation.objects.filter(credit_item=item, reverses__isnull=True, reversed_by__isnull=True)
    if standing.exists():
        undone = standing.select_related("organization")
        unallocate(allocations=undone, now=now, by=by, reason=reason, judge=False)
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
    customer = Customer.objects.get(pk=payment.customer_id)
    customer.organization = organization
    judge_hold(customer=customer, now=now, by=by)
    return entry


def _void_at_processor(payment: Payment, by: User, now: datetime) -> None:
    """What a processor took goes back there too: voided, or refunded if it has settled. Sent after this transaction."""
    taken = PaymentAttempt.objects.filter(payment=payment).select_related("gateway_account", "method").first()
    if taken is not None:
        prepare_follow_up(
            attempt=taken, operation=Operation.VOID, amount=payment.amount, request_key=f"void:{payment.number}",
            now=now, by=by, channel="void",
        )  # fmt: skip


def check_action(payment: Payment, action: str) -> None:
    """A match to the bank is opened by the finance manager alone. Raises NeedsFinanceManager, NotReconciled."""
    match = find_match(payment)
    if match is not None and action != VOID_RECONCILED:
        raise NeedsFinanceManager(
            number=payment.number, day=match.reconciled_on, statement=match.statement_reference
        )  # fmt: skip
    if match is None and action != VOID:
        raise NotReconciled(number=payment.number)


def _fresh(payment: Payment) -> Payment:
    rows = Payment.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "customer", "credit_item", "entry", "drawer_session__cash_point").get(
        pk=payment.pk
    )


__all__ = [
    "AFTER",
    "FOLLOWS",
    "NotVoidable",
    "OwnEntry",
    "PartlyRefunded",
    "ask_for_void",
    "preview_void",
    "void_payment",
]
