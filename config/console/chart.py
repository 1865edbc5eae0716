"""A small bar chart as shapes of an inline SVG: one idea, direct labels, readable in grey."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.money import format_money

WIDTH, HEIGHT, FLOOR, TOP = 560, 190, 160, 28


@dataclass(frozen=True)
class Bar:
    """Places in the picture's own units. now: the month still running, drawn hollow."""

    x: int
    y: int
    width: int
    height: int
    middle: int
    value: str
    month: date
    now: bool


def bars(months: Sequence[tuple[date, Decimal]], currency: str) -> list[Bar]:
    """One bar a month, oldest first; amounts below zero stand on the floor with their true figure above."""
    step = WIDTH // max(1, len(months))
    highest = max([amount for _month, amount in months] + [Decimal(1)])
    found = []
    for i, (month, amount) in enumerate(months):
        height = int((FLOOR - TOP) * max(amount, Decimal(0)) / highest)
        found.append(
            Bar(
                x=i * step + 10, y=FLOOR - height, width=step - 20, height=height, middle=i * step + step // 2,
                value=format_money(amount, currency).partition(".")[0] if amount else "–", month=month,
                now=i == len(months) - 1,
            )
        )  # fmt: skip
    return found
