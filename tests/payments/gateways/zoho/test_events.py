"""Zoho's webhooks without any server: the published signature example, bodies as the notes have them, forged ones."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from payments.gateways.base import Forged, Topic, Unreadable
from payments.gateways.wire import Wire
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.events import TOPICS, plain_name

SECRET = "secret12token"
PUBLISHED = b'{"created_date":"2019-03-06","event_id":"5675"}'
QUERY = [("subscription_id", "90343"), ("name", "basic")]
VECTOR = "2a3ffdcebe5a1e038bb54d89f152bd493e0a1622d42d6d8a08a88d775899daf6"


def gateway(**other: str) -> Gateway:
    settings = {"client_id": "c", "client_secret": "s", "refresh_token": "r", "organization_id": "1",
                "webhook_secret": SECRET}  # fmt: skip
    return Gateway("zoho", settings | other, Wire())


def signed(raw: bytes, pairs: str = "", encoding: str = "hex") -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), pairs.encode() + raw, hashlib.sha256).digest()
    header = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    return {"x-zoho-webhook-signature": header, "content-type": "application/json"}


def body(name: str = "payment_thankyou", **data: Any) -> bytes:
    told = {"event_id": "E1", "event_type": name, "created_time": "2026-03-12T10:00:00-0500", "data": data}
    return json.dumps(told).encode()


def test_the_published_example_is_taken_for_zohos_and_then_has_no_event_in_it() -> None:
    with pytest.raises(Unreadable):
        gateway().parse_webhook(PUBLISHED, {"x-zoho-webhook-signature": VECTOR.upper()}, QUERY)


@pytest.mark.parametrize(
    ("header", "query", "raw", "settings"),
    [
        ("", QUERY, PUBLISHED, {}), (VECTOR[:-1] + "0", QUERY, PUBLISHED, {}), (VECTOR, [], PUBLISHED, {}),
        (VECTOR, [*QUERY, ("a", "b")], PUBLISHED, {}), (VECTOR, QUERY, PUBLISHED + b" ", {}),
        (VECTOR, QUERY, PUBLISHED, {"webhook_secret": ""}), (VECTOR, QUERY, PUBLISHED, {"webhook_secret": "other"}),
        (VECTOR, QUERY, PUBLISHED, {"signature_encoding": "base64"}), ("é", QUERY, PUBLISHED, {}),
    ],
)  # fmt: skip
def test_R182_whatever_is_not_signed_by_zoho_is_forged(
    header: str, query: list[tuple[str, str]], raw: bytes, settings: dict[str, str]
) -> None:
    headers = {"x-zoho-webhook-signature": header} if header else {}
    with pytest.raises(Forged):
        gateway(**settings).parse_webhook(raw, headers, query)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_payment_tells_its_invoice_and_subscription_and_no_name(encoding: str) -> None:
    raw = body(
        payment={
            "payment_id": "7", "customer_id": "3", "customer_name": "Ada", "amount": 100.0, "status": "success",
            "invoices": [{"invoice_id": "5", "subscription_ids": ["9"], "amount_applied": 100.0}],
        }
    )  # fmt: skip
    found = gateway(signature_encoding=encoding).parse_webhook(raw, signed(raw, encoding=encoding), [])
    (event,) = found
    assert (event.id, event.topic, event.name, event.ref) == ("E1", Topic.TRANSACTION, "payment_thankyou", "9")
    assert event.occurred_at is not None and event.occurred_at.isoformat() == "2026-03-12T15:00:00+00:00"
    assert event.facts == {
        "payment_id": "7", "invoice_id": "5", "subscription_id": "9", "customer_id": "3", "status": "success",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("told", "topic"),
    [
        ("subscription_cancelled", Topic.SUBSCRIPTION), ("subscription.cancelled", Topic.SUBSCRIPTION),
        ("subscription.payment_failed", Topic.SUBSCRIPTION), ("payment_declined", Topic.TRANSACTION),
        ("subscription_unpaid", Topic.SUBSCRIPTION), ("payment.refunded", Topic.TRANSACTION),
        ("Invoice.Created", Topic.INVOICE), ("invoice_notification", Topic.INVOICE), ("nobody_knows", Topic.OTHER),
    ],
)  # fmt: skip
def test_both_spellings_come_to_one_topic(told: str, topic: Topic) -> None:
    raw = body(told, subscription={"subscription_id": "9", "reference_id": "KEY"})
    (event,) = gateway().parse_webhook(raw, signed(raw), [])
    assert (event.topic, event.name, event.key, event.ref) == (topic, plain_name(told), "KEY", "9")
    assert all("." not in name for name in TOPICS)


def test_a_form_body_is_signed_pair_by_pair() -> None:
    inner = body(subscription={"subscription_id": "9"}).decode()
    from urllib.parse import urlencode

    raw = urlencode({"zz": "1", "JSONString": inner}).encode()
    headers = signed(b"", pairs=f"JSONString{inner}zz1") | {"content-type": "application/x-www-form-urlencoded"}
    (event,) = gateway().parse_webhook(raw, headers, [])
    assert event.ref == "9"
    with pytest.raises(Forged):
        gateway().parse_webhook(raw, signed(raw) | {"content-type": "application/x-www-form-urlencoded"}, [])


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"\xff", b"{}", b'{"event_type":"x","data":[]}', b'{"event_type":"","data":{}}']
)
def test_what_is_signed_and_makes_no_sense_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        gateway().parse_webhook(raw, signed(raw), [])


def test_without_an_id_the_body_is_the_identity() -> None:
    raw = json.dumps({"event_type": "card_updated", "data": {"card": {"customer_id": "3"}}}).encode()
    (event,) = gateway().parse_webhook(raw, signed(raw), [])
    assert (event.id, event.facts) == (hashlib.sha256(raw).hexdigest(), {"customer_id": "3"})
