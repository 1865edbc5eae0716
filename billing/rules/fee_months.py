"""The next late fee of an invoice: in which month, on which day, and by how much it adds to what was billed (R74)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billing.money import ZERO
from billing.office.policies import PolicyBook
from billing.rules.late_fee import last_day_of_grace, late_fee, started_months
from billing.rules.priced import Step, step
from billing.rules.recurrence import add_months

# A minimum or maximum may swallow some months; nobody is chased for longer than this.
LONGEST = 240


@dataclass(frozen=True)
class FeeTerms:
    """The policy of late fees, as it holds for one invoice."""

    kind: str
    rate: Decimal
    flat: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    grace_days: int


@dataclass(frozen=True)
class FeeDue:
    """A late fee to bill: period counts the months begun since the due day. amount: on top of what was billed."""

    period: int
    on: date
    amount: Decimal
    steps: tuple[Step, ...]


def fee_terms(book: PolicyBook, currency: str) -> FeeTerms:
    """Fixed amounts hold in the organization's own currency only."""
    own = currency == book.organization.currency
    return FeeTerms(
        kind=book.text("late_fee.kind"), rate=book.share("late_fee.percent"),
        flat=book.amount("late_fee.amount") if own else None,
        minimum=book.amount("late_fee.minimum") if own else None,
        maximum=book.amount("late_fee.maximum") if own else None, grace_days=book.number("dunning.grace_days"),
    )  # fmt: skip


def first_day_of_month(due_on: date, month: int) -> date:
    """The day on which the n-th month after a due day begins: 16 February is the second after 15 January."""
    return add_months(due_on, month - 1) + timedelta(days=1)


def next_fee(
    terms: FeeTerms, *, base: Decimal, due_on: date, currency: str, billed: Decimal, last_period: int, today: date
) -> FeeDue | None:
    """The next fee after what was billed, so that all fees of the invoice add up to the rule's total; None if none.

    last_period: the month of the last one; it stays as it was billed, though the settings have changed since. Months
    that have begun by today are billed in one.
    """
    if terms.kind == "none" or base <= ZERO:
        return None
    first = max(last_period + 1, started_months(due_on, today))
    longest = 1 if terms.kind == "flat" else LONGEST
    for month in range(first, first + longest):
        on = max(first_day_of_month(due_on, month), last_day_of_grace(due_on, terms.grace_days) + timedelta(days=1))
        total = late_fee(
            kind=terms.kind, base=base, rate=terms.rate, flat=terms.flat, minimum=terms.minimum,
            maximum=terms.maximum, due_on=due_on, on=on, grace_days=terms.grace_days, currency=currency,
        )  # fmt: skip
        if total.amount > billed and total.period > last_period:
            rest = total.amount - billed
            return FeeDue(total.period, on, rest, with_billed(total.steps, billed, rest))
        if terms.maximum is not None and billed >= terms.maximum:
            return None
    return None


def with_billed(steps: tuple[Step, ...], billed: Decimal, amount: Decimal) -> tuple[Step, ...]:
    """How a fee came about of which part was billed before; amount: the rest."""
    if not billed:
        return steps
    return (*steps, step("late_fee_before", billed_amount=billed, rest_amount=amount))
