"""How a dispute ends: won, lost in whole or in part, withdrawn by the customer (R107, R124).

What is lost is money given up, so a second person decides: a lost chargeback like a large refund, a lost invoice like
a credit memo.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, NotPermitted
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.models import Customer
from billing.money import ZERO, fits, format_money
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.selectors.journal import EntryRow, entries_with_lines
from billing.services.allocating import apply_waiting_credit
from billing.services.credit_control import judge_hold
from billing.services.freeing import plan_freeing, shown_freeing
from billing.services.invoicing import mark_disputed
from billing.services.moving import chain_of, lock_touched
from billing.transactions import transaction_required
from payments.models import Dispute, Refund
from payments.models.dispute import DisputeKind, DisputeState
from payments.models.refund import RefundState
from payments.services.dispute_bookings import Booked, close_chargeback, issue_memo, set_memo, split_tax
from payments.services.dispute_closing import close_file
from payments.services.dispute_steps import check_open, check_steps, lock_dispute

OUTCOMES = (DisputeState.WON, DisputeState.LOST, DisputeState.WITHDRAWN)
# What a second person approves, and as which deed, by kind of dispute.
LOSSES: dict[str, tuple[str, str]] = {
    DisputeKind.INVOICE: ("override_discount", "dispute_lost"),
    DisputeKind.CHARGEBACK: ("refund_large", "chargeback_lost"),
}


class NotGivenBack(DomainError):
    code = "not_given_back"
    sentence = _("If they are right, the money goes back: ask for a refund of {number} first, then close the question.")


@dataclass(frozen=True)
class Settlement:
    """A settlement as asked for. lost_amount: 0 unless lost; of a lost one more than 0, up to what is contested."""

    outcome: str
    reason: str
    lost_amount: Decimal = ZERO


@dataclass(frozen=True)
class Rehearsal:
    """What settling would do. reopens: of the customer's invoices. unapplied: credit of the payment afterwards."""

    entries: list[EntryRow]
    reopens: list[dict[str, Any]]
    moved_back: list[dict[str, Any]]
    needs_approval: bool


@transaction_required
def settle_dispute(
    *, dispute: Dispute, outcome: str, reason: str, now: datetime, by: User, lost_amount: Decimal = ZERO
) -> Dispute | ApprovalRequest:
    """End a dispute whose checklist is complete. Won or withdrawn ends it now; lost asks a second person first.

    Won or withdrawn: the held money is ours again (posts "Chargeback settled"); the invoice is owed like any other.
    A question is lost once a refund of its payment is asked for, which another person decides on. Raises BadInput,
    Closed, StepsOpen, MoreThanIsThere, NotPermitted, NotGivenBack.
    """
    asked = _read(dispute, outcome, reason, lost_amount)
    dispute = _lock_all(dispute) if asked.outcome == DisputeState.LOST else lock_dispute(dispute)
    check_open(dispute)
    check_steps(dispute=dispute)
    if _gives_up(dispute, asked):
        return _ask(dispute, asked, by, now)
    return _carry_out(dispute, asked, now, by)


@transaction_required
def withdraw_dispute(*, dispute: Dispute, now: datetime, by: User) -> Dispute:
    """Whoever asked takes it back, whatever the checklist says: the bill is owed, the payment stands.

    Raises Closed, NotPermitted (a chargeback is the bank's; another's question).
    """
    dispute = lock_dispute(dispute)
    if dispute.kind == DisputeKind.CHARGEBACK or dispute.opened_by_id != by.pk:
        raise NotPermitted()
    check_open(dispute)
    return _carry_out(dispute, Settlement(DisputeState.WITHDRAWN, "withdrawn by the customer"), now, by)


