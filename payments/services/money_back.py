"""Money a bank takes back after it was booked: what a returned cheque and a returned debit undo (decision 0006)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from billing.models import Allocation, CreditItem, Customer, Invoice
from billing.office.models import Organization, User
from billing.services.allocating import unallocate
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.services.moving import undo_transfers
from billing.transactions import transaction_required
from payments.models import Refund
from payments.services.refunding import withdraw_refund
from payments.services.return_facts import NOT_SENT, touched_items


@transaction_required
def undo_money(
    *, organization: Organization, item: CreditItem, words: str, now: datetime, by: User | None
) -> None:  # fmt: skip
    """Withdraw refunds that were not sent, bring moved money back, take allocations back, empty the credit item.

    The caller has locked all whom it touches (lock_touched). words: why, in English.
    """
    keys, _transfers = touched_items(item)
    for refund in Refund.objects.filter(credit_item__in=keys, state__in=NOT_SENT).order_by("pk"):
        withdraw_refund(refund=refund, reason=words, now=now, by=by)
    undo_transfers(credit_item=item, now=now, by=by, reason=words)
    standing = Allocation.objects.filter(credit_item=item, reverses__isnull=True, reversed_by__isnull=True)
    if standing.exists():
        undone = standing.select_related("organization")
        unallocate(allocations=undone, now=now, by=by, reason=words, judge=False)
    # Before anything is billed, so that credit applied by itself does not come out of money that is gone.
    today = organization.today(now)
    CreditItem.objects.filter(pk=item.pk).update(reversed_on=max(today, item.available_on))
    item.refresh_from_db()


@transaction_required
def bill_now(
    *, customer: Customer, text: str, amount: Decimal, explanation: str, currency: str, kind: str, now: datetime,
    by: User | None,
) -> Invoice:  # fmt: skip
    """An invoice due at once: a return fee, or what was refunded of money that never came. Posts "… issued"."""
    today = customer.organization.today(now)
    order = InvoiceOrder(
        customer_id=customer.pk, lines=[LineOrder(text, amount, explanation=explanation[:400])], issued_on=today,
        due_on=today, currency=currency, kind=kind,
    )  # fmt: skip
    return issue_invoices(organization=customer.organization, orders=[order], now=now, by=by)[0]


def refunds_of(item: CreditItem, customer: Customer) -> Sequence[str]:
    """Numbers of refunds that were sent to the customer out of a credit item or what was moved on from it."""
    keys, _transfers = touched_items(item)
    rows = Refund.objects.filter(credit_item__in=keys, customer=customer).exclude(state__in=NOT_SENT)
    return list(rows.order_by("number").values_list("number", flat=True))
