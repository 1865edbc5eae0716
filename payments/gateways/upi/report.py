"""What the provider paid out for a day in India."""

from datetime import date

from payments.gateways.base import GatewayDown, Money, Moved, SettledItem
from payments.gateways.json_line import Line, Row, Unanswered
from payments.gateways.rupees import CURRENCY, paise
from payments.gateways.upi.reading import REFUND, word

MOVED = {"payment": Moved.CAPTURE, "refund": Moved.REFUND, "chargeback": Moved.CHARGEBACK}


def settlement(line: Line, day: date) -> list[SettledItem]:
    """Payments, refunds and chargebacks of the day, each with its fee. Raises GatewayDown, also before its end."""
    try:
        body = line.must_read("/v1/settlements", day=day.isoformat())
    except Unanswered as trouble:
        raise GatewayDown(trouble.code or trouble.text) from None
    rows = body.get("items")
    if not isinstance(rows, list) or body.get("currency") != CURRENCY:
        raise GatewayDown("no report")
    batch = word(body, "utr") or f"{day:%Y-%m-%d}"
    return [_item(row, day, batch) for row in rows]


def _item(row: Row, day: date, batch: str) -> SettledItem:
    """A report with a line that cannot be read is none."""
    moved, money, fee = MOVED.get(word(row, "type")), paise(row.get("amount")), paise(row.get("fee"))
    if moved is None or money is None or not word(row, "tr"):
        raise GatewayDown("a line without its amount")
    is_refund = moved == Moved.REFUND
    key = word(row, "refund_id") if is_refund else word(row, "tr")
    return SettledItem(
        moved, money, day, batch, REFUND + key if is_refund else key, key, word(row, "tr") if is_refund else "",
        text=word(row, "rrn"), fee=fee if fee != Money(0, CURRENCY) else None,
    )  # fmt: skip
