"""What customers read about their refunds, in their language (R101, R172, R176). Each says what happens next."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.formats import date_format

from billing.money import format_money
from billing.office.notices import queue_notices
from billing.services.telling.writing import message_to
from billing.transactions import transaction_required
from payments.models import Refund


@transaction_required
def tell_customer(*, refund: Refund, kind: str, now: datetime, reason: str = "", turn: int = 0) -> None:
    """Queue the message of a step of a refund, once. kind: a kind of messages, refund_paid. turn: which try it is
    about, if several."""
    fact = f"refund:{refund.pk}" + (f":{turn}" if turn else "")

    def values() -> Mapping[str, str]:
        return {
            "number": refund.number, "gross": format_money(refund.gross_amount, refund.currency),
            "paid": format_money(refund.paid_amount, refund.currency), "day": date_format(refund.expected_on),
            "way": refund.get_destination_display(), "why": _sentence(reason),
        }  # fmt: skip

    queue_notices(refund.organization, [message_to(refund.customer, kind, fact, values)], now)


def _sentence(words: str) -> str:
    return words if not words or words.endswith((".", "!", "?", "。")) else f"{words}."
