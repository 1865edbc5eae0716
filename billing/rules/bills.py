"""From periods and charges to the bills of a run: who pays what, and what is unusual about it (R52)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from billing.money import ZERO
from billing.rules.priced import PricedLine, split_line

Json = Mapping[str, Any]
Shares = Sequence[tuple[int, Decimal]]
# What is unusual about a bill, the most telling first; in this order bills are shown.
ODDITIES = ("negative", "changed", "late", "several_periods", "new_payer", "zero", "nothing_attended", "first")
# First step of a line that is no expectation, in an instalment that otherwise is one.
FIRM = ("item", "item_once")


@dataclass(frozen=True)
class Period:
    """A planned instalment, as far as its bill needs it. lines: PricedLine as JSON."""

    key: int
    start: date
    end: date
    due_on: date
    is_estimate: bool
    lines: Sequence[Json]

    def firm_lines(self) -> Sequence[Json]:
        """What is billed of it whatever was attended: of an estimate only its further items."""
        if not self.is_estimate:
            return self.lines
        return [line for line in self.lines if line["steps"] and line["steps"][0]["code"] in FIRM]


@dataclass(frozen=True)
class Owing:
    """A charge not billed yet. on: the day it is about; one_off: of no lesson. line: PricedLine as JSON."""

    key: int
    on: date
    one_off: bool
    line: Json


@dataclass(frozen=True)
class Group:
    """What is billed together: a period with the charges that joined it, or charges alone."""

    period: Period | None
    charges: Sequence[Owing] = ()


@dataclass
class Bill:
    """One payer's part of a group. A line that came from a charge names it under "charge"."""

    agreement_id: int
    customer_id: int
    period: Period | None
    currency: str
    lines: list[Json]
    net: Decimal
    tax: Decimal
    due_on: date = date.max
    previous: Decimal | None = None
    oddities: list[str] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        return self.net + self.tax

    @property
    def key(self) -> tuple[int, int]:
        """The group it belongs to: agreement, and period or 0."""
        return self.agreement_id, self.period.key if self.period else 0


def group(periods: Sequence[Period], charges: Iterable[Owing]) -> list[Group]:
    """What one agreement is billed together, periods in their order.

    A lesson joins the period billed by attendance that covers it, anything else the first period; charges that find
    none stand alone.
    """
    ordered = sorted(periods, key=lambda period: period.start)
    joined: dict[int, list[Owing]] = {period.key: [] for period in ordered}
    alone: list[Owing] = []
    for charge in charges:
        home = _home(ordered, charge)
        (alone if home is None else joined[home.key]).append(charge)
    groups = [Group(period, joined[period.key]) for period in ordered]
    return [*groups, Group(None, alone)] if alone else groups


def _home(periods: Sequence[Period], charge: Owing) -> Period | None:
    if not charge.one_off:
        for period in periods:
            if period.is_estimate and period.start <= charge.on <= period.end:
                return period
    return periods[0] if periods else None


class Payers(Protocol):
    """Who pays which share of an agreement on a day: selectors.payers has one made of the database."""

    def shares(self, agreement_id: int, on: date) -> Shares: ...


def make_bills(agreement_id: int, currency: str, found: Group, payers: Payers) -> list[Bill]:
    """The bills of a group, one for each payer; they add up to it (invariant 22).

    Shares are those of the period's first day, of charges alone those of the day each is about. An estimate is never
    billed itself: where nothing was attended its bill has no lines, and goes to the first payer alone.
    """
    period = found.period
    parts: dict[int, list[Json]] = {}
    if period is not None:
        shares = payers.shares(agreement_id, period.start)
        for line in period.firm_lines():
            _share(parts, line, shares, currency)
    for charge in found.charges:
        _share(
            parts, {**charge.line, "charge": charge.key},
            payers.shares(agreement_id, charge.on) if period is None else shares, currency,
        )  # fmt: skip
    if not parts and period is not None:
        parts = {shares[0][0]: []}
    return [_bill(agreement_id, customer_id, period, currency, lines) for customer_id, lines in parts.items()]


def _share(parts: dict[int, list[Json]], line: Json, shares: Shares, currency: str) -> None:
    if len(shares) == 1:
        parts.setdefault(shares[0][0], []).append(line)
        return
    split = split_line(PricedLine.from_json(line), [weight for _customer, weight in shares], currency)
    more = {"charge": line["charge"]} if "charge" in line else {}
    for (customer_id, _weight), part in zip(shares, split, strict=True):
        parts.setdefault(customer_id, []).append(part.to_json() | more)


def _bill(agreement_id: int, customer_id: int, period: Period | None, currency: str, lines: list[Json]) -> Bill:
    net = sum((Decimal(line["net"]) for line in lines), ZERO)
    tax = sum((Decimal(line["tax"]) for line in lines), ZERO)
    return Bill(agreement_id, customer_id, period, currency, lines, net, tax)


def charges_of(lines: Iterable[Json]) -> list[int]:
    """The keys of the charges that lines came from."""
    return [line["charge"] for line in lines if "charge" in line]


@dataclass(frozen=True)
class Before:
    """What was billed before: the last amount of each agreement and payer, and which agreements ever were."""

    last: Mapping[tuple[int, int], Decimal]
    agreements: frozenset[int]


def judge(bill: Bill, before: Before, *, periods: int, issue_on: date, odd_share: Decimal) -> None:
    """Write onto a bill when it is due, what was billed last time and what is unusual about it.

    periods: of the agreement in this run. odd_share: 0.25 for 25 %; a bill is odd if it differs by more.
    """
    found = set()
    if bill.period is not None:
        bill.due_on = max(bill.period.due_on, issue_on)
        bill.previous = before.last.get((bill.agreement_id, bill.customer_id))
        if bill.period.due_on < issue_on:
            found.add("late")
        if bill.previous is not None:
            if abs(bill.amount - bill.previous) > abs(bill.previous) * odd_share:
                found.add("changed")
        else:
            found.add("new_payer" if bill.agreement_id in before.agreements else "first")
        if periods > 1:
            found.add("several_periods")
    if bill.amount < ZERO:
        found.add("negative")
    elif not bill.amount:
        found.add("zero" if bill.lines else "nothing_attended")
    bill.oddities = [code for code in ODDITIES if code in found]


def in_order(bills: Iterable[Bill]) -> list[Bill]:
    """Odd ones on top, the most telling first; the payers of one period stay together."""
    made = list(bills)
    worst: dict[tuple[int, int], int] = {}
    for bill in made:
        rank = ODDITIES.index(bill.oddities[0]) if bill.oddities else len(ODDITIES)
        worst[bill.key] = min(rank, worst.get(bill.key, rank))
    return sorted(made, key=lambda bill: (worst[bill.key], bill.key))
