"""What a lesson is settled with: the bill, the package, make-up credit, the price of the period, or nothing (R81-R85).

Pure: the same rule makes the preview and the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from billing.models.lesson import LessonCreditKind
from billing.money import ZERO
from billing.rules.lesson_price import (
    Held,
    LessonPolicy,
    LessonPrice,
    MatrixRow,
    Tariff,
    charge_for,
    multiply,
    price_lesson,
)
from billing.rules.priced import ONE, PricedLine, Step, Tax, price_line, step
from billing.rules.tax_parts import percent


class PaidBy(StrEnum):
    """What an attendance is settled with. schedule: the price of the period, which is billed ahead."""

    CHARGE = "charge"
    PACKAGE = "package"
    CREDIT = "credit"
    SCHEDULE = "schedule"
    NONE = "none"


class Funding(StrEnum):
    """How an agreement pays for lessons: each by itself, from a package, or by the period."""

    SINGLY = "singly"
    PACKAGE = "package"
    PERIOD = "period"


@dataclass(frozen=True)
class Package:
    """A package before this lesson. last_day: None: no end."""

    size: int
    used: int
    last_day: date | None

    @property
    def left(self) -> int:
        return self.size - self.used

    def is_good_on(self, day: date) -> bool:
        return self.last_day is None or day <= self.last_day


@dataclass(frozen=True)
class MakeUp:
    """Make-up credit that may be used. left: lessons or minutes; minutes: longest lesson that it makes up."""

    key: int
    kind: str
    left: Decimal
    minutes: int
    last_day: date | None

    def is_good_on(self, day: date) -> bool:
        return bool(self.left) and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True)
class Back:
    """What comes back for a lesson that was paid for. line: of money, before any split among payers."""

    kind: str
    quantity: Decimal
    line: PricedLine | None = None


@dataclass(frozen=True)
class Settlement:
    """What a lesson costs and what it is settled with. line: what is to be billed, if anything.

    amount: net of what is billed; of a package or period what the lesson is worth; else 0.
    """

    paid_by: PaidBy
    price: LessonPrice
    amount: Decimal
    line: PricedLine | None = None
    lessons: int = 0
    uses: tuple[tuple[int, Decimal], ...] = ()
    back: Back | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.line.steps if self.line else self.price.steps


@dataclass(frozen=True)
class Purse:
    """What an agreement has to settle lessons with on a day: how it pays, its package, make-up credit in any order.

    prepaid: of one paid by the period, whether the period is billed or will be.
    """

    funding: Funding
    package: Package | None = None
    credits: Sequence[MakeUp] = ()
    prepaid: bool = True


def settle(
    held: Held, tariff: Tariff, purse: Purse, policy: LessonPolicy, *, text: str, currency: str, tax: Tax
) -> Settlement:
    """Decide what a lesson costs and what pays for it. text: the words of its line on a bill."""
    price = price_lesson(held, tariff, policy, currency)
    if purse.funding is Funding.PERIOD:
        return _in_period(price, purse, policy, held, text, currency, tax)
    if purse.funding is Funding.PACKAGE:
        assert purse.package is not None
        if not policy.charged(held.row):
            return Settlement(PaidBy.NONE, _said(price, step("lesson_kept_in_package")), ZERO)
        why_not = _why_not_in_package(purse.package, held.day)
        if why_not is None:
            return _in_package(price, purse.package, text, currency, tax)
        price = _said(price, why_not)
    return _singly(price, held, purse, policy, text, currency, tax)


def _singly(
    price: LessonPrice, held: Held, purse: Purse, policy: LessonPolicy, text: str, currency: str, tax: Tax
) -> Settlement:
    """Charged, less make-up credit. Credit makes up lessons that cost their full price, not part of one missed."""
    if not price.value:
        return Settlement(PaidBy.NONE, price, ZERO)
    usable = [one for one in purse.credits if one.is_good_on(held.day)] if policy.charged(held.row) == ONE else []
    uses, covered = choose_credit(usable, held.minutes)
    if covered and uses[0][1] == ONE and _kind_of(usable, uses[0][0]) == LessonCreditKind.MAKE_UP:
        return Settlement(PaidBy.CREDIT, _said(price, step("lesson_made_up")), ZERO, uses=uses)
    final = charge_for(price, held, policy, covered, currency)
    line = final.line(text, currency, tax)
    if not line.total:
        return Settlement(PaidBy.CREDIT if covered else PaidBy.NONE, final, ZERO, uses=uses)
    return Settlement(PaidBy.CHARGE, final, line.net, line, uses=uses)


def choose_credit(credits: Sequence[MakeUp], minutes: int) -> tuple[tuple[tuple[int, Decimal], ...], int]:
    """(credit key, quantity) of what makes up a lesson, and the minutes it covers: what expires first goes first.

    A make-up lesson makes up one lesson no longer than that it came from; make-up minutes as many as there are.
    """
    ordered = sorted(credits, key=lambda one: (one.last_day is None, one.last_day or date.max, one.key))
    uses: list[tuple[int, Decimal]] = []
    left = minutes
    for one in ordered:
        if one.kind == LessonCreditKind.MAKE_UP:
            if not uses and one.minutes >= minutes:
                return ((one.key, ONE),), minutes
        elif one.kind == LessonCreditKind.TIMED and left:
            taken = min(int(one.left), left)
            uses.append((one.key, Decimal(taken)))
            left -= taken
    return tuple(uses), minutes - left


def _kind_of(credits: Sequence[MakeUp], key: int) -> str:
    return next(one.kind for one in credits if one.key == key)


def _in_package(price: LessonPrice, package: Package, text: str, currency: str, tax: Tax) -> Settlement:
    """One lesson of the package, whatever part of a price the matrix would charge: a lesson is not divided."""
    taken = step("lesson_in_package", left=package.left - 1, lessons=package.size)
    worth = price_line(text, price.whole, currency, tax).net
    return Settlement(PaidBy.PACKAGE, _said(_counted(price), taken), worth, lessons=1)


def _why_not_in_package(package: Package, day: date) -> Step | None:
    if not package.is_good_on(day):
        assert package.last_day is not None
        return step("lesson_package_expired", until_on=package.last_day)
    return None if package.left > 0 else step("lesson_package_empty", lessons=package.size)


def _in_period(
    price: LessonPrice, purse: Purse, policy: LessonPolicy, held: Held, text: str, currency: str, tax: Tax
) -> Settlement:
    """Paid with the period's price; what was cancelled in time or by the teacher comes back in part (R81, R82)."""
    told = step("lesson_in_schedule" if purse.prepaid else "lesson_period_not_billed")
    if held.row not in (MatrixRow.STUDENT_CANCEL, MatrixRow.TEACHER_CANCEL):
        worth = price_line(text, price.whole, currency, tax).net
        return Settlement(PaidBy.SCHEDULE, _said(_counted(price), told), worth)
    share = policy.given_back(held.row) if purse.prepaid else ZERO
    back, given = _back(price, held, policy.credit_kind, share, text, currency, tax)
    return Settlement(PaidBy.SCHEDULE, _said(price, given or told), ZERO, back=back)


