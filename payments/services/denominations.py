"""Notes and coins: which there are, and whether a count comes to its amount (R12)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.money import ZERO, format_amount

Counted = tuple[tuple[Decimal, int], ...]

# Face values that a drawer is sorted by, biggest first; one list for every currency we work in.
FACES = {
    "USD": "100 50 20 10 5 2 1 0.50 0.25 0.10 0.05 0.01",
    "TWD": "2000 1000 500 200 100 50 20 10 5 1",
    "INR": "500 200 100 50 20 10 5 2 1 0.50",
    "EUR": "500 200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "GBP": "50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "CAD": "100 50 20 10 5 2 1 0.25 0.10 0.05",
    "AUD": "100 50 20 10 5 2 1 0.50 0.20 0.10 0.05",
    "NZD": "100 50 20 10 5 2 1 0.50 0.20 0.10",
    "SGD": "1000 100 50 10 5 2 1 0.50 0.20 0.10 0.05",
    "HKD": "1000 500 100 50 20 10 5 2 1 0.50 0.20 0.10",
    "CNY": "100 50 20 10 5 1 0.50 0.10",
    "CHF": "1000 200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05",
    "JPY": "10000 5000 2000 1000 500 100 50 10 5 1",
    "KRW": "50000 10000 5000 1000 500 100 50 10",
    "SEK": "1000 500 200 100 50 20 10 5 2 1",
    "NOK": "1000 500 200 100 50 20 10 5 1",
    "DKK": "500 200 100 50 20 10 5 2 1 0.50",
    "PLN": "500 200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "CZK": "5000 2000 1000 500 200 100 50 20 10 5 2 1",
    "HUF": "20000 10000 5000 2000 1000 500 200 100 50 20 10 5",
    "MXN": "1000 500 200 100 50 20 10 5 2 1 0.50 0.20 0.10",
    "BRL": "200 100 50 20 10 5 2 1 0.50 0.25 0.10 0.05",
    "ZAR": "200 100 50 20 10 5 2 1 0.50 0.20 0.10",
    "THB": "1000 500 100 50 20 10 5 2 1 0.50 0.25",
    "MYR": "100 50 20 10 5 1 0.50 0.20 0.10 0.05",
    "PHP": "1000 500 200 100 50 20 10 5 1 0.25 0.05 0.01",
    "IDR": "100000 50000 20000 10000 5000 2000 1000 500 200 100",
    "AED": "1000 500 200 100 50 20 10 5 1 0.50 0.25",
    "SAR": "500 200 100 50 20 10 5 2 1 0.50 0.25 0.10 0.05 0.01",
    "ILS": "200 100 50 20 10 5 2 1 0.50 0.10",
}
MOST_PIECES = 100_000
COUNT = "count-"


def faces(currency: str) -> list[str]:
    return FACES.get(currency, "").split()


def total_of(denominations: Iterable[tuple[Decimal, int]]) -> Decimal:
    return sum((face * pieces for face, pieces in denominations), ZERO)


def stored(denominations: Iterable[tuple[Decimal, int]]) -> list[list[Any]]:
    """As kept in a JSON column: [["20", 3], …]."""
    return [[str(face), pieces] for face, pieces in denominations]


def counted_of(rows: Iterable[Iterable[Any]]) -> Counted:
    """What `stored` wrote, read back."""
    return tuple((Decimal(str(face)), int(pieces)) for face, pieces in rows)


def check_denominations(
    denominations: Iterable[tuple[Decimal, int]],
    currency: str,
    amount: Decimal | None = None,
    *,
    field: str = "denominations",
) -> Decimal:
    """What the notes and coins come to, more than nothing counted.

    amount: what they must come to; None: whatever they do. Raises BadInput for a note the currency does not have, a
    number of pieces that cannot be, and a total that differs.
    """
    counted = list(denominations)
    known = {Decimal(face) for face in faces(currency)}
    seen: set[Decimal] = set()
    for face, pieces in counted:
        if face <= ZERO or not 0 <= pieces <= MOST_PIECES:
            raise BadInput(_("Count each kind of note or coin as 0 or more."), field=field, code="bad_count")
        if face not in known:
            sentence = _("{currency} has no note or coin of {face}.")
            raise BadInput(sentence, field=field, code="unknown_denomination", currency=currency, face=face)
        if face in seen:
            raise BadInput(_("{face} is counted twice."), field=field, code="bad_count", face=face)
        seen.add(face)
    total = total_of(counted)
    if amount is not None and total != amount:
        raise BadInput(
            _("Notes and coins make {counted}, the receipt says {amount}."), field=field, code="denominations_differ",
            counted=format_amount(total, currency), amount=format_amount(amount, currency),
        )  # fmt: skip
    return total


def read_count(posted: Mapping[str, Any], currency: str) -> Counted:
    """What was typed into the counter, biggest first; empty if nothing was. Raises BadInput at the face's input."""
    counted = []
    for face in faces(currency):
        typed = str(posted.get(COUNT + face, "")).strip()
        if typed:
            if not typed.isascii() or not typed.isdigit() or int(typed[:7]) > MOST_PIECES:
                sentence = _("Pieces of {face}: a whole number is expected.")
                raise BadInput(sentence, field=COUNT + face, code="bad_count", face=face)
            counted.append((Decimal(face), int(typed)))
    return tuple(counted)
