"""Webhooks: proven first, on the bytes that came, and read afterwards.

Source: NMI's webhook pages. The nonce is no clock, so an old one cannot be told from a new one: events are known by
their id.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from payments.gateways.base import (
    Event,
    Forged,
    MethodUpdate,
    MethodView,
    Moved,
    SettledItem,
    Topic,
    Unreadable,
    money,
)
from payments.gateways.precisepay.records import Odd, expiry, instant, tail
from payments.gateways.precisepay.reports import news
from payments.gateways.wire import scrub

HEADER = re.compile(r"t=([^,]+),s=([0-9a-fA-F]{64})")
# Their summaries of the account updater → our word, and where the cards are listed.
UPDATES = {
    "acu.summary.automaticallyupdated": "updated", "acu.summary.closedaccount": "closed",
    "acu.summary.contactcustomer": "contact",
}  # fmt: skip
LISTS = ("vault_updated_cards", "vault_updated_expiration_dates", "vault_updates")
RETURNS = ("transaction.check.status.return", "transaction.check.status.latereturn")
FACTS = ("condition", "transaction_type", "currency", "requested_amount")
ACTION_FACTS = ("action_type", "amount", "success", "response_code", "response_text", "processor_response_code")


def verify(raw: bytes, header: str, key: str) -> None:
    """Raises Forged."""
    found = HEADER.fullmatch(header.strip())
    if found is None or not key:
        raise Forged("no signature")
    wanted = hmac.new(key.encode(), f"{found[1]}.".encode() + raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, found[2].lower()):
        raise Forged("wrong signature")


def read(raw: bytes, currency: str) -> list[Event]:
    """A proven body as events. currency: of amounts that name none. Raises Unreadable."""
    try:
        told = json.loads(raw, parse_float=Decimal)
        identity, name, body = str(told["event_id"]), str(told["event_type"]), told["event_body"]
        if not identity or not isinstance(body, dict):
            raise Unreadable("no event")
        return _events(identity, name, body, currency)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation, Odd) as trouble:
        raise Unreadable(type(trouble).__name__) from None


def _events(identity: str, name: str, body: dict[str, Any], currency: str) -> list[Event]:
    if name in UPDATES:
        return _updates(identity, name, body)
    if name == "chargeback.batch.complete":
        return [_chargebacks(identity, name, body, currency)]
    if name.startswith("settlement.batch."):
        facts = {field: str(body.get(field, "")) for field in ("batch_id", "count", "amount")}
        return [Event(identity, Topic.SETTLEMENT, name, ref=facts["batch_id"], facts=facts)]
    if name.startswith("transaction."):
        return [_transaction(identity, name, body)]
    topic = Topic.SUBSCRIPTION if name.startswith("recurring.") else Topic.OTHER
    return [Event(identity, topic, name)]


def _transaction(identity: str, name: str, body: dict[str, Any]) -> Event:
    action = body.get("action") or {}
    facts = {field: scrub(str(body.get(field, ""))) for field in FACTS}
    facts |= {field: scrub(str(action.get(field, "")))[:200] for field in ACTION_FACTS}
    number = (body.get("card") or {}).get("cc_number") or (body.get("check") or {}).get("check_account") or ""
    return Event(
        identity, Topic.RETURN if name in RETURNS else Topic.TRANSACTION, name, ref=str(body["transaction_id"]),
        key=str(body.get("order_id") or ""), occurred_at=instant(action["date"]) if action.get("date") else None,
        facts=facts | {"last4": tail(str(number))},
    )  # fmt: skip


def _updates(identity: str, name: str, body: dict[str, Any]) -> list[Event]:
    """One event for each card; its id says which."""
    at, change = _midnight(body["updated_date"]), UPDATES[name]
    cards = [card for listed in LISTS for card in body.get(listed) or ()]
    return [
        Event(
            f"{identity}:{card['customer_vault_id']}", Topic.METHOD, name, ref=str(card["customer_vault_id"]),
            occurred_at=at, update=_update(card, change, at), facts={"last4": tail(str(card.get("cc_number", "")))},
        )
        for card in cards
    ] or [Event(identity, Topic.OTHER, name, occurred_at=at)]  # fmt: skip


def _update(card: Mapping[str, Any], change: str, at: datetime) -> MethodUpdate:
    month, year = expiry(str(card.get("cc_exp", "")))
    view, token = (
        MethodView(last4=tail(str(card.get("cc_number", ""))), exp_month=month, exp_year=year),
        str(card["customer_vault_id"]),
    )
    return MethodUpdate(news(token, change, at, view), token, change, at, view)


def _chargebacks(identity: str, name: str, body: dict[str, Any], currency: str) -> Event:
    """They name a card and an amount, and no transaction: a person or a search says whose it is."""
    rows = body["chargebacks"]
    items = tuple(
        SettledItem(
            Moved.CHARGEBACK, money(Decimal(str(row["amount"])), str(row.get("currency") or currency)),
            on=date.fromisoformat(row["date"]), batch=f"chargebacks-{row['date']}", ref=str(row["id"]),
            code=str(row.get("reason", "")), text=f"card {tail(str(row.get('cc_number', '')))}",
        )
        for row in rows
    )  # fmt: skip
    facts = {"chargebacks": [{"id": one.ref, "reason": one.code, "card": one.text} for one in items]}
    return Event(identity, Topic.DISPUTE, name, items=items, facts=facts)


def _midnight(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC)
