"""What PayU paid out on a day in India: mostly of the day before."""

from datetime import date

from payments.gateways.base import GatewayDown, Money, Moved, SettledItem
from payments.gateways.json_line import Row, Unanswered
from payments.gateways.netbanking import reading
from payments.gateways.netbanking.line import FOUND, Line, word
from payments.gateways.netbanking.reading import REFUND

MOVED = {"capture": Moved.CAPTURE, "refund": Moved.REFUND, "chargeback": Moved.CHARGEBACK}


def settlement(line: Line, day: date) -> list[SettledItem]:
    """Raises GatewayDown. The fee is with its tax."""
    try:
        body = line.ask("get_settlement_details", day.isoformat())
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None
    rows = body.get("Txn_details")
    if not isinstance(rows, list):
        if body.get("status") == FOUND or rows is not None:
            raise GatewayDown("no report")
        return []  # no payout on that day
    return [_item(row, day) for row in rows]


def _item(row: Row, day: date) -> SettledItem:
    """A report with a line that cannot be read is none."""
    moved = MOVED.get(word(row, "requestaction"))
    money = reading.money(row.get("requestamount") or row.get("amount"))
    fees = [reading.money(row.get(name) or "0") for name in ("mer_service_fee", "mer_service_tax")]
    txnid = word(row, "txnid")
    if moved is None or money is None or not txnid or None in fees:
        raise GatewayDown("a line that cannot be read")
    fee = sum(one.minor for one in fees if one is not None)
    is_refund = moved == Moved.REFUND
    return SettledItem(
        moved, money, day, word(row, "mer_utr") or f"{day:%Y-%m-%d}",
        REFUND + word(row, "requestid") if is_refund else txnid, "" if is_refund else txnid,
        txnid if is_refund else "", text=word(row, "bank_name"),
        fee=Money(fee, money.currency) if fee else None,
    )  # fmt: skip
