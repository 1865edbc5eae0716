"""What was settled, by the lists of settlements and refunds: Paysafe has no report of its own that can be called."""

from collections.abc import Iterator
from datetime import date, timedelta

from payments.gateways.base import GatewayDown, Moved, SettledItem
from payments.gateways.paysafe import reading
from payments.gateways.paysafe.hub import Hub, Row, Unanswered


def settlement(hub: Hub, day: date) -> list[SettledItem]:
    """Settlements and refunds made on a day in UTC whose batch has gone. Raises GatewayDown.

    The lists know when something was made, not when it was batched: a card's settlement of a day is there from that
    night on, a bank debit's only once the bank has settled it, under the day it was made. So the last days are to be
    asked for again; an item's ref is the same each time. Bank returns are not in any list: they come by webhook.
    """
    span = {"startDate": f"{day:%Y-%m-%d}T00:00:00Z", "endDate": f"{day + timedelta(days=1):%Y-%m-%d}T00:00:00Z"}
    try:
        taken = [_item(Moved.CAPTURE, row, day, "paymentId") for row in _of(hub, "settlements", span, day)]
        given = [_item(Moved.REFUND, row, day, "settlementId") for row in _of(hub, "refunds", span, day)]
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None
    return taken + given


def _of(hub: Hub, noun: str, span: dict[str, str], day: date) -> Iterator[Row]:
    for row in hub.pages(noun, **span):
        made = reading.instant(row.get("txnTime"))
        if row.get("status") == "COMPLETED" and made is not None and made.date() == day:
            yield row


def _item(moved: Moved, row: Row, day: date, belongs_to: str) -> SettledItem:
    """Raises Unanswered for a row that names no amount: a report with holes is none."""
    money = reading.money(row)
    if money is None or not row.get("id"):
        raise Unanswered(f"a {moved} without its amount")
    return SettledItem(
        moved, money, day, batch=f"{day:%Y-%m-%d}", ref=str(row["id"]), key=str(row.get("merchantRefNum") or ""),
        related=str(row.get(belongs_to) or ""),
    )  # fmt: skip
