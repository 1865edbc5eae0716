"""Conditions used by several tables' constraints."""

from typing import Any

from django.db.models import BooleanField, F, Func


class MoneyFits(Func):
    """Whether an amount column is a whole number of its currency's smallest unit (invariant 2)."""

    function = "money_fits"
    output_field = BooleanField()

    def __init__(self, amount: str, currency: str = "currency", **extra: Any) -> None:
        super().__init__(F(amount), F(currency), **extra)
