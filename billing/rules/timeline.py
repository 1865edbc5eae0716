"""The overdue timeline of one invoice: every step that was taken or is to come, with its day (R72-R75, §3 row 19).

One object holds reminders, fees, suspension, lapse and collections together, so that no two clocks contradict: it is
computed anew from the due day, the policies and what was done, whenever any of them changes. Overdue begins the day
after the due day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from billing.office.policies import PolicyBook
from billing.office.policy_plans import read_ladder

FOREVER = date.max
# Steps of one day in the order in which they are taken.
ORDER = ("before", "late_fee", "level", "final", "suspend", "lapse", "collections")
REMINDERS = ("before", "level", "final")


@dataclass(frozen=True)
class Ladder:
    """The policies of one item. before: days before the due day. after: days after it, level 1 first.

    suspend_days, collections_days: 0 for never. lapses: a policy whose grace is over lapses.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    grace_days: int = 0
    final_days: int = 3
    suspend_days: int = 0
    lapses: bool = False
    collections_days: int = 0


def ladder_from(book: PolicyBook) -> Ladder:
    return Ladder(
        before=read_ladder(book.text("dunning.before_days")),
        after=tuple(sorted(read_ladder(book.text("dunning.after_days")))),
        grace_days=book.number("dunning.grace_days"), final_days=book.number("dunning.final_days"),
        suspend_days=book.number("dunning.suspend_days"), lapses=book.flag("dunning.lapse"),
        collections_days=book.number("dunning.collections_days"),
    )  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """A step that is over: taken or passed over, on which day it had been planned for, and on which it happened."""

    planned_on: date
    on: date
    is_done: bool = True
    why: str = ""


@dataclass(frozen=True)
class Item:
    """What is chased. is_chased: by us; what Zoho owns is not (R76). taken: by code, of this round.

    ending: what stops when nothing is paid, "suspend", "lapse" or "" for an invoice without an agreement.
    fee: month and day of the next late fee, if one is still to come. rests_until: nothing happens up to that day.
    """

    due_on: date
    issued_on: date
    is_open: bool = True
    is_chased: bool = True
    ending: str = ""
    fee: tuple[int, date] | None = None
    rests_until: date | None = None
    taken: Mapping[str, Taken] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """One step. on: the day it is to be taken, or was planned for. taken: None while it is to come."""

    code: str
    on: date
    taken: Taken | None = None

    @classmethod
    def of(cls, code: str) -> "Planned":
        """A step of which only the code is known."""
        return cls(code, FOREVER)

    @property
    def kind(self) -> str:
        """The code without its number: "level" of "level_2"."""
        return self.code.rstrip("0123456789").rstrip("_")

    @property
    def number(self) -> int:
        return int(self.code.rpartition("_")[2]) if self.code != self.kind else 0

    @property
    def is_reminder(self) -> bool:
        return self.kind in REMINDERS

    @property
    def rank(self) -> tuple[date, int, int]:
        """Later reminders weigh more; of one day the final notice, then the higher level, then the later one."""
        return (self.on, ORDER.index(self.kind) if self.kind in ORDER else -1, self.number)


@dataclass(frozen=True)
class DueSteps:
    """What is due on a day: steps to take, and steps to pass over with the reason, so that nothing comes in a burst."""

    take: tuple[Planned, ...] = ()
    skip: tuple[tuple[Planned, str], ...] = ()


def timeline(ladder: Ladder, item: Item, today: date) -> list[Planned]:
    """Every step of an item, taken and to come, in order. What rests without an end has nothing to come."""
    steps = [Planned(code, taken.planned_on, taken) for code, taken in item.taken.items()]
    if item.is_open and item.is_chased and item.rests_until != FOREVER:
        coming = (Planned(code, _after_rest(item, on)) for code, on in _coming(ladder, item, today))
        steps += [step for step in coming if step.code not in item.taken]
    return sorted(steps, key=lambda step: step.rank)


