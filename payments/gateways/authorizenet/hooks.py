"""Webhooks: proven first, by HMAC-SHA512 over the bytes that came, and read afterwards. See Note [Key bytes].

# Note [Key bytes]
# The signature key is shown as 128 hexadecimal digits. The one published vector comes out with the digits themselves
# as the key; some code decodes them. Only what the setting says is tried: one event of the live account shows which.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal

from payments.gateways.authorizenet.line import Row, instant, mapping, word
from payments.gateways.base import Event, Forged, MethodUpdate, Topic, Unreadable
from payments.gateways.wire import scrub

HEADER = "x-anet-signature"
OWN = "net.authorize."
TOPICS = (("payment.", Topic.TRANSACTION), ("customer.subscription.", Topic.SUBSCRIPTION))
REMOVED = "customer.paymentProfile.deleted"
FACTS = ("responseCode", "avsResponse", "authAmount", "invoiceNumber", "entityName")


def key_bytes(key: str, encoding: str) -> bytes:
    """encoding: "text" or "hex". Raises KeyError for another one, or for a key that is no hexadecimal number."""
    if encoding == "text":
        return key.encode()
    try:
        return {"hex": bytes.fromhex}[encoding](key)
    except ValueError:
        raise KeyError("signature_key") from None


def verify(raw: bytes, headers: Mapping[str, str], key: bytes) -> None:
    """headers: by lower-case name. Raises Forged."""
    kind, _equals, given = headers.get(HEADER, "").strip().partition("=")
    own = hmac.new(key, raw, hashlib.sha512).hexdigest()
    if not key or kind.lower() != "sha512" or not hmac.compare_digest(own.encode(), given.lower().encode()):
        raise Forged("X-ANET-Signature")


def read(raw: bytes) -> list[Event]:
    """A proven body as an event. Raises Unreadable."""
    try:
        told = json.loads(raw, parse_float=Decimal)
    except ValueError:
        raise Unreadable("no JSON") from None
    if not isinstance(told, dict) or not word(told, "notificationId") or not word(told, "eventType"):
        raise Unreadable("no event")
    return [_event(told)]


def _event(told: Row) -> Event:
    identity, name, payload = word(told, "notificationId")[:200], word(told, "eventType"), mapping(told, "payload")
    plain, ref, at = name.removeprefix(OWN), word(payload, "id"), instant(word(told, "eventDate"))
    is_gone = plain == REMOVED and bool(ref) and at is not None
    topic = Topic.METHOD if is_gone else next((t for start, t in TOPICS if plain.startswith(start)), Topic.OTHER)
    is_money = topic == Topic.TRANSACTION
    facts = {field: scrub(word(payload, field))[:80] for field in FACTS if word(payload, field)}
    return Event(
        identity, topic, name[:120], ref=ref[:200],
        key=(word(payload, "merchantReferenceId") or word(payload, "invoiceNumber"))[:40] if is_money else "",
        occurred_at=at, update=MethodUpdate(identity, ref, "removed", at) if is_gone and at else None, facts=facts,
    )  # fmt: skip
