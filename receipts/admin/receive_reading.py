"""What was typed into the receive form, as far as it can be read, with every refusal kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from django.http import QueryDict

from billing.errors import DomainError, Refusals
from billing.inputs import clean_text, parse_day
from billing.models import Customer
from billing.money import parse_amount
from payments.services.orders import PaymentOrder
from receipts.services.counter import ReceiptWish

T = TypeVar("T")


@dataclass
class Reading:
    """What was typed, as far as it could be read. order is None if its amount could not."""

    posted: QueryDict
    customer: Customer
    order: PaymentOrder | None = None
    wish: ReceiptWish = field(default_factory=ReceiptWish)
    refusals: list[DomainError] = field(default_factory=list)

    def take(self, read: Callable[[], T]) -> T | None:
        """What read() gives; None after a refusal, which is kept."""
        try:
            return read()
        except DomainError as refusal:
            self.refusals.append(refusal)
            return None

    def text(self, name: str, longest: int, *, required: bool = False, free: bool = True) -> str:
        typed = self.posted.get(name, "")
        return self.take(lambda: clean_text(typed, field=name, longest=longest, required=required, free=free)) or ""

    def day(self, name: str) -> date | None:
        return self.take(lambda: parse_day(self.posted.get(name, ""), field=name))

    def amount(self, text: str, name: str, currency: str) -> Decimal | None:
        return self.take(lambda: parse_amount(text, currency, field=name))

    def refuse(self, refusal: DomainError) -> None:
        self.refusals.append(refusal)

    def checked(self) -> tuple[PaymentOrder, ReceiptWish]:
        """The order and the wish. Raises Refusals if anything could not be read."""
        if self.refusals or self.order is None:
            raise Refusals(self.refusals)
        return self.order, self.wish