def _after_rest(item: Item, on: date) -> date:
    if item.rests_until is None:
        return on
    return max(on, item.rests_until + timedelta(days=1))


def _coming(ladder: Ladder, item: Item, today: date) -> Iterable[tuple[str, date]]:
    """The steps that policies plan. A reminder of a day on which the invoice did not exist yet is none."""
    due = item.due_on
    for days in ladder.before:
        if (on := due - timedelta(days=days)) > item.issued_on:
            yield f"before_{days}", on
    for level, days in enumerate(ladder.after, 1):
        yield f"level_{level}", due + timedelta(days=max(days, 1))
    if item.fee is not None:
        month, on = item.fee
        yield f"late_fee_{month}", on
    ending, ends_on = ending_of(ladder, item)
    if ending:
        final_on = max(ends_on - timedelta(days=ladder.final_days), due + timedelta(days=1))
        yield "final", final_on
        yield ending, ends_on if ending == "lapse" else _warned_first(ladder, item, ends_on, final_on, today)
    if ladder.collections_days:
        yield "collections", due + timedelta(days=ladder.collections_days)


def ending_of(ladder: Ladder, item: Item) -> tuple[str, date]:
    """What stops and on which day by the policies alone: never inside the days of grace. "" for nothing.

    Day 30 of 30 is still grace; day 31 lapses (requirements §2 row 14).
    """
    after_grace = item.due_on + timedelta(days=ladder.grace_days + 1)
    if item.ending == "lapse" and ladder.lapses:
        return "lapse", after_grace
    if item.ending and ladder.suspend_days:
        return "suspend", max(item.due_on + timedelta(days=ladder.suspend_days), after_grace)
    return "", FOREVER


def _warned_first(ladder: Ladder, item: Item, ends_on: date, final_on: date, today: date) -> date:
    """Service stops only `final_days` after the final notice went out (R72)."""
    final = item.taken.get("final")
    if final is not None:
        return max(ends_on, final.on + timedelta(days=ladder.final_days)) if final.is_done else ends_on
    return max(ends_on, max(_after_rest(item, final_on), today) + timedelta(days=ladder.final_days))


def due_steps(steps: Iterable[Planned], item: Item, today: date) -> DueSteps:
    """Which steps are due on a day. Of the reminders only the highest goes out; lower ones are passed over.

    A reminder before the due day is passed over once that has passed. A final notice is above all levels, whatever
    their days: without it nothing would warn of the end.
    """
    steps = list(steps)
    due = [step for step in steps if step.taken is None and step.on <= today]
    told = [step.rank for step in steps if step.is_reminder and step.taken is not None and step.taken.is_done]
    skip: list[tuple[Planned, str]] = []
    left: list[Planned] = []
    for step in due:
        if step.kind == "before" and today > item.due_on:
            skip.append((step, "overdue"))
        elif step.is_reminder and step.kind != "final" and told and step.rank < max(told):
            skip.append((step, "higher_level"))
        else:
            left.append(step)
    reminders = [step for step in left if step.is_reminder]
    highest = max(reminders, key=lambda step: (step.kind == "final", step.rank), default=None)
    skip += [(step, "higher_level") for step in reminders if step is not highest]
    take = [step for step in left if not step.is_reminder or step is highest]
    return DueSteps(tuple(sorted(take, key=lambda step: ORDER.index(step.kind))), tuple(skip))


def next_step(steps: Iterable[Planned]) -> Planned | None:
    """The earliest step that is still to come."""
    return min((step for step in steps if step.taken is None), key=lambda step: step.rank, default=None)


def next_consequence(steps: Iterable[Planned], today: date) -> Planned | None:
    """The earliest step to come after a day that is more than a message."""
    coming = (s for s in steps if s.taken is None and s.on > today and not s.is_reminder)
    return min(coming, key=lambda step: step.rank, default=None)
