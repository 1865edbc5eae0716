"""What the hub has of a key of ours, or of something it did before. Asking changes nothing. Each raises Unanswered."""

from collections.abc import Callable
from dataclasses import replace

from payments.gateways.base import GatewayRef, Instrument, Kind, OrderHint, Outcome, Reason, Result, State
from payments.gateways.paysafe import reading, vault
from payments.gateways.paysafe.hub import Hub, Row, Unanswered, step


def find(hub: Hub, key: str, hint: OrderHint) -> list[Result]:
    if hint.kind == Kind.STORE:
        return vault.saved(hub, key, hint)
    if hint.kind == Kind.DELETE:
        return vault.deleted(hub, key, hint)
    found = with_key(hub, hint.kind, key, hint.instrument)
    if hint.kind == Kind.VOID and not found and hint.related:
        return _cancelled(hub, key, hint.related)
    return found


def with_key(hub: Hub, kind: Kind, key: str, instrument: Instrument) -> list[Result]:
    """Whatever carries our key in the list where such a call leaves its trace; several where declines came first."""
    if kind in (Kind.SALE, Kind.AUTHORIZE):
        rows = _mine(hub, "payments", key)
        return [reading.payment(row, kind, key, settlements_of(hub, row)) for row in rows]
    readers: dict[Kind, tuple[str, Callable[[Row], Result]]] = {
        Kind.CAPTURE: ("settlements", lambda row: reading.settlement(row, key)),
        Kind.REFUND: ("refunds", lambda row: reading.refund(row, key, instrument)),
        Kind.VOID: ("voidAuths", lambda row: reading.void(row, key)),
        Kind.VERIFY: ("verifications", lambda row: reading.verification(row, key)),
    }
    if kind not in readers:
        return []
    noun, read = readers[kind]
    return [read(row) for row in _mine(hub, noun, key)]


def _mine(hub: Hub, noun: str, key: str) -> list[Row]:
    return [row for row in hub.rows(noun, merchantRefNum=key) if row.get("merchantRefNum", key) == key]


def settlements_of(hub: Hub, payment: Row) -> list[Row] | None:
    """Those a payment brings along; else those with its key, as a sale's settlement has. None where neither tells."""
    rows = payment.get("settlements")
    if isinstance(rows, list):
        return [one for one in rows if isinstance(one, dict)]
    key, ref = str(payment.get("merchantRefNum") or ""), payment.get("id")
    if not key or not payment.get("settleWithAuth") or payment.get("status") in ("FAILED", "CANCELLED"):
        return None
    return [row for row in _mine(hub, "settlements", key) if row.get("paymentId", ref) == ref] or None


def settlement_of(hub: Hub, ref: GatewayRef) -> Row | None:
    """What can be cancelled or refunded of something done before; None for an authorisation, which has none of its own.

    ref: of a sale, an authorisation or a capture.
    """
    if ref.related:
        return _there(hub, f"settlements/{step(ref.related)}")
    payment = hub.read(f"payments/{step(ref.ref)}")
    if payment is None:
        return _there(hub, f"settlements/{step(ref.ref)}")
    if not payment.get("settleWithAuth"):
        return None
    rows = settlements_of(hub, payment) or []
    if not rows:
        raise Unanswered("its settlement does not show yet")
    return (reading.standing(rows) or rows)[0]


def _there(hub: Hub, path: str) -> Row:
    found = hub.read(path)
    if found is None:
        raise Unanswered("no such settlement", "5269")
    return found


def _cancelled(hub: Hub, key: str, related: str) -> list[Result]:
    """A cancelled settlement bears no key of ours: what was to be cancelled is looked at itself."""
    payment = hub.read(f"payments/{step(related)}")
    if payment is None:
        row = hub.read(f"settlements/{step(related)}")
        rows = [row] if row else []
    else:
        rows = settlements_of(hub, payment) or []
        if payment.get("status") == "CANCELLED" and not rows:
            rows = [payment]
    if not rows or reading.standing(rows):
        return []
    return [reading.cancelled(row, key) for row in rows if row.get("status") == "CANCELLED"][:1]


def status(hub: Hub, ref: GatewayRef) -> Result:
    payment = hub.read(f"payments/{step(ref.ref)}")
    if payment is not None:
        kind = Kind.SALE if payment.get("settleWithAuth", True) else Kind.AUTHORIZE
        return reading.payment(payment, kind, _key(payment), settlements_of(hub, payment))
    settlement = hub.read(f"settlements/{step(ref.ref)}")
    if settlement is not None:
        return reading.settlement(settlement, _key(settlement))
    refund = hub.read(f"refunds/{step(ref.ref)}")
    if refund is not None:
        return reading.refund(refund, _key(refund), ref.instrument)
    raise Unanswered("there is nothing of that reference", "5269")


def came_back(hub: Hub, ref: GatewayRef) -> Result:
    found = status(hub, ref)
    if found.outcome != Outcome.APPROVED or found.state != State.SETTLED or not found.related:
        return found
    settlement = _there(hub, f"settlements/{step(found.related)}")
    if settlement.get("availableToRefund") != 0:
        return found
    return replace(
        found, outcome=Outcome.DECLINED, state=State.RETURNED, reason=Reason.GATEWAY_ERROR, raw_code="RETURNED",
        raw_text="Nothing of it can be refunded any more.",
    )  # fmt: skip


def _key(row: Row) -> str:
    return str(row.get("merchantRefNum") or "")


def unanswered(kind: Kind, key: str, trouble: Unanswered) -> Result:
    return Result(
        Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=trouble.code, raw_text=trouble.text[:400]
    )  # fmt: skip
