"""At which hour of which day a further try is made, inside what the rules allow (R68)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from billing.rules.priced import Step, step
from payments.services.recovery.facts import Terms

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# How far a slot may move to meet a habit, by which further try it is.
FLEX = (DAY, 2 * DAY, 3 * DAY)
# Fewer charges that worked are no habit.
LEAST_HABIT = 3


@dataclass(frozen=True)
class Slot:
    at: datetime
    because: tuple[Step, ...] = ()


def choose_slot(
    earliest: datetime, number: int, terms: Terms, succeeded_at: Sequence[datetime], escalates_on: date | None
) -> Slot:  # fmt: skip
    """Never before `earliest`. number: which further try, 1 first. escalates_on: it comes a day before, if it can.

    The day that the family chose counts most, then days and hours at which this payer's charges worked; where nothing
    is known, the first hour of the day at which is charged.
    """
    start = earliest.astimezone(terms.zone)
    latest, because = start + FLEX[min(number, len(FLEX)) - 1], list[Step]()
    if escalates_on is not None:
        limit = datetime.combine(escalates_on - DAY, time(terms.closes - 1, 59), terms.zone)
        if start <= limit < latest:
            latest = limit
            because.append(step("before_escalation", escalates_on=escalates_on.isoformat()))
    hours = list(_hours(start, latest, terms))
    if not hours:
        return Slot(earliest, tuple(because))
    known = succeeded_at if len(succeeded_at) >= LEAST_HABIT else ()
    best = max(hours, key=lambda at: (_score(at, terms.pay_day, known), -at.timestamp()))
    return Slot(max(best, earliest).astimezone(earliest.tzinfo), (*because, *_why(best, terms.pay_day, known)))


def _hours(start: datetime, latest: datetime, terms: Terms) -> Iterator[datetime]:
    """The start itself and every full hour after it, at which is charged."""
    if terms.opens <= start.hour < terms.closes:
        yield start
    at = start.replace(minute=0, second=0, microsecond=0) + HOUR
    while at <= latest:
        if terms.opens <= at.hour < terms.closes:
            yield at
        at += HOUR


def _score(at: datetime, pay_day: int, known: Sequence[datetime]) -> int:
    """The chosen day beats all habits; a day of the month weighs twice a weekday or an hour."""
    score = 1_000_000 if pay_day and at.day == pay_day else 0
    for once in known:
        score += 2 * (abs(at.day - once.day) <= 1) + (at.weekday() == once.weekday()) + (abs(at.hour - once.hour) <= 1)
    return score


def _why(at: datetime, pay_day: int, known: Sequence[datetime]) -> tuple[Step, ...]:
    if pay_day and at.day == pay_day:
        return (step("pay_day", day=pay_day),)
    if known and _score(at, 0, known):
        return (step("habit", times=len(known), weekday=at.weekday(), hour=at.hour),)
    return ()
