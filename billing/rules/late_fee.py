"""What being late costs: premium times rate times started months, only once grace is over, within its bounds (R74)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billing.money import ZERO, round_money
from billing.rules.priced import Step, percent, step


@dataclass(frozen=True)
class LateFeeResult:
    """What has fallen due in late fees of one invoice up to a day, all months together; billed fees are taken off it.

    period: of LateFee: the started months since the due day, however long grace was; 1 for a flat fee, which is
    charged once; 0 while nothing is charged.
    """

    amount: Decimal = ZERO
    period: int = 0
    steps: tuple[Step, ...] = ()


NO_FEE = LateFeeResult()


def late_fee(
    *, kind: str, base: Decimal, rate: Decimal, flat: Decimal | None, minimum: Decimal | None,
    maximum: Decimal | None, due_on: date, on: date, grace_days: int, currency: str,
) -> LateFeeResult:  # fmt: skip
    """The late fee of an invoice due on `due_on` that is still not paid on `on` (requirements §2 row 14).

    kind: of the policy late_fee.kind, "none", "flat" or "percent_a_month". base: the premium, or what is late.
    rate: a factor, 0.01 for 1 % a month. The last day of grace is still free; from the next day on the months count
    from the due day. One rounding, then minimum and maximum; where they cross, the maximum holds.
    """
    if kind == "none" or base <= ZERO or on <= last_day_of_grace(due_on, grace_days):
        return NO_FEE
    period = started_months(due_on, on)
    steps = [_since(due_on, grace_days)]
    if kind == "flat":
        amount, period = flat or ZERO, 1
        steps.append(step("late_fee_flat", late_amount=amount))
    else:
        amount = round_money(base * rate * period, currency)
        steps.append(
            step("late_fee_months", base_amount=base, percent=percent(rate), months=period, late_amount=amount)
        )
    if amount <= ZERO:
        return NO_FEE
    if minimum is not None and amount < minimum:
        amount = minimum
        steps.append(step("late_fee_minimum", minimum_amount=minimum))
    if maximum is not None and amount > maximum:
        amount = maximum
        steps.append(step("late_fee_maximum", maximum_amount=maximum))
    return LateFeeResult(amount, period, tuple(steps)) if amount else NO_FEE


def _since(due_on: date, grace_days: int) -> Step:
    if not grace_days:
        return step("late_fee_since", due_on=due_on)
    return step("late_fee_grace", due_on=due_on, days=grace_days, grace_on=last_day_of_grace(due_on, grace_days))


def last_day_of_grace(due_on: date, grace_days: int) -> date:
    """Day 30 of 30 is still in grace (R73)."""
    return due_on + timedelta(days=grace_days)


def started_months(since: date, on: date) -> int:
    """Months begun after a day: 15 January to 15 February is one, to 16 February two; 31 January to 28 February one."""
    whole = (on.year - since.year) * 12 + on.month - since.month
    return max(0, whole + (on.day > since.day))
