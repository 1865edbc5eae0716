"""A small bar chart as shapes of an inline SVG: one idea, direct labels, readable in grey."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.money import format_money

WIDTH, HEIGHT, FLOOR, TOP = 560, 190, 160, 28


@dataclass(frozen=True)
class Bar:
    """Places in the picture's own units. value: "" where the bar carries no figure. now: drawn hollow."""

    x: int
    y: int
    width: int
    height: int
    middle: int
    value: str
    starts_on: date
    now: bool


def bars(
    series: Sequence[tuple[date, Decimal]], currency: str, *, hollow: Collection[date] | None = None,
    labelled: Collection[date] | None = None,
) -> list[Bar]:  # fmt: skip
    """One bar a month or week, oldest first; amounts below zero stand on the floor with their true figure above.

    hollow: what has not happened or still runs, the last unless told. labelled: which carry their figure, all unless
    told.
    """
    step = WIDTH // max(1, len(series))
    gap = min(10, step // 8)
    highest = max([amount for _day, amount in series] + [Decimal(1)])
    found = []
    for i, (day, amount) in enumerate(series):
        height = int((FLOOR - TOP) * max(amount, Decimal(0)) / highest)
        figure = format_money(amount, currency).partition(".")[0] if amount else "–"
        found.append(
            Bar(
                x=i * step + gap, y=FLOOR - height, width=step - 2 * gap, height=height, middle=i * step + step // 2,
                value=figure if labelled is None or day in labelled else "", starts_on=day,
                now=i == len(series) - 1 if hollow is None else day in hollow,
            )
        )  # fmt: skip
    return found
