"""Paysafe's webhooks: base64 of HMAC-SHA256 over the body as it came, in the header Signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal

from payments.gateways.base import Event, Forged, MethodUpdate, Moved, SettledItem, Topic, Unreadable
from payments.gateways.paysafe import reading
from payments.gateways.paysafe.codes import RETURN_CODE
from payments.gateways.paysafe.hub import Row, mapping

# Both spellings are in use. It names the return itself; payload.paymentId is the payment that came back.
RETURNED = {"PAYMENT_RETURN_COMPLETED", "PAYMENT_RETURNED_COMPLETED"}
TOPICS = (("PAYMENT_HANDLE_", Topic.METHOD), ("PAYMENT_", Topic.TRANSACTION), ("SETTLEMENT_", Topic.TRANSACTION),
          ("REFUND_", Topic.TRANSACTION))  # fmt: skip
# Of a handle that is used again; a single-use one comes to its end with every payment.
CHANGES = {"PAYMENT_HANDLE_DELETED": "removed", "PAYMENT_HANDLE_EXPIRED": "expired", "PAYMENT_HANDLE_FAILED": "closed"}
LONGEST = 200


def parse(hmac_key: str, raw: bytes, headers: Mapping[str, str]) -> list[Event]:
    """headers: by lower-case name. Raises Forged, Unreadable."""
    own = base64.b64encode(hmac.new(hmac_key.encode(), raw, hashlib.sha256).digest())
    if not hmac_key or not hmac.compare_digest(own, headers.get("signature", "").strip().encode()):
        raise Forged("Signature")
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as trouble:
        raise Unreadable("no JSON") from trouble
    if not isinstance(body, dict) or not body.get("eventName"):
        raise Unreadable("no event")
    return [_event(body)]


def _event(body: Row) -> Event:
    """Bacs puts its values under `variables`."""
    payload = mapping(body, "payload") or mapping(body, "variables")
    name = str(body["eventName"])
    at = reading.instant(body.get("eventDate")) or reading.instant(payload.get("txnTime"))
    resource = str(body.get("resourceId") or payload.get("id") or "")
    known = _identity(name, resource, payload)
    is_return = name in RETURNED
    topic = Topic.RETURN if is_return else next((t for start, t in TOPICS if name.startswith(start)), Topic.OTHER)
    token, change = str(payload.get("paymentHandleToken") or ""), CHANGES.get(name)
    is_saved = payload.get("usage") == "MULTI_USE"
    update = MethodUpdate(known, token, change, at) if token and change and at and is_saved else None
    return Event(
        known, topic, name[:120], ref=str(payload.get("paymentId") or "") if is_return else resource,
        key=str(payload.get("merchantRefNum") or "")[:40], occurred_at=at, update=update,
        items=_returned(payload) if is_return else (), facts=_facts(payload),
    )  # fmt: skip


def _identity(name: str, resource: str, payload: Row) -> str:
    """There is no event id: what never changes however often it is told."""
    parts = (name, resource, str(payload.get("status") or ""), str(payload.get("txnTime") or ""))
    text = "|".join(parts)
    return text if len(text) <= LONGEST else hashlib.sha256(text.encode()).hexdigest()


def _returned(payload: Row) -> tuple[SettledItem, ...]:
    """The bank took a debit back. Without an amount or a day there is nothing to book; the event itself stays."""
    money, at = reading.money(payload), reading.instant(payload.get("statusTime") or payload.get("txnTime"))
    if money is None or at is None:
        return ()
    return (
        SettledItem(
            Moved.RETURN, money, at.date(), batch=f"{at:%Y-%m-%d}", ref=str(payload.get("id") or ""),
            key=str(payload.get("merchantRefNum") or ""), related=str(payload.get("paymentId") or ""),
            code=return_code(payload),
        ),
    )  # fmt: skip


def return_code(payload: Row) -> str:
    """R01 and the like, wherever it is told; else the bank's own code, "" for none."""
    told = [mapping(payload, "bankResponse").get("reasonCode"), mapping(payload, "error").get("code"),
            *(payload.get(name) for name in ("reasonCode", "returnCode", "reason"))]  # fmt: skip
    texts = [one for one in told if isinstance(one, str) and one]
    found = next((code[0] for text in texts if (code := RETURN_CODE.search(text))), "")
    return found or next((text for text in texts if text.isalnum() and len(text) <= 10), "")


def _facts(payload: Row) -> dict[str, object]:
    """Small, and nothing of the payer."""
    money, view = reading.money(payload), reading.view(payload)
    told: dict[str, object] = {
        "status": payload.get("status"), "payment": payload.get("paymentId"),
        "settlement": payload.get("settlementId"), "paid_by": payload.get("paymentType"),
        "code": str(mapping(payload, "error").get("code") or "") or return_code(payload),
        "last4": view.last4 if view else "",
    }  # fmt: skip
    if money is not None:
        told |= {"minor": money.minor, "currency": money.currency}
    return {name: value for name, value in told.items() if isinstance(value, int) or (isinstance(value, str) and value)}
