"""What a part of a period costs, to the day (R54). Pure: no queries, and no rounding but where parts must add up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise

from billing.models.agreement import PauseKind
from billing.money import round_money
from billing.rules.recurrence import DAY, Cycle

Span = tuple[date, date]


@dataclass(frozen=True)
class Rest:
    """Days for which an agreement rests. until_on: last day, None: until resumed."""

    kind: str
    from_on: date
    until_on: date | None


@dataclass(frozen=True)
class Share:
    """How much of a period is charged: `charged` of its `days`."""

    charged: int
    days: int

    def of(self, price: Decimal) -> Decimal:
        """Not rounded: the line has the one rounding."""
        return price if self.charged == self.days else price * self.charged / self.days


def length(span: Span) -> int:
    return (span[1] - span[0]).days + 1


def share_of(cycle: Cycle, used: Span, policy: str) -> Share:
    """What the used days of a period cost. policy: agreements.proration."""
    days = length(used)
    if days == cycle.days or policy == "full":
        return Share(cycle.days, cycle.days)
    return Share(days if policy == "day" else 0, cycle.days)


def rest_days(span: Span, rests: Iterable[Rest], vacation_is_free: bool) -> int:
    """Days of the span that are not charged because the agreement rests; a day in two pauses counts once."""
    found: set[date] = set()
    for rest in rests:
        if rest.kind == PauseKind.VACATION and not vacation_is_free:
            continue
        first, last = max(span[0], rest.from_on), min(span[1], rest.until_on or span[1])
        found.update(first + DAY * n for n in range((last - first).days + 1))
    return len(found)


def parts(total: Decimal, days: Sequence[int], currency: str) -> list[Decimal]:
    """An amount shared by days among consecutive parts of a period; they add up to it (invariant 22).

    Each part is what the days up to its end cost less what the days before it cost, so that the first is rounded as
    it would be alone and the next take up what that left.
    """
    whole = sum(days)
    ends = [round_money(total * day / whole, currency) for day in accumulate(days, initial=0)]
    return [after - before for before, after in pairwise(ends)]


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """What is left of a span when others are cut out of it, in order."""
    left = [span]
    for first, last in sorted(taken):
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, first - DAY)), (max(start, last + DAY), end))
            if piece[0] <= piece[1]
        ]
    return left
