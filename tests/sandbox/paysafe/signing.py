"""Webhooks: their envelope and their signature. There is no event id, and the counter always says "1"."""

import base64
import hashlib
import hmac
import json
from typing import Any


def sign(key: str, body: bytes) -> str:
    """base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def event_body(event: str, kind: str, payload: dict[str, Any], at: str) -> bytes:
    """kind: PAYMENT, PAYMENT_RETURN, SETTLEMENT, REFUND or PAYMENT_HANDLE."""
    envelope = {
        "payload": payload, "attemptNumber": "1", "type": kind, "resourceId": payload["id"], "eventDate": at,
        "eventName": event,
    }  # fmt: skip
    return json.dumps(envelope, separators=(",", ":")).encode()
