"""Dwolla's webhooks: hex of HMAC-SHA256 over the body as it came, in X-Request-Signature-SHA-256."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from payments.gateways.base import Event, Forged, Unreadable
from payments.gateways.dwolla import reading, report
from payments.gateways.dwolla.codes import topic_of
from payments.gateways.dwolla.finding import TRANSFERS
from payments.gateways.dwolla.hub import Hub, Row, Unanswered, identity, link

HEADER = "x-request-signature-sha-256"


def parse(hub: Hub, secret: str, raw: bytes, headers: Mapping[str, str]) -> list[Event]:
    """headers: by lower-case name. Raises Forged, Unreadable."""
    own = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode()
    if not secret or not hmac.compare_digest(own, headers.get(HEADER, "").strip().encode()):
        raise Forged(HEADER)
    try:
        body = json.loads(raw)
    except ValueError as trouble:
        raise Unreadable("no JSON") from trouble
    if not isinstance(body, dict) or not body.get("id") or not body.get("topic"):
        raise Unreadable("no event")
    return [_event(hub, body)]


def _event(hub: Hub, body: Row) -> Event:
    """One transfer may be told of by two topics, of the payer and of the platform: both name the transfer.

    What befalls a payer, as being suspended, names none of their bank accounts: `updates` does.
    """
    name, resource = str(body["topic"]), link(body, "resource")
    update = None
    with suppress(Unanswered):  # no address or no time: the event is kept, and is read back
        update = report.of_bank(hub, body)
    return Event(
        str(body["id"])[:200], topic_of(name), name[:120], ref=_ref(hub, resource),
        key=str(body.get("correlationId") or "")[:40],
        occurred_at=reading.instant(body.get("timestamp") or body.get("created")), update=update,
        facts=_facts(body, resource),
    )  # fmt: skip


def _ref(hub: Hub, resource: str) -> str:
    """Addresses at the host that we speak to, as in our results."""
    path = urlsplit(resource).path
    return f"{hub.base}{path}"[:200] if path.startswith("/") else resource[:200]


def _facts(body: Row, resource: str) -> dict[str, object]:
    """Small, and nothing of the payer."""
    noun = "transfer" if f"/{TRANSFERS}/" in resource else "resource"
    told = {
        noun: str(body.get("resourceId") or identity(resource)), "customer": identity(link(body, "customer")),
        "account": identity(link(body, "account")),
    }  # fmt: skip
    return {key: text[:80] for key, text in told.items() if text}
