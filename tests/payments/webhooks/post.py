"""What a processor posts at our door, as its double has it."""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.test import Client

from billing.office import clock
from payments.services import inbox
from tests.payments.charging.cast import Scene
from tests.sandbox.nmi import Nmi
from tests.sandbox.webhooks import Delivery

DOOR = "/webhooks/precisepay/"


def post(body: bytes, signature: str | None, *, door: str = DOOR) -> HTTPStatus:
    headers = {} if signature is None else {"Webhook-Signature": signature}
    answer = Client().post(door, body, content_type="application/json", headers=headers)
    return HTTPStatus(answer.status_code)


def deliver(*deliveries: Delivery) -> list[HTTPStatus]:
    return [post(one.body, one.headers["Webhook-Signature"]) for one in deliveries]


def told(scene: Scene, topic: str = "") -> list[Delivery]:
    """What the double has told so far, oldest first."""
    rows = scene.at.nmi.webhooks.rows
    return [row for row in rows if row.topic == topic] if topic else list(rows)


def sign(body: bytes, key: str = Nmi.signing_key, nonce: str = "0123456789abcdef") -> str:
    """By a key of one's own choice, as a forger would."""
    signer = Nmi()
    signer.signing_key = key  # type: ignore[misc]
    return signer.signature(body, nonce)


def body(identity: str = "e-1", name: str = "transaction.sale.success", **event: Any) -> bytes:
    """An event as the gateway words it, about what does not exist unless told otherwise."""
    told = {"transaction_id": "3190000001", "order_id": "0TESTKEY000000000001", "condition": "pendingsettlement"}
    return json.dumps({"event_id": identity, "event_type": name, "event_body": told | event}).encode()


def work(after: timedelta = timedelta()) -> int:
    """What the worker does, some time from now."""
    return inbox.work_due(now=clock.now() + after)
