"""A processor's report of a day as a test writes it, line by line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from payments.gateways.base import GatewayDown, Money, Moved, SettledItem
from payments.gateways.registry import gateway_for
from payments.models import PaymentAttempt
from payments.services import settlements

DAY = date(2026, 3, 12)


def line(
    moved: Moved, amount: str, attempt: PaymentAttempt | None = None, *, ref: str = "", fee: str = "", **more: Any
) -> SettledItem:
    """amount, fee: in major units. Of an attempt: by our key and the processor's reference."""
    values: dict[str, Any] = {
        "moved": moved, "money": money(amount), "on": DAY, "batch": "B-1", "key": attempt.key if attempt else "",
        "ref": ref or (attempt.gateway_ref if attempt else f"{moved}-1"), "fee": money(fee) if fee else None,
    }  # fmt: skip
    return SettledItem(**values | more)


def money(amount: str, currency: str = "USD") -> Money:
    return Money(int(Decimal(amount) * 100), currency)


@contextmanager
def reported(*items: SettledItem, down: bool = False) -> Iterator[None]:
    """While the block runs the processor reports these lines, whatever the day."""

    def scripted(configuration: str) -> Any:
        gateway, wire = gateway_for(configuration)

        def settlement(_day: date) -> list[SettledItem]:
            if down:
                raise GatewayDown("closed for the night")
            return list(items)

        gateway.settlement = settlement  # type: ignore[method-assign, assignment]
        return gateway, wire

    with patch.object(settlements, "gateway_for", scripted):
        yield


def elsewhere(item: SettledItem, currency: str) -> SettledItem:
    return replace(item, money=replace(item.money, currency=currency))
