"""The money of a refund in the books: reserved at approval, released if it does not leave (invariants 9, 16)."""

from datetime import date, datetime

from billing.ledger.models import JournalEntry, JournalLine
from billing.ledger.posting import Draft, open_day, post_entries, reversal_of
from billing.models import CreditItem, CreditKind, CreditMemo, Customer
from billing.office.models import User
from billing.services.allocating import allocate_credit, unallocate
from billing.services.credit_control import judge_hold
from billing.services.freeing import count_refunded, free_credit
from billing.services.invoicing import issue_credit_memo
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Payment, PaymentState, Refund
from payments.models.payment import PAYMENT_MOVES
from payments.models.refund import REFUND_MOVES, RefundState
from payments.postings import refund_approved, refund_paid
from payments.selectors.refunds import BACK
from payments.services.refund_plans import MemoPlan, RefundPlan

# Note [When the money came back meanwhile]
# A cheque may bounce after part of its payment was refunded. The return empties the credit item, keeps what was
# refunded as its refunded_amount and bills it to the customer (a recovery invoice). If a refund under way then fails,
# or is withdrawn, its money must not fall back onto the emptied item: it becomes credit of the customer in an item of
# its own, "REF-…-back", with which the recovery invoice can be settled. The refund counts as processed, kept as credit,
# so that refunded_amount stays what left the item and the recovery invoice stays true. No such refund is sent again.


@transaction_required
def lock_refund(refund: Refund) -> tuple[Refund, Customer]:
    """The refund as it is now, under its customer's lock; its credit item is read and locked too."""
    customer = lock_customers(refund.organization, [refund.customer_id])[refund.customer_id]
    rows = Refund.objects.select_for_update(no_key=True, of=("self", "credit_item"))
    related = ("organization", "credit_item", "payment", "invoice", "entry", "approval", "approval__decided_by")
    fresh = rows.select_related(*related).get(pk=refund.pk)
    fresh.customer, fresh.credit_item.organization = customer, fresh.organization
    return fresh, customer


@transaction_required
def reserve(
    *, refund: Refund, plan: RefundPlan, now: datetime, by: User | None, key: str
) -> tuple[JournalEntry, CreditMemo | None]:
    """Make the money free and take it off the credit item. Returns the entry, and the credit memo it led to, if any.

    refund: locked. plan: as approved. Posts: "Credit allocated" undone and anew, "Credit memo issued" where the bill is
    reduced, "Refund approved". The numbers of the memo come before those of the journal, as everywhere.
    """
    item, memo = refund.credit_item, None
    if plan.memo is not None:
        memo = _reduce_bill(refund, plan, plan.memo, now, by)
    else:
        free_credit(credit_item=item, amount=refund.gross_amount, now=now, by=by, reason=refund.reason)
    count_refunded(item, refund.gross_amount)
    organization = refund.organization
    draft = refund_approved(
        key=key, number=refund.number, customer_id=refund.customer_id, kind=item.kind, paid=refund.paid_amount,
        fee=refund.charges_amount + refund.fee_amount, currency=refund.currency, reason=refund.reason,
        on=open_day(organization.pk, organization.today(now)),
    )  # fmt: skip
    return _post(refund, draft, now, by), memo


def _reduce_bill(refund: Refund, plan: RefundPlan, reduction: MemoPlan, now: datetime, by: User | None) -> CreditMemo:
    """A credit memo takes the place of the money on the bill, so that the bill does not reopen (R99)."""
    words = f"{refund.number}: {refund.reason}"[:400]
    memo = issue_credit_memo(
        organization=refund.organization, customer_id=refund.customer_id, net=reduction.net, tax=reduction.tax,
        currency=refund.currency, issued_on=refund.organization.today(now), reason=words, now=now, by=by,
    )  # fmt: skip
    replace_on_invoice(plan=plan, memo=memo, now=now, by=by, reason=refund.reason)
    return memo


