"""The provider's webhooks: hex of HMAC-SHA256 over the time, a point and the body as it came.

A message that is sent again keeps its first time, for hours: an old one is known by its id, not by the clock.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from payments.gateways.base import Event, Forged, MethodUpdate, Moved, SettledItem, Topic, Unreadable
from payments.gateways.json_line import Row
from payments.gateways.rupees import day_in_india, instant, paise
from payments.gateways.upi.reading import MANDATE, REFUND, word

TIME, SIGNATURE = "x-psp-timestamp", "x-psp-signature"
# What befalls a mandate that stands. That it came to stand, or did not, is the outcome of our asking for it.
CHANGES = {
    "mandate.paused": "paused", "mandate.resumed": "resumed", "mandate.revoked": "revoked",
    "mandate.expired": "expired",
}  # fmt: skip
STARTS = {"refund.": REFUND, "mandate.": MANDATE}
FACTS = ("status", "code", "kind", "amount", "currency", "payer_vpa", "rrn")


def verify(raw: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Raises Forged."""
    at = headers.get(TIME, "").strip()
    own = hmac.new(secret.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest().encode()
    if not secret or not at or not hmac.compare_digest(own, headers.get(SIGNATURE, "").strip().encode()):
        raise Forged(SIGNATURE)


def read(raw: bytes) -> list[Event]:
    """A proven body. Raises Unreadable."""
    try:
        told = json.loads(raw)
    except ValueError as trouble:
        raise Unreadable("no JSON") from trouble
    if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
        raise Unreadable("no event")
    identity, name, data = word(told, "event_id"), word(told, "event"), told["data"]
    if not identity or not name:
        raise Unreadable("no event")
    return [_event(identity, name, told, data)]


def _event(identity: str, name: str, told: Row, data: Row) -> Event:
    at, umn = instant(told.get("occurred_at")), word(data, "umn")
    key = word(data, "refund_id") or word(data, "mandate_ref" if name.startswith("mandate.") else "tr")
    facts: dict[str, object] = {field: word(data, field) for field in FACTS if word(data, field)}
    update = None
    if name in CHANGES and umn and at is not None:
        update = MethodUpdate(identity, umn, CHANGES[name], at, code=word(data, "code"))
    start = next((start for topic, start in STARTS.items() if name.startswith(topic)), "")
    return Event(
        identity[:200], _topic(name, update), name[:120], ref=(start + key)[:200], key=key,
        occurred_at=at, update=update, items=_items(name, told, data), facts=facts,
    )  # fmt: skip


def _topic(name: str, update: MethodUpdate | None) -> Topic:
    if name.startswith("dispute."):
        return Topic.DISPUTE
    if update is not None:
        return Topic.METHOD
    return Topic.TRANSACTION if name.startswith(("order.", "refund.", "mandate.")) else Topic.OTHER


def _items(name: str, told: Row, data: Row) -> tuple[SettledItem, ...]:
    """Of a dispute: the payment that was charged back, whole."""
    money, at = paise(data.get("amount")), instant(told.get("occurred_at"))
    if name != "dispute.lost" or money is None or at is None:
        return ()
    day, tr = day_in_india(at), word(data, "tr")
    return (SettledItem(Moved.CHARGEBACK, money, day, f"disputes-{day:%Y%m%d}", tr, tr, text=word(data, "rrn")),)
