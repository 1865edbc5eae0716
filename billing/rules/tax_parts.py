"""The parts of a tax rate, and what each is of a tax: CGST 9 % and SGST 9 % of GST 18 % (R86).

Parts are written into the step that tells how a line was taxed, so that a paper of ten years ago still knows them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from billing.money import ZERO, quantum

PART_NAME = re.compile(r"[^\W_](?:[\w .&/-]{0,38}[^\W_]\.?)?")
WRITTEN = re.compile(r"(.+) (\d+(?:\.\d+)?) %")


class TaxPart(NamedTuple):
    """rate: 0.09 for 9 %."""

    name: str
    rate: Decimal


def percent(factor: Decimal) -> str:
    """0.25 as 25, 0.08875 as 8.875."""
    return f"{(factor * 100).normalize():f}"


def write_parts(parts: Sequence[TaxPart]) -> str:
    """CGST 9 % + SGST 9 %, as a customer reads it."""
    return " + ".join(f"{part.name} {percent(part.rate)} %" for part in parts)


def read_parts(text: str) -> tuple[TaxPart, ...]:
    """What write_parts wrote."""
    found = [WRITTEN.fullmatch(one) for one in text.split(" + ")] if text else []
    return tuple(TaxPart(one[1], Decimal(one[2]) / 100) for one in found if one is not None)


def part_amounts(tax: Decimal, parts: Sequence[TaxPart], currency: str) -> list[tuple[TaxPart, Decimal]]:
    """What each part is of a tax, to the smallest unit, adding up to it (invariant 22).

    Each gets what its share holds of whole units; the units that are left go to the largest remainders, of equal ones
    to the first. A tax below zero is shared as one above it.
    """
    if not parts:
        return []
    unit, whole = quantum(currency), sum((part.rate for part in parts), Decimal(0))
    units = int(abs(tax) / unit)
    shares = [divmod(units * part.rate, whole) for part in parts]
    counts = [int(count) for count, _rest in shares]
    by_rest = sorted(range(len(parts)), key=lambda place: (-shares[place][1], place))
    for place in by_rest[: units - sum(counts)]:
        counts[place] += 1
    sign = -1 if tax < 0 else 1
    return [(part, sign * (count * unit).quantize(ZERO)) for part, count in zip(parts, counts, strict=True)]


class TaxedLine(NamedTuple):
    """What a summary has to know of a line of an invoice. code, name: of its TaxCode. steps: Step as JSON."""

    net: Decimal
    tax: Decimal
    rate: Decimal
    code: int | None
    name: str | None
    steps: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class SummaryRow:
    """All lines of an invoice that were taxed alike. name: empty where nothing was said. exempt_because: or empty."""

    code: int | None
    name: str
    rate: Decimal
    exempt_because: str
    net: Decimal
    tax: Decimal
    parts: tuple[tuple[TaxPart, Decimal], ...]


TAXED = ("tax", "tax_inside", "tax_parts", "tax_inside_parts", "tax_exempt", "tax_taken_out")


def summarize(lines: Sequence[TaxedLine], currency: str) -> list[SummaryRow]:
    """The tax of an invoice by code and rate, in the order of its lines; net and tax add up to the invoice's."""
    found: dict[tuple[int | None, str, Decimal, str, str], tuple[Decimal, Decimal]] = {}
    for line in lines:
        said: Mapping[str, Any] = next((one for one in reversed(line.steps) if one.get("code") in TAXED), {})
        name, parts, because = (str(said.get(key, "")) for key in ("name", "parts", "reason"))
        key = (line.code, name or line.name or "", line.rate, parts, because)
        net, tax = found.get(key, (ZERO, ZERO))
        found[key] = (net + line.net, tax + line.tax)
    return [
        SummaryRow(code, name, rate, because, net, tax, tuple(part_amounts(tax, read_parts(parts), currency)))
        for (code, name, rate, parts, because), (net, tax) in found.items()
    ]
