"""Orders at the provider: one for each payment, found by our key; and what is given back of them."""

from dataclasses import replace

from payments.gateways.base import GatewayRef, Kind, Money, OrderHint, OrderRef, Reason, Result
from payments.gateways.json_line import Line, Row, Said, Unanswered, not_done, unanswered
from payments.gateways.rupees import CURRENCY, rupees
from payments.gateways.upi import links, reading

ORDERS, REFUNDS = "/v1/orders", "/v1/refunds"


def make(
    line: Line, kind: str, money: Money, key: str, order: OrderRef, expires: str, handle: str = ""
) -> Result:  # fmt: skip
    """kind: "collect", where the payer's app asks them, or "intent", where they follow a link."""
    if money.currency != CURRENCY or money.minor <= 0:
        return not_done(Kind.SALE, key, Unanswered("UPI moves rupees only, and more than nothing."), money)
    body: Row = {
        "tr": key, "kind": kind, "amount": rupees(money), "currency": CURRENCY, "expires_in": int(expires),
        "note": note_of(order),
    }  # fmt: skip
    said = line.carry_out(Kind.SALE, key, "POST", ORDERS, body | ({"vpa": handle} if handle else {}), money)
    return taken(line, said, Kind.SALE, key, money)


def note_of(order: OrderRef) -> str:
    return links.note(f"{order.number} {order.description}")


def taken(line: Line, said: Said | Result, kind: Kind, key: str, money: Money) -> Result:
    """What came of asking for money. A key that is known already is looked up: the earlier request decides."""
    if isinstance(said, Result):
        return said
    if said.code == "duplicate_tr":
        return _looked_up(line, kind, key, money)
    if said.code:
        return reading.refused(said, kind, key, money)
    found = reading.order(said.body, kind, key, is_first=True)
    return found if found.money else replace(found, money=money)


def _looked_up(line: Line, kind: Kind, key: str, money: Money) -> Result:
    try:
        row = line.must_read(f"{ORDERS}/{key}")
    except Unanswered as trouble:
        return replace(unanswered(kind, key, trouble), money=money, reason=Reason.DUPLICATE)
    return replace(reading.order(row, kind, key), existing=True)


def cancel(line: Line, ref: GatewayRef, money: Money, key: str) -> Result:
    """Take back a request that the payer has not answered. Paid or over, it can only be given back."""
    said = line.carry_out(Kind.VOID, key, "POST", f"{ORDERS}/{ref.ref}/cancel", None, money)
    if isinstance(said, Result):
        return said
    if said.code == "not_cancellable":
        try:
            row = line.must_read(f"{ORDERS}/{ref.ref}")
        except Unanswered as trouble:
            return unanswered(Kind.VOID, key, trouble)
        if row.get("status") == "CANCELLED":
            return reading.voided(row, key, existing=True)
    return reading.refused(said, Kind.VOID, key, money) if said.code else reading.voided(said.body, key)


def refund(line: Line, ref: GatewayRef, money: Money, key: str) -> Result:
    body: Row = {"refund_id": key, "amount": rupees(money)}
    said = line.carry_out(Kind.REFUND, key, "POST", f"{ORDERS}/{ref.ref}/refunds", body, money)
    if isinstance(said, Result):
        return said
    if said.code == "duplicate_refund":
        try:
            return reading.refund(line.must_read(f"{REFUNDS}/{key}"), key, existing=True)
        except Unanswered as trouble:
            return unanswered(Kind.REFUND, key, trouble)
    return reading.refused(said, Kind.REFUND, key, money) if said.code else reading.refund(said.body, key)


def find(line: Line, key: str, hint: OrderHint) -> list[Result]:
    """Money by our key. Raises Unanswered."""
    if hint.kind == Kind.REFUND:
        row = line.read(f"{REFUNDS}/{key}")
        return [reading.refund(row, key)] if row is not None else []
    if hint.kind == Kind.VOID:
        row = line.must_read(f"{ORDERS}/{hint.related}")
        return [reading.voided(row, key, existing=True)] if row.get("status") == "CANCELLED" else []
    row = line.read(f"{ORDERS}/{key}")
    return [reading.order(row, hint.kind, key)] if row is not None else []


def status(line: Line, ref: GatewayRef) -> Result:
    """A payment, or something that was given back. Raises Unanswered."""
    if ref.ref.startswith(reading.REFUND):
        key = ref.ref.removeprefix(reading.REFUND)
        return reading.refund(line.must_read(f"{REFUNDS}/{key}"), key)
    return reading.order(line.must_read(f"{ORDERS}/{ref.ref}"), Kind.SALE, ref.ref)
