"""What a policy owes on a day, by what it is for: premium, tax, late fee, outstanding, less discount (R4, R10, R73)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billing.money import ZERO, round_money, split
from billing.rules.late_fee import last_day_of_grace
from billing.rules.priced import Step, percent, step

DAYS_OF_YEAR = 365


@dataclass(frozen=True)
class OwedItem:
    """Something a policy owes: an invoice, or a premium that its revival will bill; number "" then.

    kind: "premium", "late_fee", or what else it is. net, tax: of the whole document. discount: taken off its net.
    late_from: where it was billed late, the day its period was due, from which it is late.
    """

    kind: str
    due_on: date
    net: Decimal
    tax: Decimal
    open_amount: Decimal
    discount: Decimal = ZERO
    number: str = ""
    period_start: date | None = None
    period_end: date | None = None
    late_from: date | None = None

    @property
    def was_due_on(self) -> date:
        return self.late_from or self.due_on

    @property
    def is_whole(self) -> bool:
        return self.open_amount == self.net + self.tax


@dataclass(frozen=True)
class AmountDue:
    """What must be paid on a day: premium + tax + late fee + outstanding - discount (R10).

    premium, tax: of the latest premium that is due, before its discount. outstanding: what else is due. period: the
    days that the premiums in it cover. due_on: the first day anything of it was due; None where nothing is.
    numbers: its invoices, in the order in which they are paid.
    """

    currency: str
    on: date
    premium: Decimal = ZERO
    tax: Decimal = ZERO
    late_fee: Decimal = ZERO
    outstanding: Decimal = ZERO
    discount: Decimal = ZERO
    due_on: date | None = None
    period_start: date | None = None
    period_end: date | None = None
    numbers: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        return self.premium + self.tax + self.late_fee + self.outstanding - self.discount

    @property
    def steps(self) -> tuple[Step, ...]:
        """How it came about, part by part."""
        parts = (
            ("due_premium", self.premium), ("due_tax", self.tax), ("due_late_fee", self.late_fee),
            ("due_outstanding", self.outstanding), ("due_discount", self.discount),
        )  # fmt: skip
        found = [step(code, part_amount=amount) for code, amount in parts if amount]
        return (*found, step("due_total", total_amount=self.total)) if found else ()


def owed_on(items: Iterable[OwedItem], on: date) -> list[OwedItem]:
    """What is due on a day; before anything is due, the premium that falls due next. The earliest first."""
    ordered = sorted(items, key=lambda item: (item.due_on, item.number))
    due = [item for item in ordered if item.due_on <= on]
    if due:
        return due
    return [item for item in ordered if item.kind == "premium"][:1]


def add_up(items: Sequence[OwedItem], currency: str, on: date) -> AmountDue:
    """The parts of what is due. items: as owed_on gives them."""
    if not items:
        return AmountDue(currency, on)
    premiums = [item for item in items if item.kind == "premium"]
    now = premiums[-1] if premiums else None
    net, tax, discount = _parts(now, currency) if now else (ZERO, ZERO, ZERO)
    late = sum((item.open_amount for item in items if item.kind == "late_fee"), ZERO)
    rest = sum((item.open_amount for item in items if item.kind != "late_fee" and item is not now), ZERO)
    starts = [item.period_start for item in premiums if item.period_start]
    ends = [item.period_end for item in premiums if item.period_end]
    return AmountDue(
        currency, on, premium=net, tax=tax, late_fee=late, outstanding=rest, discount=discount,
        due_on=items[0].due_on, period_start=min(starts, default=None), period_end=max(ends, default=None),
        numbers=tuple(item.number for item in items if item.number),
    )  # fmt: skip


def _parts(item: OwedItem, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """(premium before discount, tax, discount) of what is open; where part is paid, the discount is in what is left."""
    if item.is_whole:
        return item.net + item.discount, item.tax, item.discount
    net, tax = split(item.open_amount, [item.net, item.tax], currency)
    return net, tax, ZERO


@dataclass(frozen=True)
class Standing:
    """Where a policy stands. word: of the API. grace_until: the last day of grace of its earliest late premium."""

    word: str
    grace_until: date | None = None

    @property
    def in_grace(self) -> bool:
        return self.word == IN_GRACE


ACTIVE, IN_GRACE, LAPSED = "Active", "In Grace", "Lapsed"
STATUS_WORDS = {
    "active": ACTIVE, "paused": "Paused", "suspended": "Suspended", "lapsed": LAPSED, "cancelled": "Cancelled",
    "ended": "Ended",
}  # fmt: skip


def standing_of(state: str, late_since: date | None, grace_days: int, on: date) -> Standing:
    """late_since: the due day of its earliest premium not paid, if that has passed. Day 30 is still in grace (R73)."""
    word = STATUS_WORDS[state]
    if late_since is None or late_since >= on:
        return Standing(word)
    until = last_day_of_grace(late_since, grace_days)
    return Standing(IN_GRACE if word == ACTIVE and on <= until else word, until)


def interest_on(principal: Decimal, rate: Decimal, since: date, until: date, currency: str) -> tuple[Decimal, Step]:
    """Simple interest, a year of 365 days, to the day: the day of lending bears none, the day of billing does."""
    days = max(0, (until - since).days)
    amount = round_money(principal * rate * days / DAYS_OF_YEAR, currency)
    return amount, step(
        "loan_interest", base_amount=principal, percent=percent(rate), days=days, interest_amount=amount,
        first_on=since + timedelta(days=1), last_on=until,
    )  # fmt: skip
