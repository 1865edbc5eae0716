"""What the end of a dispute does to the books: held money back or gone, or a bill reduced (docs/posting-rules.md)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.models import CreditItem, CreditMemo, Invoice
from billing.money import ZERO, quantum, round_money
from billing.office.models import User
from billing.services.allocating import allocate_credit
from billing.services.freeing import count_refunded, free_credit
from billing.services.invoicing import issue_credit_memo
from billing.services.moving import undo_transfers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Dispute, Payment, PaymentState, Refund
from payments.models.payment import PAYMENT_MOVES
from payments.models.refund import RefundState
from payments.postings import chargeback_settled
from payments.selectors.disputes import chargebacks_of
from payments.selectors.places import ledger_account_of


@dataclass(frozen=True)
class Booked:
    """What an outcome made: the entry of a chargeback, the memo of a lost invoice, or nothing."""

    entry: JournalEntry | None = None
    memo: CreditMemo | None = None

    @property
    def reference(self) -> str:
        if self.memo is not None:
            return self.memo.number
        return str(self.entry) if self.entry is not None else "–"


def split_tax(invoice: Invoice, gross: Decimal) -> tuple[Decimal, Decimal]:
    """Net and tax of a part of an invoice, in the invoice's proportion; rounded once, at the tax. Net is never 0."""
    tax = round_money(gross * invoice.tax_amount / invoice.invoiced_amount, invoice.currency)
    tax = min(tax, gross - quantum(invoice.currency))
    return gross - tax, tax


@transaction_required
def close_chargeback(
    *, dispute: Dispute, lost: Decimal, take_back_moved: bool, reason: str, now: datetime, by: User
) -> Booked:
    """Book what became of the held money: `lost` is gone from the payment's credit, the rest is ours again.

    Posts what taking back allocations and moved money posts, then "Chargeback settled", dated today.
    """
    payment = dispute.payment
    assert payment is not None and payment.credit_item is not None and dispute.hold_entry is not None
    if take_back_moved:
        undo_transfers(credit_item=payment.credit_item, now=now, by=by, reason=reason)
    if lost:
        item = CreditItem.objects.select_for_update(no_key=True).get(pk=payment.credit_item.pk)
        item = free_credit(credit_item=item, amount=lost, now=now, by=by, reason=reason)
        count_refunded(item, lost)
    organization = dispute.organization
    draft = chargeback_settled(
        key=f"dispute:{dispute.number}:settled", number=dispute.number, customer_id=dispute.customer_id, lost=lost,
        won=dispute.amount - lost, currency=dispute.currency, method=payment.method, reason=reason,
        on=max(open_day(organization.pk, organization.today(now)), dispute.hold_entry.entry_date),
        ledger_account_id=ledger_account_of(payment),
    )  # fmt: skip
    return Booked(entry=post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0])


@transaction_required
def mark_refunded(payment: Payment) -> None:
    """A payment of which all was paid back or lost is refunded. Refunds still on their way do not count."""
    paid = Refund.objects.filter(payment=payment, state=RefundState.PROCESSED).aggregate(s=Sum("gross_amount"))["s"]
    lost = chargebacks_of(payment).aggregate(s=Sum("lost_amount"))["s"]
    if (paid or ZERO) + (lost or ZERO) == payment.amount and payment.state == PaymentState.PROCESSED:
        move(payment, PaymentState.REFUNDED, PAYMENT_MOVES)


@transaction_required
def issue_memo(*, dispute: Dispute, lost: Decimal, reason: str, now: datetime, by: User) -> Booked:
    """Give up part of a contested bill. Posts "Credit memo issued"."""
    assert dispute.invoice is not None
    net, tax = split_tax(dispute.invoice, lost)
    memo = issue_credit_memo(
        organization=dispute.organization, customer_id=dispute.customer_id, net=net, tax=tax,
        currency=dispute.currency, issued_on=dispute.organization.today(now), reason=reason, now=now, by=by,
    )  # fmt: skip
    return Booked(memo=memo)


@transaction_required
def set_memo(*, dispute: Dispute, memo: CreditMemo, reason: str, now: datetime, by: User) -> None:
    """Set the memo against the invoice: while it was contested nothing else could be, so it is open that far."""
    assert dispute.invoice is not None
    part = memo.net_amount + memo.tax_amount
    allocate_credit(
        credit_item=memo.credit_item, strategy="manual", by_hand=[(dispute.invoice.pk, part)], now=now, by=by,
        reason=reason,
    )  # fmt: skip
