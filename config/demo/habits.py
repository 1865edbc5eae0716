"""How customers pay: promptly, late, in parts, too much, or no longer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, auto
from random import Random

from billing.models import Invoice

EPISODE_CUSTOMERS = 37  # the first is the parent, the others play parts of their own
STOPPED = (18, 40, 60, 80, 105, 130, 150, 170)  # days ago; with thirty days to pay, every aging bucket has somebody


class Habit(Enum):
    EPISODE = auto()
    PROMPT = auto()
    ON_TIME = auto()
    LATE = auto()
    SLOW = auto()
    IN_PARTS = auto()
    ROUNDS_UP = auto()
    STOPPED = auto()


WEIGHTS = {
    Habit.PROMPT: 38, Habit.ON_TIME: 28, Habit.LATE: 15, Habit.SLOW: 8, Habit.IN_PARTS: 7, Habit.ROUNDS_UP: 4,
}  # fmt: skip


@dataclass(frozen=True)
class Intention:
    """A customer means to pay on a day: a share of what is left of an invoice, or an amount. method empty: any."""

    customer_id: int
    invoice_id: int | None
    on: date
    share: Decimal = Decimal(1)
    short: bool = False
    amount: Decimal = Decimal(0)
    method: str = ""


def habit_of(place: int, random: Random, *, in_parts: bool) -> Habit:
    """in_parts: whether the organization applies less than what is due."""
    if place < EPISODE_CUSTOMERS:
        return Habit.EPISODE
    if place % 12 == 0:
        return Habit.STOPPED
    habit = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return Habit.SLOW if habit is Habit.IN_PARTS and not in_parts else habit


def intentions(habit: Habit, place: int, invoice: Invoice, last_day: date, random: Random) -> Iterator[Intention]:
    """When and how much of an invoice its customer, the n-th, will pay."""
    issued, due = invoice.issued_on, invoice.due_on

    def paid(on: date, share: str = "1", short: bool = False) -> Intention:
        return Intention(invoice.customer_id, invoice.pk, max(on, issued), Decimal(share), short)

    if habit in (Habit.EPISODE, Habit.PROMPT):
        yield paid(issued + timedelta(days=random.randint(1, 9)), short=random.random() < 0.06)
    elif habit is Habit.ON_TIME:
        yield paid(due - timedelta(days=random.randint(0, 4)), short=random.random() < 0.06)
    elif habit is Habit.LATE:
        yield paid(due + timedelta(days=random.randint(2, 24)))
    elif habit is Habit.SLOW:
        yield paid(due + timedelta(days=random.randint(25, 70)))
    elif habit is Habit.IN_PARTS:
        yield paid(due - timedelta(days=random.randint(0, 6)), "0.5")
        if random.random() < 0.7:
            yield paid(due + timedelta(days=random.randint(10, 30)))
    elif habit is Habit.ROUNDS_UP:
        yield paid(due, "1.05" if random.random() < 0.4 else "1")
    elif habit is Habit.STOPPED:
        stopped_on = last_day - timedelta(days=STOPPED[place // 12 % len(STOPPED)])
        if issued < stopped_on:
            yield paid(issued + timedelta(days=random.randint(5, 20)))
