"""Answers as JSON text: amounts as decimal strings, days and instants in ISO 8601."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from billing.money import quantum


def amount_text(value: Decimal, currency: str) -> str:
    """With the currency's own decimals: "120.00" USD, "3500" TWD."""
    return f"{value.quantize(quantum(currency)):f}"


def instant_text(moment: datetime) -> str:
    """UTC to the second: 2026-03-12T15:00:00Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def render(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)


def answer(status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    text = body if isinstance(body, str) else render(body)
    return HttpResponse(text, status=status, content_type="application/json", headers=dict(headers or {}))
