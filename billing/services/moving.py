"""Money of one customer moved to another, with consent and on approval, and taken back again (R127, invariant 18)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import BadInput, DomainError, StaleState
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry, JournalLine
from billing.ledger.posting import open_day, post_entries, reversal_of
from billing.models import Allocation, CreditItem, CreditKind, CreditTransfer, Customer, Invoice, InvoiceKind
from billing.money import ZERO, fits
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.numbers import take_numbers
from billing.office.policies import STRATEGIES
from billing.postings import credit_moved
from billing.selectors.moved import chain_of, customers_touched
from billing.services.allocating import allocate_credit, unallocate
from billing.services.credit_control import judge_hold
from billing.services.freeing import free_credit
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

TRIES = 5
# Filled by the apps above: each raises a DomainError where something of theirs keeps the money where it is.
KEEPERS: list[Callable[[CreditItem], None]] = []


class NotMovable(DomainError):
    code = "not_movable"
    sentence = gettext_lazy("{number} was taken back; nothing of it is left to move.")


class MovedMeanwhile(StaleState):
    sentence = gettext_lazy("Money of {record} was moved a moment ago; look again and repeat.")


# Moving


@dataclass(frozen=True)
class MoveOrder:
    """What of a credit item shall go to another customer. amount > 0, in the item's currency.

    consent: who agreed, when and how. strategy: what it pays there: one of STRATEGIES ("none": kept as credit), or
    "manual" with by_hand, pairs of invoice key and amount. letter_id: of the document kept with the request, if any.
    """

    to_customer_id: int
    amount: Decimal
    consent: str
    strategy: str = "none"
    by_hand: tuple[tuple[int, Decimal], ...] = ()
    letter_id: int | None = None


def check_movable(credit_item: CreditItem) -> None:
    """Raises NotMovable, and what KEEPERS raise."""
    if credit_item.kind == CreditKind.CREDIT_MEMO:
        sentence = gettext_lazy(
            "{number} is a credit memo: it takes back part of a bill of this customer and cannot go to another. "
            "Issue one to the other customer instead."
        )
        raise NotMovable(sentence, number=credit_item.number)
    if credit_item.reversed_on is not None:
        raise NotMovable(number=credit_item.number)
    for keep in KEEPERS:
        keep(credit_item)


def check_move(credit_item: CreditItem, order: MoveOrder) -> None:
    """What must hold before anything is looked up. Raises NotMovable, BadInput."""
    check_movable(credit_item)
    if order.to_customer_id == credit_item.customer_id:
        sentence = gettext_lazy("This is the same customer; use Redistribute to change what it pays there.")
        raise BadInput(sentence, field="to_customer", code="same_customer")
    if order.amount <= ZERO:
        raise BadInput(gettext_lazy("The amount must be more than 0."), field="amount", code="not_positive")
    if not fits(order.amount, credit_item.currency):
        sentence = gettext_lazy("{currency} has no such fraction.")
        raise BadInput(sentence, field="amount", code="too_many_decimals", currency=credit_item.currency)
    if order.strategy not in (*STRATEGIES, "manual"):
        raise BadInput(gettext_lazy("There is no such strategy."), field="strategy", code="unknown_strategy")
    if not clean_text(order.consent, field="consent", longest=400):
        sentence = gettext_lazy("Write who agreed, when and how (a letter of 3 March, a call at 14:20).")
        raise BadInput(sentence, field="consent", code="consent_required")


@transaction_required
def move_credit(
    *, credit_item: CreditItem, order: MoveOrder, approval: ApprovalRequest, now: datetime, by: User
) -> CreditTransfer:
    """Move money of a credit item to another customer of the organization, on a spent approval.

    What it paid at the first reopens, the latest first; what it pays at the other follows the order. Locks both
    customers, ascending. Posts "Credit moved" and what taking back and allocating post. The payment it came from
    keeps its customer and amount. Raises what check_move and free_credit raise, and NotFound for another
    organization's customer.
    """
    organization = credit_item.organization
    customers = lock_customers(organization, [credit_item.customer_id, order.to_customer_id])
    credit_item = _lock_items([credit_item.pk])[credit_item.pk]
    check_move(credit_item, order)
    other = customers[order.to_customer_id]
    if not other.is_active:
        raise BadInput(gettext_lazy("This customer is closed."), field="to_customer", code="customer_closed")
    today = organization.today(now)
    number = take_numbers(organization, today, {"TRF": 1})["TRF"][0]
    credit_item = free_credit(credit_item=credit_item, amount=order.amount, now=now, by=by, reason=approval.reason)
    _count_moved(credit_item.pk, order.amount)
    target = CreditItem.objects.create(
        organization=organization, customer=other, kind=CreditKind.TRANSFER, number=number,
        currency=credit_item.currency, amount=order.amount, available_on=today,
    )  # fmt: skip
    draft = credit_moved(
        key=f"transfer:{number}:moved", number=number, customer_id=credit_item.customer_id, to_customer_id=other.pk,
        amount=order.amount, currency=credit_item.currency, on=open_day(organization.pk, today),
        reason=approval.reason,
    )  # fmt: skip
    entry = post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]
    transfer = CreditTransfer.objects.create(
        organization=organization, number=number, from_item=credit_item, to_item=target, currency=target.currency,
        amount=order.amount, moved_on=today, reason=approval.reason, consent=order.consent, approval=approval,
        entry=entry, made_at=now, made_by=by,
    )  # fmt: skip
    if order.strategy != "none":
        allocate_credit(
            credit_item=target, strategy=order.strategy, now=now, by=by, reason=approval.reason,
            by_hand=order.by_hand if order.strategy == "manual" else None,
        )  # fmt: skip
        target.refresh_from_db()
    for key in sorted(customers):
        customers[key].refresh_from_db(fields=["is_on_hold", "hold_until"])  # allocating may have judged already
        judge_hold(customer=customers[key], now=now, by=by)
    return transfer


# Who is touched


@transaction_required
def lock_touched(
    organization: Organization, credit_items: Iterable[CreditItem], also: Iterable[int] = ()
) -> dict[int, Customer]:
    """Lock everybody whom taking credit items back touches, and `also`, in ascending order. Before anything else.

    Where somebody moved money on while we waited, the locks are let go and taken anew. Raises MovedMeanwhile.
    """
    items, more = list(credit_items), set(also)
    for _try in range(TRIES):
        mark = transaction.savepoint()
        wanted = more.union(*(customers_touched(item) for item in items))
        locked = lock_customers(organization, wanted)
        if more.union(*(customers_touched(item) for item in items)) <= wanted:
            transaction.savepoint_commit(mark)
            return locked
        transaction.savepoint_rollback(mark)
    raise MovedMeanwhile(record=", ".join(item.number for item in items))


# Taking back


@transaction_required
def undo_transfers(*, credit_item: CreditItem, now: datetime, by: User | None, reason: str) -> list[CreditTransfer]:
    """Take back every standing transfer of a credit item, and what was moved on from there.

    The caller has locked all of customers_touched (see lock_touched), calls this before it takes back the item's own
    allocations and before it posts anything, and judges the item's own customer afterwards. What the moved money paid
    reopens. What of it was refunded there stays refunded: a recovery invoice asks that customer for it
    (docs/decisions/0006). Posts the mirror of each transfer, dated today, and "Invoice issued" for a recovery.
    Raises MovedMeanwhile.
    """
    organization = credit_item.organization
    wanted = customers_touched(credit_item)
    locked = lock_customers(organization, wanted)
    chain = chain_of(credit_item)
    if not {transfer.to_item.customer_id for transfer in chain} <= wanted:
        raise MovedMeanwhile(record=credit_item.number)
    targets = _lock_items(transfer.to_item_id for transfer in chain)
    refunded = [item for item in targets.values() if item.refunded_amount]
    # All numbers before the first entry: the counters are always locked in that order.
    numbers = take_numbers(organization, organization.today(now), {"INV": len(refunded)})["INV"]
    for transfer in chain:
        _take_back(transfer, targets[transfer.to_item_id], organization, now, by, reason)
    for item, number in zip(refunded, numbers, strict=True):
        issue_recovery(
            customer=locked[item.customer_id], item=item, amount=item.refunded_amount, number=number, now=now, by=by
        )
    for key in sorted({item.customer_id for item in targets.values()} - {credit_item.customer_id}):
        judge_hold(customer=locked[key], now=now, by=by)
    credit_item.refresh_from_db()
    return chain


def _lock_items(keys: Iterable[int]) -> dict[int, CreditItem]:
    rows = CreditItem.objects.filter(pk__in=list(keys)).order_by("pk")
    return {item.pk: item for item in rows.select_for_update(no_key=True)}


def _take_back(
    transfer: CreditTransfer,
    target: CreditItem,
    organization: Organization,
    now: datetime,
    by: User | None,
    reason: str,
) -> None:
    """One transfer whose target moved nothing on any more: what it paid reopens, its entry is mirrored."""
    standing = Allocation.objects.filter(credit_item=target, reverses__isnull=True, reversed_by__isnull=True)
    if standing.exists():
        again = standing.select_related("organization")
        unallocate(allocations=again, now=now, by=by, reason=reason, judge=False)
    today = organization.today(now)
    entry = _mirror(transfer.entry, organization, now, by, reason)
    CreditItem.objects.filter(pk=target.pk).update(reversed_on=max(today, target.available_on))
    CreditTransfer.objects.filter(pk=transfer.pk).update(undone_on=max(today, transfer.moved_on), undo_entry=entry)
    _count_moved(transfer.from_item_id, -transfer.amount)


@transaction_required
def issue_recovery(
    *, customer: Customer, item: CreditItem, amount: Decimal, now: datetime, by: User | None, number: str = ""
) -> Invoice:
    """Ask a locked customer for what was refunded of money that did not stay. The item is reversed already.

    number: taken before, where entries were posted since; else the next of the series.
    """
    with override(customer.language):
        words = _("Refunded from {number}, which was taken back").format(number=item.number)
    order = InvoiceOrder(
        customer_id=customer.pk, lines=[LineOrder(words, amount)], issued_on=customer.organization.today(now),
        currency=item.currency, kind=InvoiceKind.RECOVERY, number=number,
    )  # fmt: skip
    return issue_invoices(organization=customer.organization, orders=[order], now=now, by=by)[0]


def _count_moved(credit_item_id: int, amount: Decimal) -> None:
    """Move the counter of what was moved away; negative: it came back. The row's CHECK is the referee."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_credititem SET moved_amount = moved_amount + %s WHERE id = %s", [amount, credit_item_id]
        )


def _mirror(
    entry: JournalEntry, organization: Organization, now: datetime, by: User | None, reason: str
) -> JournalEntry:
    lines = JournalLine.objects.filter(entry=entry).select_related("account").order_by("ordinal")
    on = max(open_day(organization.pk, organization.today(now)), entry.entry_date)
    draft = reversal_of(entry, list(lines), key=f"{entry.key}:undone", on=on, reason=reason)
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk if by else None)[0]


__all__ = ["KEEPERS", "MoveOrder", "chain_of", "customers_touched", "lock_touched", "move_credit", "undo_transfers"]
