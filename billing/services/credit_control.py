"""Credit limit and credit hold, judged after allocation in the same transaction (R129-R131, requirements §2 row 18)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Allocation, CreditHoldEvent, CreditItem, Customer, Invoice
from billing.models.customer import HoldChange
from billing.money import ZERO, format_money
from billing.office.models import User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.office.policies import PolicyBook, policies_for
from billing.transactions import transaction_required

# Filled by the app that knows cheques: customer key → keys of credit items whose money the bank has not honoured yet.
UNCLEARED: list[Callable[[int], Iterable[int]]] = []


@dataclass(frozen=True)
class Exposure:
    """What a customer owes on a day, in the organization's currency. owed: open less unapplied credit."""

    open_amount: Decimal
    overdue_amount: Decimal
    unapplied_amount: Decimal

    @property
    def owed(self) -> Decimal:
        return self.open_amount - self.unapplied_amount


@dataclass(frozen=True)
class HoldJudgement:
    released: bool
    cause: str
    explanation: str


def exposure(customer: Customer, on: date) -> Exposure:
    """Two queries."""
    currency = customer.organization.currency
    sums = Invoice.objects.filter(customer=customer, currency=currency, open_amount__gt=0).aggregate(
        total=Sum("open_amount"), overdue=Sum("open_amount", filter=Q(due_on__lt=on))
    )
    credit = CreditItem.objects.filter(customer=customer, currency=currency, unapplied_amount__gt=0).aggregate(
        total=Sum("unapplied_amount")
    )
    return Exposure(sums["total"] or ZERO, sums["overdue"] or ZERO, credit["total"] or ZERO)


def cleared_exposure(customer: Customer, on: date, book: PolicyBook) -> Exposure:
    """As exposure, but what uncleared cheques settled is still owed, unless the policy counts them. Five queries."""
    facts = exposure(customer, on)
    if book.flag("credit.count_uncleared_cheques"):
        return facts
    items = CreditItem.objects.filter(
        pk__in=[pk for find in UNCLEARED for pk in find(customer.pk)], currency=customer.organization.currency
    )
    settled = Allocation.objects.filter(credit_item__in=items).aggregate(
        total=Sum("amount"), overdue=Sum("amount", filter=Q(invoice__due_on__lt=on))
    )
    free = items.aggregate(total=Sum("unapplied_amount"))["total"] or ZERO
    return Exposure(
        facts.open_amount + (settled["total"] or ZERO), facts.overdue_amount + (settled["overdue"] or ZERO),
        facts.unapplied_amount - free,
    )  # fmt: skip


def available_credit(customer: Customer, on: date) -> Decimal | None:
    """What the customer may still owe; None without a limit, never below zero."""
    if customer.credit_limit is None:
        return None
    left: Decimal = customer.credit_limit - exposure(customer, on).owed
    return max(ZERO, left)


def judge(customer: Customer, on: date, facts: Exposure, small_overdue: Decimal = ZERO) -> HoldJudgement:
    """Whether the hold may go: overdue covered and below the limit, or the hold has expired."""
    currency = customer.organization.currency
    if customer.hold_until is not None and on > customer.hold_until:
        return HoldJudgement(True, "expired", _("The hold ended on {day}.").format(day=customer.hold_until))
    if facts.overdue_amount > small_overdue:
        overdue = format_money(facts.overdue_amount, currency)
        return HoldJudgement(False, "overdue", _("{overdue} is still overdue.").format(overdue=overdue))
    if customer.credit_limit is not None and facts.owed > customer.credit_limit:
        words = _("{owed} is owed; the limit is {limit}.").format(
            owed=format_money(facts.owed, currency), limit=format_money(customer.credit_limit, currency)
        )
        return HoldJudgement(False, "above_limit", words)
    return HoldJudgement(True, "covered", _("Nothing is overdue and the limit is kept."))


@transaction_required
def judge_hold(*, customer: Customer, now: datetime, by: User | None) -> HoldJudgement | None:
    """Release the hold of a locked customer if the rules allow it, and tell sales; say why not otherwise.

    Cheques not yet cleared do not help, unless the policy says otherwise. Returns None if there is no hold.
    """
    if not customer.is_on_hold:
        return None
    organization = customer.organization
    book = policies_for(organization, customer_id=customer.pk)
    on = organization.today(now)
    facts = cleared_exposure(customer, on, book)
    with override("en"):
        found = judge(customer, on, facts, book.amount("credit.small_overdue") or ZERO)
    if found.released:
        release_hold(customer=customer, cause=found.cause, explanation=found.explanation, now=now, by=by)
    else:
        _write_event(customer, HoldChange.KEPT, found.cause, found.explanation, now, by)
    return found


@transaction_required
def set_hold(*, customer: Customer, reason: str, now: datetime, by: User | None, until: date | None = None) -> None:
    """Stop new orders of a locked customer until released."""
    Customer.objects.filter(pk=customer.pk).update(is_on_hold=True, hold_until=until)
    customer.is_on_hold, customer.hold_until = True, until
    _write_event(customer, HoldChange.SET, "set", reason, now, by)


@transaction_required
def release_hold(*, customer: Customer, cause: str, explanation: str, now: datetime, by: User | None) -> None:
    """Remove the flag of a locked customer, say why, and tell sales that orders may go on (R131)."""
    Customer.objects.filter(pk=customer.pk).update(is_on_hold=False, hold_until=None)
    customer.is_on_hold, customer.hold_until = False, None
    event = _write_event(customer, HoldChange.RELEASED, cause, explanation, now, by)
    message = Message(
        kind="hold_released", fact=f"hold:{event.pk}", recipient="sales", party=customer.pk, channel=Channel.OFFICE,
        subject=f"Credit hold released: {customer.name} ({customer.code})",
        body=f"{explanation} New orders are allowed.",
    )  # fmt: skip
    queue_notices(customer.organization, [message], now)


def _write_event(
    customer: Customer, change: HoldChange, cause: str, explanation: str, now: datetime, by: User | None
) -> CreditHoldEvent:
    return CreditHoldEvent.objects.create(
        customer=customer, change=change, cause=cause, explanation=explanation[:400], at=now, by=by
    )