@transaction_required
def replace_on_invoice(*, plan: RefundPlan, memo: CreditMemo, now: datetime, by: User | None, reason: str) -> None:
    """Take the plan's allocations back, set the memo against the bill, and what was not meant back where it was."""
    assert plan.memo is not None
    allocations = [freed.allocation for freed in plan.freed]
    if allocations:
        unallocate(allocations=allocations, now=now, by=by, reason=reason, judge=False)
    allocate_credit(
        credit_item=memo.credit_item, strategy="manual", by_hand=[(plan.memo.invoice.pk, plan.memo.amount)], now=now,
        by=by, reason=reason, exact=True,
    )  # fmt: skip
    for freed in plan.freed:
        if freed.kept:
            again = [(freed.allocation.invoice_id, freed.kept)]
            allocate_credit(
                credit_item=freed.allocation.credit_item, strategy="manual", by_hand=again, now=now, by=by,
                reason=reason, exact=True,
            )  # fmt: skip


@transaction_required
def release(*, refund: Refund, to: str, now: datetime, by: User | None, reason: str) -> None:
    """Give a reserved refund's money back to the credit item it came from, where it lies unapplied; move it to `to`.

    Posts the mirror of "Refund approved", dated today or in the next open month. Where the item was emptied meanwhile,
    the money becomes credit in an item of its own: see Note [When the money came back meanwhile].
    """
    if refund.credit_item.reversed_on is not None:
        keep_as_credit(refund=refund, number=refund.number + BACK, now=now, by=by)
        return
    assert refund.entry is not None
    organization = refund.organization
    lines = JournalLine.objects.filter(entry=refund.entry).select_related("account").order_by("ordinal")
    on = max(open_day(organization.pk, organization.today(now)), refund.entry.entry_date)
    draft = reversal_of(refund.entry, list(lines), key=f"{refund.entry.key}:released", on=on, reason=reason)
    _post(refund, draft, now, by)
    count_refunded(refund.credit_item, -refund.gross_amount)
    move(refund, to, REFUND_MOVES, decision_reason=reason[:400])


@transaction_required
def keep_as_credit(*, refund: Refund, number: str, now: datetime, by: User | None) -> CreditItem:
    """The refund's money becomes credit of the same customer for future charges. Posts "Refund paid", as credit."""
    organization = refund.organization
    today = organization.today(now)
    item = CreditItem.objects.create(
        organization=organization, customer_id=refund.customer_id, kind=CreditKind.TRANSFER, number=number,
        currency=refund.currency, amount=refund.paid_amount, available_on=today,
    )  # fmt: skip
    mark_paid(refund=refund, method="credit", on=today, now=now, by=by)
    return item


@transaction_required
def mark_paid(
    *, refund: Refund, method: str, on: date, now: datetime, by: User | None, ledger_account_id: int | None = None
) -> JournalEntry:
    """The money left: processed on that day. Posts "Refund paid". A payment refunded in full becomes so."""
    draft = refund_paid(
        key=f"refund:{refund.number}:paid", number=refund.number, customer_id=refund.customer_id, method=method,
        amount=refund.paid_amount, currency=refund.currency, on=open_day(refund.organization_id, on),
        ledger_account_id=ledger_account_id,
    )  # fmt: skip
    entry = _post(refund, draft, now, by)
    move(refund, RefundState.PROCESSED, REFUND_MOVES, paid_entry=entry, processed_on=on, processed_at=now)
    _finish_payment(refund)
    judge_hold(customer=refund.customer, now=now, by=by)
    return entry


def _finish_payment(refund: Refund) -> None:
    """A payment all of whose money went back, and arrived, is refunded (R94)."""
    if refund.payment_id is None:
        return
    item = CreditItem.objects.get(pk=refund.credit_item_id)
    under_way = Refund.objects.filter(
        credit_item=item, state__in=(RefundState.APPROVED, RefundState.SUBMITTED)
    )  # fmt: skip
    if item.reversed_on is None and item.refunded_amount == item.amount and not under_way.exists():
        payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
        if payment.state == PaymentState.PROCESSED:
            move(payment, PaymentState.REFUNDED, PAYMENT_MOVES)


def _post(refund: Refund, draft: Draft, now: datetime, by: User | None) -> JournalEntry:
    by_id = by.pk if by else None
    return post_entries(organization_id=refund.organization_id, drafts=[draft], now=now, by_id=by_id)[0]