def _back(
    price: LessonPrice, held: Held, kind: str, share: Decimal, text: str, currency: str, tax: Tax
) -> tuple[Back | None, Step | None]:
    """What a share of a paid lesson is as credit. Part of a lesson can only be given back by the minute."""
    if kind == LessonCreditKind.MONEY:
        line = price_line(text, multiply(price.whole, [share]), currency, tax, steps=price.steps)
        given = step("lesson_back_money", percent=percent(share), back_amount=line.total)
        return (Back(kind, line.total, line), given) if line.net else (None, None)
    if kind == LessonCreditKind.MAKE_UP and share == ONE:
        return Back(kind, ONE), step("lesson_back_lesson")
    minutes = (held.minutes * share).quantize(ONE, ROUND_HALF_UP)
    given = step("lesson_back_minutes", percent=percent(share), back=int(minutes))
    return (Back(LessonCreditKind.TIMED, minutes), given) if minutes else (None, None)


def _counted(price: LessonPrice) -> LessonPrice:
    """Of a lesson that was paid for before: not a part of it is charged, it counts whole."""
    steps = (Step(f"lesson_{price.row.value}_counts", one.facts) if "row" in one.facts else one for one in price.steps)
    return replace(price, steps=tuple(steps))


def _said(price: LessonPrice, told: Step) -> LessonPrice:
    return replace(price, steps=(*price.steps, told))
