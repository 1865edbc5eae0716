"""What a period billed by attendance will come to: lessons told so far as they cost, the others as expected (R55)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.money import ZERO, round_money
from billing.rules.priced import ONE, PricedLine, step
from billing.rules.schedule import Planned

EXPECTED, PART = "expected_lessons", "part_days"


@dataclass(frozen=True)
class ToldLesson:
    """A lesson that was told of, with what it adds to the bill."""

    day: date
    net: Decimal
    tax: Decimal


def with_told(period: Planned, told: Iterable[ToldLesson], currency: str) -> Planned:
    """The period with its estimate set right; as it is where nothing of it was told, or nothing is estimated."""
    here = [one for one in told if period.start <= one.day <= period.end] if period.is_estimate else []
    if not here:
        return period
    lines, left = [], Decimal(len(here))
    for line in period.lines:
        lessons = _expected(line)
        if lessons is None:
            lines.append(line)
            continue
        taken = min(left, lessons)
        left -= taken
        if taken < lessons:
            lines.append(_less(line, lessons, lessons - taken, currency))
    return replace(period, lines=(_told_line(period.lines, here), *lines))


def _expected(line: PricedLine) -> Decimal | None:
    """How many lessons a line expects, in a part of a period a part of them; None for a line of something else."""
    if not line.steps or line.steps[0].code != EXPECTED:
        return None
    lessons = Decimal(line.steps[0].facts["lessons"])
    part = next((one.facts for one in line.steps if one.code == PART), None)
    return lessons * Decimal(part["used"]) / Decimal(part["days"]) if part else lessons


def _less(line: PricedLine, lessons: Decimal, left: Decimal, currency: str) -> PricedLine:
    share = left / lessons
    net, tax = round_money(line.net * share, currency), round_money(line.tax * share, currency)
    whole = line.quantity != ONE and left == int(left)
    return replace(
        line, net=net, tax=tax, discount=round_money(line.discount * share, currency), quantity=left if whole else ONE,
        unit_price=line.unit_price if whole else net,
        steps=(*line.steps, step("lessons_to_come", lessons=f"{left.quantize(ONE) if whole else left:.4g}")),
    )  # fmt: skip


def _told_line(lines: Sequence[PricedLine], here: Sequence[ToldLesson]) -> PricedLine:
    """What was told so far; where corrections of earlier bills give back more than that, nothing."""
    net, tax = sum((one.net for one in here), ZERO), sum((one.tax for one in here), ZERO)
    if net < 0 or tax < 0:
        net = tax = ZERO
    text = lines[0].text if lines else ""
    return PricedLine(text=text, net=net, tax=tax, unit_price=net, steps=(step("lessons_told", lessons=len(here)),))
