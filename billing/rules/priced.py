"""A line to bill with how it came about: what every rule of pricing makes and every bill is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from billing.money import ZERO, round_money, split
from billing.rules.tax_parts import TaxPart, write_parts
from billing.rules.tax_parts import percent as percent

Fact = str | int
ONE = Decimal(1)


@dataclass(frozen=True)
class Step:
    """One step of how an amount came about. code: a key of explaining.WORDS. facts: text, so that they keep in JSON.

    By its name a fact is shown: *_amount as money ("36.00"), *_on as a date (ISO), others as they are.
    """

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, **self.facts}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Step":
        return cls(stored["code"], {name: value for name, value in stored.items() if name != "code"})


def step(code: str, **facts: Fact | Decimal | date) -> Step:
    """Decimal amounts and dates are written as text: step("base", price_amount=Decimal("90.00"))."""
    return Step(code, {name: value if isinstance(value, int) else _text(value) for name, value in facts.items()})


def _text(value: str | Decimal | date) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if isinstance(value, str) else value.isoformat()


@dataclass(frozen=True)
class Tax:
    """How a line is taxed. rate 0.18 for 18 %. inclusive: the price contains the tax. code: the key of its TaxCode.

    parts: what the rate is made up of. exempt_because: why the customer pays none of it: of an inclusive price the
    customer pays what is left without the tax in it.
    """

    rate: Decimal = Decimal(0)
    inclusive: bool = False
    code: int | None = None
    name: str = ""
    parts: tuple[TaxPart, ...] = ()
    exempt_because: str = ""


NO_TAX = Tax()


@dataclass(frozen=True)
class PricedLine:
    """One line of a bill. net after discount and before tax; discount: what was taken off the price, before tax.

    net and tax may be below zero: an adjustment that gives back. Amounts fit their currency.
    """

    text: str
    net: Decimal
    tax: Decimal = ZERO
    tax_rate: Decimal = Decimal(0)
    tax_code: int | None = None
    quantity: Decimal = ONE
    unit_price: Decimal = ZERO
    discount: Decimal = ZERO
    steps: tuple[Step, ...] = ()

    @property
    def total(self) -> Decimal:
        return self.net + self.tax

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text, "net": f"{self.net:.2f}", "tax": f"{self.tax:.2f}", "tax_rate": f"{self.tax_rate:f}",
            "tax_code": self.tax_code, "quantity": f"{self.quantity:f}", "unit_price": f"{self.unit_price:.2f}",
            "discount": f"{self.discount:.2f}", "steps": [one.to_json() for one in self.steps],
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "PricedLine":
        return cls(
            text=stored["text"], net=Decimal(stored["net"]), tax=Decimal(stored["tax"]),
            tax_rate=Decimal(stored["tax_rate"]), tax_code=stored["tax_code"], quantity=Decimal(stored["quantity"]),
            unit_price=Decimal(stored["unit_price"]), discount=Decimal(stored["discount"]),
            steps=tuple(Step.from_json(one) for one in stored["steps"]),
        )  # fmt: skip


def price_line(
    text: str, amount: Decimal, currency: str, tax: Tax, *, quantity: Decimal = ONE, unit_price: Decimal | None = None,
    discount: Decimal = ZERO, steps: Sequence[Step] = (),
) -> PricedLine:  # fmt: skip
    """A line of `amount`, not yet rounded, in what the price is quoted in: with tax if it is inclusive, else without.

    The one rounding of the line is here; tax is rounded from the rounded amount (R86, requirements §2 row 30).
    unit_price, discount: as quoted; what an inclusive tax is in them is taken out in the same share.
    """
    rounded = round_money(amount, currency)
    if tax.inclusive:
        net = round_money(rounded / (1 + tax.rate), currency)
        taxed, share = rounded - net, 1 + tax.rate
    else:
        net, taxed, share = rounded, round_money(rounded * tax.rate, currency), ONE
    own = [_tax_step(tax, taxed)] if tax.rate else []
    exempt = bool(tax.exempt_because)
    return PricedLine(
        text=text, net=net, tax=ZERO if exempt else taxed, tax_rate=Decimal(0) if exempt else tax.rate,
        tax_code=tax.code, quantity=quantity,
        unit_price=round_money((amount if unit_price is None else unit_price) / share, currency),
        discount=round_money(discount / share, currency), steps=(*steps, *own),
    )  # fmt: skip


def _tax_step(tax: Tax, taxed: Decimal) -> Step:
    """taxed: the tax, also where an exempt customer does not pay it."""
    facts: dict[str, Fact | Decimal] = {"name": tax.name, "percent": percent(tax.rate), "tax_amount": taxed}
    if tax.exempt_because:
        return step("tax_taken_out" if tax.inclusive else "tax_exempt", **facts, reason=tax.exempt_because)
    code = "tax_inside" if tax.inclusive else "tax"
    return step(f"{code}_parts", **facts, parts=write_parts(tax.parts)) if tax.parts else step(code, **facts)


def split_line(line: PricedLine, shares: Sequence[Decimal], currency: str) -> list[PricedLine]:
    """A line shared by weight among payers; net, tax and discount each add up to the line's (invariant 22)."""
    if len(shares) == 1:
        return [line]
    nets, taxes = _shared(line.net, shares, currency), _shared(line.tax, shares, currency)
    discounts = split(line.discount, shares, currency)
    whole = sum(shares)
    return [
        replace(
            line, net=net, tax=tax, discount=discount, quantity=ONE, unit_price=net,
            steps=(*line.steps, step("share", percent=percent((share / whole).quantize(Decimal("0.0001"))))),
        )
        for net, tax, discount, share in zip(nets, taxes, discounts, shares, strict=True)
    ]  # fmt: skip


def _shared(amount: Decimal, shares: Sequence[Decimal], currency: str) -> list[Decimal]:
    """As split, below zero too: net and tax of an adjustment may have different signs."""
    found = split(abs(amount), shares, currency)
    return [ZERO - part for part in found] if amount < 0 else found


def total_of(lines: Sequence[PricedLine]) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, discount) of lines."""
    return (
        sum((line.net for line in lines), ZERO),
        sum((line.tax for line in lines), ZERO),
        sum((line.discount for line in lines), ZERO),
    )
