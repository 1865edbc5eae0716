"""What Zoho Billing tells: is it from Zoho, and what is it about.

Source 0 writes "subscription.payment_failed", Zoho's webhooks "payment_declined", its Signals "subscription_unpaid":
one table takes them all, dots and underscores alike.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from payments.gateways.base import Event, Forged, Topic, Unreadable
from payments.gateways.zoho.objects import Row, text

HEADER = "x-zoho-webhook-signature"
TOPICS: dict[str, Topic] = {
    **dict.fromkeys(
        (
            "subscription_created", "subscription_activation", "subscription_activated", "subscription_renewed",
            "subscription_updated", "subscription_upgraded", "subscription_downgraded", "subscription_cancelled",
            "subscription_canceled", "subscription_cancelling", "subscription_cancellation_scheduled",
            "subscription_scheduled_cancellation_removed", "subscription_reactivated", "subscription_expired",
            "subscription_expiring", "subscription_paused", "subscription_resumed", "subscription_deleted",
            "subscription_unpaid", "subscription_payment_failed", "subscription_dunning", "trial_expired",
            "card_updated", "card_added", "card_deleted", "card_expiring", "card_expired", "bank_account_updated",
            "payment_method_added", "payment_method_updated",
        ),
        Topic.SUBSCRIPTION,
    ),
    **dict.fromkeys(
        (
            "invoice_notification", "invoice_created", "invoice_updated", "invoice_voided", "invoice_deleted",
            "invoice_overdue", "invoice_paid", "invoice_written_off", "creditnote_created", "creditnote_added",
            "creditnote_voided", "creditnote_refunded", "creditnote_applied",
        ),
        Topic.INVOICE,
    ),
    **dict.fromkeys(
        (
            "payment_thankyou", "payment_succeeded", "payment_success", "payment_recorded", "payment_created",
            "payment_updated", "payment_declined", "payment_failed", "payment_refunded", "payment_voided",
            "payment_deleted", "payment_initiated", "refund_created", "refund_updated",
        ),
        Topic.TRANSACTION,
    ),
}  # fmt: skip
FAILED = frozenset(
    ("payment_declined", "payment_failed", "subscription_payment_failed", "subscription_unpaid", "subscription_dunning")
)


def plain_name(name: str) -> str:
    """ "subscription.payment_failed" as "subscription_payment_failed"."""
    return name.strip().lower().replace(".", "_").replace(" ", "_")


def check(raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]], secret: str, encoding: str) -> None:
    """Raises Forged unless the signature is of our secret: over the sorted pairs of the query and of a form body, then
    the body that is JSON. encoding: "hex" or "base64"; Zoho's page does not say which."""
    given = headers.get(HEADER, "").strip()
    if not secret or not given:
        raise Forged("no signature")
    pairs, rest = list(query), raw
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        pairs, rest = pairs + _form(raw), b""
    signed = "".join(name + value for name, value in sorted(pairs)).encode() + rest
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    good = base64.b64encode(digest).decode() if encoding == "base64" else digest.hex()
    if not hmac.compare_digest(good.encode(), (given if encoding == "base64" else given.lower()).encode()):
        raise Forged("wrong signature")


def read(raw: bytes, headers: Mapping[str, str]) -> Event:
    """Raises Unreadable."""
    try:
        body: Any = json.loads(_json_of(raw, headers), parse_float=Decimal)
        data: Any = body["data"] if "data" in body else body.get("payload", {})
        if isinstance(data, str):
            data = json.loads(data, parse_float=Decimal)
        name, event_id = plain_name(str(body["event_type"])), str(body.get("event_id") or "")
        if not isinstance(data, dict) or not name:
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError) as trouble:
        raise Unreadable(type(trouble).__name__) from None
    facts = _facts(data)
    return Event(
        id=event_id[:200] or hashlib.sha256(raw).hexdigest(), topic=TOPICS.get(name, Topic.OTHER), name=name[:120],
        ref=facts.get("subscription_id") or facts.get("payment_id") or facts.get("invoice_id") or "",
        key=facts.pop("reference", "")[:40], occurred_at=_moment(body.get("created_time")), facts=facts,
    )  # fmt: skip


def _json_of(raw: bytes, headers: Mapping[str, str]) -> str:
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        found = dict(_form(raw))
        return found.get("JSONString") or found.get("payload") or json.dumps(found)
    return raw.decode()


def _form(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True)
    except UnicodeDecodeError:
        raise Forged("no form") from None


def _facts(data: Mapping[str, Any]) -> dict[str, str]:
    """Which records it is about; no names, no amounts: they are read back."""
    subscription, invoice, payment = (_row(data, name) for name in ("subscription", "invoice", "payment"))
    if not payment:
        payment = _row(data, "refund")
    facts = {
        "subscription_id": text(subscription, "subscription_id", 40), "invoice_id": text(invoice, "invoice_id", 40),
        "payment_id": text(payment, "payment_id", 40), "reference": text(subscription, "reference_id", 40),
        "status": text(subscription or invoice or payment, "status", 30),
    }  # fmt: skip
    for one in payment.get("invoices") or ():
        facts["invoice_id"] = facts["invoice_id"] or text(one, "invoice_id", 40)
        for named in one.get("subscription_ids") or ():
            facts["subscription_id"] = facts["subscription_id"] or str(named)[:40]
    for one in invoice.get("subscriptions") or ():
        facts["subscription_id"] = facts["subscription_id"] or text(one, "subscription_id", 40)
    for row in (subscription, invoice, payment, _row(data, "customer"), _row(data, "card"), _row(data, "creditnote")):
        facts.setdefault("customer_id", text(row, "customer_id", 40)) if row else None
    return {name: value for name, value in facts.items() if value}


def _row(data: Mapping[str, Any], name: str) -> Row:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _moment(value: object) -> datetime | None:
    """ "2026-03-12T15:00:00+0000", or milliseconds since 1970."""
    written = str(value or "")
    try:
        found = datetime.fromisoformat(written) if not written.isdecimal() else _since_1970(int(written))
    except (ValueError, OverflowError):
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _since_1970(count: int) -> datetime:
    return datetime.fromtimestamp(count // 1000 if count > 10**11 else count, UTC)