def _gives_up(dispute: Dispute, asked: Settlement) -> bool:
    """Whether another person must agree to it. Raises NotGivenBack."""
    if asked.outcome != DisputeState.LOST:
        return False
    if dispute.kind != DisputeKind.QUESTION:
        return True
    back = Refund.objects.filter(payment=dispute.payment_id, requested_on__gte=dispute.opened_on)
    if not back.exclude(state__in=(RefundState.REJECTED, RefundState.WITHDRAWN)).exists():
        raise NotGivenBack(field="outcome", number=dispute.payment.number if dispute.payment else "")
    return False


@transaction_required
def rehearse_settlement(
    *, dispute: Dispute, outcome: str, reason: str, now: datetime, by: User, lost_amount: Decimal = ZERO
) -> Rehearsal:
    """What settling would post and reopen: done for real and taken back. Raises what settling would raise."""
    asked = _read(dispute, outcome, reason, lost_amount)
    with transaction.atomic():
        dispute = _lock_all(dispute)
        check_open(dispute)
        check_steps(dispute=dispute)
        lost = _gives_up(dispute, asked)
        shown = loss_facts(dispute, asked.lost_amount) if lost else {}
        before = set(JournalEntry.objects.filter(posted_at=now).values_list("pk", flat=True))
        _carry_out(dispute, asked, now, by)
        made = JournalEntry.objects.filter(organization=dispute.organization, posted_at=now).exclude(pk__in=before)
        entries = entries_with_lines(dispute.organization_id, made.values_list("pk", flat=True))
        transaction.set_rollback(True)
    return Rehearsal(entries, shown.get("reopens", []), shown.get("moved_back", []), lost)


def loss_facts(dispute: Dispute, lost_amount: Decimal) -> dict[str, Any]:
    """What losing would do, as plain facts: the page shows them, the approval covers them.

    Raises Closed, MoreThanIsThere.
    """
    check_open(dispute)
    shown: dict[str, Any] = {
        "deed": LOSSES[dispute.kind][1],
        "dispute": dispute.number,
        "customer": f"{dispute.customer.code} {dispute.customer.name}",
        "currency": dispute.currency,
        "contested": f"{dispute.amount:.2f}",
        "amount": f"{lost_amount:.2f}",
        "dispute_cause": dispute.reason_code,
    }
    if dispute.invoice is not None:
        net, tax = split_tax(dispute.invoice, lost_amount)
        return shown | {
            "invoice": dispute.invoice.number, "invoice_open": f"{dispute.invoice.open_amount:.2f}",
            "net": f"{net:.2f}", "tax": f"{tax:.2f}",
        }  # fmt: skip
    payment = dispute.payment
    assert payment is not None and payment.credit_item is not None
    back = chain_of(payment.credit_item) if needs_moved_money(dispute, lost_amount) else []
    own = sum((t.amount for t in back if t.from_item_id == payment.credit_item_id), ZERO)
    plan = plan_freeing(payment.credit_item, max(lost_amount - own, ZERO))
    return shown | {
        "payment": payment.number, "method": payment.method, "case": dispute.processor_reference,
        "won_back": f"{dispute.amount - lost_amount:.2f}", "reopens": shown_freeing(plan),
        "moved_back": [{"customer": str(t.to_item.customer), "amount": f"{t.amount:.2f}"} for t in back],
    }  # fmt: skip


def needs_moved_money(dispute: Dispute, lost_amount: Decimal) -> bool:
    """Whether what is still here does not cover the loss, so that money moved to others comes back."""
    assert dispute.payment is not None and dispute.payment.credit_item is not None
    item = dispute.payment.credit_item
    return bool(item.moved_amount) and bool(lost_amount > item.applied_amount + item.unapplied_amount)


@transaction_required
def carry_out_loss(*, dispute: Dispute, approval: ApprovalRequest, by: User, now: datetime) -> Dispute:
    """End a dispute as lost, as approved, all or nothing.

    An invoice: issues a credit memo over the loss, its tax in the invoice's proportion, and sets it against the
    invoice. A chargeback: takes allocations of the payment back until the loss is free, the latest
    first, posts "Chargeback settled", counts it as refunded, and tells the customer; nothing left: refunded.
    Raises what approvals.use and loss_facts raise, and StepsOpen.
    """
    dispute = _lock_all(dispute)
    check_steps(dispute=dispute)
    action = LOSSES[dispute.kind][0]
    lost = Decimal(approval.shown["amount"])
    subject = f"dispute:{dispute.pk}"
    approvals.use(request=approval, action=action, subject=subject, shown=loss_facts(dispute, lost), now=now)
    return _carry_out(dispute, Settlement(DisputeState.LOST, approval.reason, lost), now, by, approval)


