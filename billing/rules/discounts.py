"""Discounts as rules: siblings, several classes, children of staff, loyalty, granted ones (requirements §4 row 22).

Pure: no queries. A percentage off is kept as percent and used as a factor from 0 to 1 (requirements §2 row 30).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.models.plan import DiscountCause
from billing.money import round_money
from billing.rules.priced import ONE, Step, step
from billing.rules.recurrence import months_between


@dataclass(frozen=True)
class Discount:
    """One rule. percent: 10 for 10 % off. plans: keys, empty for all. For the others see models.DiscountRule."""

    key: int
    name: str
    cause: str
    percent: Decimal
    from_nth: int = 2
    after_months: int = 0
    plans: frozenset[int] = frozenset()
    stacks: bool = False
    starts_on: date = date.min
    ends_on: date | None = None

    @property
    def factor(self) -> Decimal:
        return ONE - self.percent / 100

    def holds_on(self, on: date) -> bool:
        return self.starts_on <= on and (self.ends_on is None or on <= self.ends_on)


@dataclass(frozen=True)
class Circumstances:
    """What the rules ask about an agreement on a day.

    child_place: of its student among the children of the family, dearest first; class_place: of the agreement among
    the student's; 0: neither counted. granted: keys of rules granted to it by hand.
    """

    plan: int
    since: date
    child_place: int = 0
    class_place: int = 0
    is_staff_child: bool = False
    granted: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Class:
    """An agreement as the order among brothers, sisters and classes sees it. yearly: its price by the year."""

    agreement: int
    student: int | None
    yearly: Decimal


def places(family: Sequence[Class]) -> dict[int, tuple[int, int]]:
    """(child's place, class's place) of each agreement of a family, dearest first; among equals the older one."""
    ordered = sorted((one for one in family if one.student), key=lambda one: (-one.yearly, one.agreement))
    children: dict[int, int] = {}
    classes: dict[int, int] = {}
    found = {one.agreement: (0, 0) for one in family}
    for one in ordered:
        assert one.student is not None
        children.setdefault(one.student, len(children) + 1)
        classes[one.student] = classes.get(one.student, 0) + 1
        found[one.agreement] = (children[one.student], classes[one.student])
    return found


def applying(rules: Iterable[Discount], facts: Circumstances, on: date) -> list[Discount]:
    """What is taken off, in this order: of the rules that do not stack the best one, then each that stacks."""
    found = [rule for rule in rules if _applies(rule, facts, on)]
    alone = sorted((rule for rule in found if not rule.stacks), key=lambda rule: (-rule.percent, rule.key))[:1]
    return alone + sorted((rule for rule in found if rule.stacks), key=lambda rule: rule.key)


def _applies(rule: Discount, facts: Circumstances, on: date) -> bool:
    if not rule.holds_on(on) or (rule.plans and facts.plan not in rule.plans):
        return False
    if rule.key in facts.granted:
        return True
    if rule.cause == DiscountCause.SIBLING:
        return facts.child_place >= max(rule.from_nth, 1)
    if rule.cause == DiscountCause.MULTI_CLASS:
        return facts.class_place >= max(rule.from_nth, 1)
    if rule.cause == DiscountCause.STAFF:
        return facts.is_staff_child
    if rule.cause == DiscountCause.LOYALTY:
        return months_between(facts.since, on) >= rule.after_months
    return False  # granted by hand, and was not


def factor_of(rules: Iterable[Discount]) -> Decimal:
    """What is left to pay, as a factor from 0 to 1."""
    left = ONE
    for rule in rules:
        left *= rule.factor
    return left


def steps_of(
    rules: Sequence[Discount], facts: Circumstances, price: Decimal, currency: str, *, after: Decimal | None = None
) -> list[Step]:
    """One step a discount. The amounts shown add up to what is taken off in all, because what is left is rounded.

    after: what is left in the end, where a part of a period takes up what other parts' rounding left.
    """
    found, left, shown = [], price, round_money(price, currency)
    for place, rule in enumerate(rules, 1):
        left *= rule.factor
        rest = round_money(left if after is None or place < len(rules) else after, currency)
        code = "discount_granted" if rule.key in facts.granted else f"discount_{rule.cause}"
        found.append(
            step(
                code, name=rule.name, percent=f"{rule.percent.normalize():f}", child=facts.child_place,
                classes=facts.class_place, months=rule.after_months, discount_amount=shown - rest,
            )
        )  # fmt: skip
        shown = rest
    return found
