"""The schedule of an agreement: from terms, pauses, discounts and days to periods with priced lines (R54, R55, R57).

Pure: what it needs to know of taxes, discounts and working days it asks of a `World` that was read before. Nothing of
the past is special here: whoever plans leaves out the days that are settled (`taken`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from billing.models.agreement import PauseKind
from billing.models.plan import Basis, Frequency
from billing.money import round_money
from billing.rules.discounts import Circumstances, Discount, factor_of, steps_of
from billing.rules.priced import ONE, PricedLine, Step, Tax, price_line, step
from billing.rules.proration import Rest, Span, length, parts, rest_days, share_of, without
from billing.rules.recurrence import DAY, Cycle, WorkDays, bill_day, cycles, due_day

# Why a period is not billed, as kept with it.
AT_REST = {PauseKind.VACATION: "vacation", PauseKind.HOLD: "hold"}
PART = "part"


@dataclass(frozen=True)
class Item:
    """A further line of each period. once: on the first bill under the terms that brought it."""

    text: str
    amount: Decimal
    tax_code: int | None = None
    once: bool = False
    prorated: bool = False


@dataclass(frozen=True)
class Terms:
    """What holds from a day on. price: of a period, of one lesson where attendance decides, of the whole package."""

    effective_on: date
    plan: int
    frequency: str
    price: Decimal
    text: str
    tax_code: int | None = None
    lessons: int = 0
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Agreed:
    """An agreement as pricing sees it. stop_on: no period begins after it: the policy lapsed."""

    key: int
    customer: int
    currency: str
    basis: str
    starts_on: date
    anchor_on: date
    ends_on: date | None
    terms: tuple[Terms, ...]
    rests: tuple[Rest, ...] = ()
    stop_on: date | None = None


@dataclass(frozen=True)
class Customs:
    """The settings agreements.* and billing.lead_days where the agreement lives."""

    proration: str = "day"
    shift: str = "following"
    due_days: int = 0
    lead_days: int = 14
    vacation_is_free: bool = True


class World(Protocol):
    """What was read beforehand."""

    @property
    def work(self) -> WorkDays: ...

    def tax(self, tax_code: int | None, customer: int, on: date) -> Tax: ...

    def discounts(self, agreement: int, plan: int, on: date) -> tuple[Sequence[Discount], Circumstances]: ...


@dataclass(frozen=True)
class Planned:
    """One period to be. skipped: why it is not billed; it has no lines then."""

    start: date
    end: date
    bill_on: date
    due_on: date
    lines: tuple[PricedLine, ...]
    is_estimate: bool = False
    skipped: str = ""


@dataclass(frozen=True)
class Stretch:
    """The used days of one cycle, before anything settled is cut out."""

    cycle: Cycle
    used: Span


def plan(
    agreed: Agreed, customs: Customs, world: World, *, until: date, taken: Iterable[Span] = (), since: date = date.min
) -> list[Planned]:  # fmt: skip
    """The periods that begin up to `until`, in order, without days that are taken and periods over before `since`."""
    settled = list(taken)
    return [
        _planned(agreed, customs, world, stretch, piece)
        for stretch in stretches(agreed, until)
        if stretch.used[1] >= since
        for piece in without(stretch.used, settled)
    ]


def price_of(agreed: Agreed, customs: Customs, world: World, span: Span) -> list[PricedLine]:
    """What days cost under what is agreed, whatever was billed for them."""
    found: list[PricedLine] = []
    for stretch in stretches(agreed, span[1]):
        first, last = max(stretch.used[0], span[0]), min(stretch.used[1], span[1])
        if first <= last:
            found += _lines(agreed, customs, world, stretch, (first, last))
    return found


def stretches(agreed: Agreed, until: date) -> Iterator[Stretch]:
    """The periods that begin up to `until`, cut at the start, the end and wherever the frequency changes.

    A new frequency begins a new cycle on its first day; the old one's last period ends the day before.
    """
    until = min(until, agreed.stop_on) if agreed.stop_on else until
    runs = _runs(agreed)
    for place, terms in enumerate(runs):
        first = max(terms.effective_on, agreed.starts_on) if place else agreed.starts_on
        last = runs[place + 1].effective_on - DAY if place + 1 < len(runs) else date.max
        last = min(last, agreed.ends_on or date.max)
        anchor = agreed.anchor_on if place == 0 else first
        if terms.frequency == Frequency.PACKAGE:
            anchor = first
        for cycle in cycles(terms.frequency, anchor, first, min(last, until)):
            used = max(cycle.start, first), min(cycle.end, last)
            if used[0] <= until:
                yield Stretch(cycle, used)


def _runs(agreed: Agreed) -> list[Terms]:
    """The terms at which the frequency is another than before."""
    found: list[Terms] = []
    for terms in _in_force(agreed):
        if not found or found[-1].frequency != terms.frequency:
            found.append(terms)
    return found


def _in_force(agreed: Agreed) -> list[Terms]:
    """By their day, the last word about a day only; at least one holds at the start."""
    by_day = {max(terms.effective_on, agreed.starts_on): terms for terms in agreed.terms}
    return [by_day[day] for day in sorted(by_day)]


def terms_on(agreed: Agreed, on: date) -> Terms:
    """The terms that hold on a day; before the start, those of the start."""
    rows = _in_force(agreed)
    begun = [terms for terms in rows if terms.effective_on <= max(on, agreed.starts_on)]
    return begun[-1] if begun else rows[0]


def _planned(agreed: Agreed, customs: Customs, world: World, stretch: Stretch, piece: Span) -> Planned:
    due_on = due_day(*piece, agreed.basis, customs.due_days, customs.shift, world.work)
    bill_on = bill_day(piece[1], due_on, agreed.basis, customs.lead_days)
    lines = _lines(agreed, customs, world, stretch, piece)
    return Planned(
        start=piece[0], end=piece[1], bill_on=bill_on, due_on=max(due_on, bill_on), lines=tuple(lines),
        is_estimate=bool(lines) and agreed.basis == Basis.ATTENDANCE,
        skipped="" if lines else _why_skipped(agreed, customs, piece),
    )  # fmt: skip


def _why_skipped(agreed: Agreed, customs: Customs, piece: Span) -> str:
    for rest in agreed.rests:
        if rest_days(piece, [rest], customs.vacation_is_free):
            return AT_REST[PauseKind(rest.kind)]
    return PART


def _lines(agreed: Agreed, customs: Customs, world: World, stretch: Stretch, piece: Span) -> list[PricedLine]:
    """The price, a line for each terms that held in these days; then further items."""
    found = []
    for terms, span in _by_terms(agreed, customs, stretch, piece):
        line = _price_line(agreed, customs, world, stretch, terms, span)
        if line is not None:
            found.append(line)
    return found + _items(agreed, customs, world, stretch, piece)


def _by_terms(agreed: Agreed, customs: Customs, stretch: Stretch, piece: Span) -> list[tuple[Terms, Span]]:
    """By the day, a change within a period divides it; otherwise what held at its start holds to its end."""
    if customs.proration != "day":
        return [(terms_on(agreed, stretch.used[0]), piece)]
    inside = [terms.effective_on for terms in _in_force(agreed) if piece[0] < terms.effective_on <= piece[1]]
    starts = [piece[0], *inside]
    ends = [*(day - DAY for day in inside), piece[1]]
    return [(terms_on(agreed, first), (first, last)) for first, last in zip(starts, ends, strict=True)]


def _price_line(
    agreed: Agreed, customs: Customs, world: World, stretch: Stretch, terms: Terms, span: Span
) -> PricedLine | None:  # fmt: skip
    """None where nothing of these days is charged."""
    resting = rest_days(span, agreed.rests, customs.vacation_is_free)
    share = share_of(stretch.cycle, stretch.used, customs.proration)
    if not share.charged or resting == length(span):
        return None
    by_lesson = agreed.basis == Basis.ATTENDANCE
    price = terms.price * terms.lessons if by_lesson else terms.price
    alone = _undivided(agreed, stretch)
    # A period's first day decides its discounts, however it is divided.
    rules, facts = world.discounts(agreed.key, terms.plan, stretch.used[0])
    # The discount comes before the parts: those add up to what the whole period costs with it.
    amount, after = (
        _part(whole, stretch.used, span, resting, agreed.currency, same_terms=alone)
        for whole in (share.of(price), share.of(price) * factor_of(rules))
    )
    steps = [
        *_price_steps(terms, by_lesson),
        *_day_steps(stretch, span, resting, whole=share.charged == share.days and span == stretch.used),
        *steps_of(rules, facts, amount, agreed.currency, after=after),
    ]
    quantity, unit = _quantity(terms, by_lesson, amount, price)
    return price_line(
        terms.text, after, agreed.currency, world.tax(terms.tax_code, agreed.customer, span[0]), quantity=quantity,
        unit_price=unit, steps=steps,
        discount=round_money(amount, agreed.currency) - round_money(after, agreed.currency),
    )  # fmt: skip


def _part(amount: Decimal, used: Span, span: Span, resting: int, currency: str, *, same_terms: bool) -> Decimal:
    """What some of the used days cost. Where one price holds for all of them, the parts add up to the whole."""
    days, of = length(span), length(used)
    if span != used:
        before = (span[0] - used[0]).days
        whole = [before, days, of - before - days]
        amount = parts(amount, whole, currency)[1] if same_terms else amount * days / of
    return amount if not resting else amount * (days - resting) / days


def _undivided(agreed: Agreed, stretch: Stretch) -> bool:
    first, last = stretch.used
    return not any(first < terms.effective_on <= last for terms in agreed.terms)


def _quantity(terms: Terms, by_lesson: bool, amount: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
    if by_lesson and amount == price:
        return Decimal(terms.lessons), terms.price
    return ONE, amount


def _price_steps(terms: Terms, by_lesson: bool) -> list[Step]:
    if by_lesson:
        return [step("expected_lessons", lessons=terms.lessons, price_amount=terms.price)]
    return [step(f"price_{terms.frequency}", price_amount=terms.price)]


def _day_steps(stretch: Stretch, span: Span, resting: int, *, whole: bool) -> list[Step]:
    found = []
    if not whole or length(stretch.used) < stretch.cycle.days:
        code = "part_full" if whole else "part_days"
        found.append(step(code, from_on=span[0], to_on=span[1], used=length(span), days=stretch.cycle.days))
    if resting:
        found.append(step("rest_days", resting=resting))
    return found  # fmt: skip


def _items(agreed: Agreed, customs: Customs, world: World, stretch: Stretch, piece: Span) -> list[PricedLine]:
    """A period's items belong to its first day, those that come once to the first day of their terms."""
    found: list[PricedLine] = []
    resting = rest_days(piece, agreed.rests, customs.vacation_is_free)
    if piece[0] == stretch.used[0] and resting < length(piece):
        charged = share_of(stretch.cycle, stretch.used, customs.proration)
        for item in terms_on(agreed, piece[0]).items:
            if item.once:
                continue
            amount = item.amount if not item.prorated else charged.of(item.amount) * _awake(piece, resting)
            if amount:
                found.append(_item_line(agreed, world, item, amount, piece, stretch))
    for terms in _in_force(agreed):
        if piece[0] <= max(terms.effective_on, agreed.starts_on) <= piece[1]:
            once = (item for item in terms.items if item.once)
            found += [_item_line(agreed, world, item, item.amount, piece, stretch) for item in once]
    return found


def _awake(piece: Span, resting: int) -> Decimal:
    return Decimal(length(piece) - resting) / length(piece)


def _item_line(
    agreed: Agreed, world: World, item: Item, amount: Decimal, piece: Span, stretch: Stretch
) -> PricedLine:  # fmt: skip
    part = amount != item.amount
    steps = [step("item_once" if item.once else "item", price_amount=item.amount)]
    if part:
        steps.append(step("part_days", from_on=piece[0], to_on=piece[1], used=length(piece), days=stretch.cycle.days))
    return price_line(
        item.text, amount, agreed.currency, world.tax(item.tax_code, agreed.customer, piece[0]), unit_price=amount,
        steps=steps,
    )  # fmt: skip