def _read(dispute: Dispute, outcome: str, reason: str, lost_amount: Decimal) -> Settlement:
    """Raises BadInput."""
    if outcome not in OUTCOMES:
        raise BadInput(_("Choose how it ended."), field="outcome", code="unknown_choice")
    words = clean_text(reason, field="reason", longest=400)
    if not words:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    if outcome != DisputeState.LOST or dispute.kind == DisputeKind.QUESTION:
        return Settlement(outcome, words)
    if lost_amount <= ZERO:
        raise BadInput(_("The amount must be more than 0."), field="lost_amount", code="not_positive")
    if not fits(lost_amount, dispute.currency):
        sentence = _("{currency} has no such fraction.")
        raise BadInput(sentence, field="lost_amount", code="too_many_decimals", currency=dispute.currency)
    if lost_amount > dispute.amount:
        sentence = _("No more than {amount} is contested.")
        amount = format_money(dispute.amount, dispute.currency)
        raise BadInput(sentence, field="lost_amount", code="more_than_contested", amount=amount)
    return Settlement(outcome, words, lost_amount)


def _lock_all(dispute: Dispute) -> Dispute:
    """The dispute as it is now; locked are its customer and all to whom money of the payment was moved."""
    if dispute.payment is not None and dispute.payment.credit_item is not None:
        lock_touched(dispute.organization, [dispute.payment.credit_item], also=[dispute.customer_id])
    return lock_dispute(dispute)


def _ask(dispute: Dispute, asked: Settlement, by: User, now: datetime) -> ApprovalRequest:
    action = LOSSES[dispute.kind][0]
    about = dispute.invoice or dispute.payment
    return approvals.ask(
        organization=dispute.organization, action=action, subject=f"dispute:{dispute.pk}",
        title=f"Lose dispute {dispute.number} about {about}", shown=loss_facts(dispute, asked.lost_amount),
        reason=asked.reason, by=by, now=now, amount=asked.lost_amount, currency=dispute.currency,
    )  # fmt: skip


def _carry_out(
    dispute: Dispute, asked: Settlement, now: datetime, by: User, approval: ApprovalRequest | None = None
) -> Dispute:
    """Of a locked customer: book the outcome, close the file, let credit and hold follow."""
    booked = Booked()
    if dispute.kind == DisputeKind.CHARGEBACK:
        take_back = asked.lost_amount > ZERO and needs_moved_money(dispute, asked.lost_amount)
        booked = close_chargeback(
            dispute=dispute, lost=asked.lost_amount, take_back_moved=take_back, reason=asked.reason, now=now, by=by
        )
    elif asked.lost_amount:  # of a bill
        booked = issue_memo(dispute=dispute, lost=asked.lost_amount, reason=asked.reason, now=now, by=by)
    close_file(
        dispute=dispute, outcome=asked.outcome, lost=asked.lost_amount, reason=asked.reason, booked=booked,
        approval=approval, now=now, by=by,
    )  # fmt: skip
    if dispute.invoice is not None:
        mark_disputed(invoice=dispute.invoice, is_disputed=False)
        if booked.memo is not None:
            set_memo(dispute=dispute, memo=booked.memo, reason=asked.reason, now=now, by=by)
        apply_waiting_credit(organization=dispute.organization, customer_ids=[dispute.customer_id], now=now, by=by)
    customer = Customer.objects.select_related("organization").get(pk=dispute.customer_id)
    judge_hold(customer=customer, now=now, by=by)
    return dispute
