"""Counting notes and coins at the desk (R12)."""

from decimal import Decimal

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput

COUNT = "count-"
# Face values in circulation, as a drawer is sorted.
FACES = {
    "USD": "100 50 20 10 5 2 1 0.25 0.10 0.05 0.01",
    "TWD": "1000 500 200 100 50 10 5 1",
    "INR": "500 200 100 50 20 10 5 2 1",
    "EUR": "200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "GBP": "50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "HKD": "1000 500 100 50 20 10 5 2 1 0.50 0.20 0.10",
}
MOST_PIECES = 100_000


def faces(currency: str) -> list[str]:
    """None for a currency whose notes we do not know: then nothing is counted."""
    return FACES.get(currency, "").split()


def read_count(posted: QueryDict, currency: str) -> tuple[tuple[Decimal, int], ...]:
    """What was counted, biggest first; empty if nothing was. Raises BadInput at the face that cannot be read."""
    counted = []
    for face in faces(currency):
        typed = posted.get(COUNT + face, "").strip()
        if typed:
            if not typed.isascii() or not typed.isdigit() or int(typed[:7]) > MOST_PIECES:
                sentence = _("Pieces of {face}: a whole number is expected.")
                raise BadInput(sentence, field=COUNT + face, code="bad_count", face=face)
            counted.append((Decimal(face), int(typed)))
    return tuple(counted)
