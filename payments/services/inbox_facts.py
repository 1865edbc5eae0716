"""What the inbox keeps of an event, and the event as it was, read back from it (R182)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from billing.office.secrets import decrypt, encrypt
from payments.gateways.base import Event, MethodUpdate, MethodView, Money, Moved, SettledItem
from payments.gateways.wire import scrub
from payments.models import WebhookEvent

LONGEST_ID = 200


def identity(event: Event) -> str:
    """The outsider's identity of an event; a longer one than we keep by its hash."""
    text = plain(event.id)
    return text if len(text) <= LONGEST_ID else hashlib.sha256(text.encode()).hexdigest()


def facts_of(event: Event) -> str:
    """JSON: what was told, scrubbed, with the update and the items. A method's token is encrypted, as everywhere."""
    facts: dict[str, Any] = {plain(str(name)): _scrubbed(value) for name, value in event.facts.items()}
    if event.update is not None:
        facts["update"] = _update(event.update)
    if event.items:
        facts["items"] = [_item(item) for item in event.items]
    return json.dumps(facts)


def update_of(event: WebhookEvent) -> MethodUpdate | None:
    """News of a method, as the adapter read it."""
    kept = event.facts.get("update")
    if kept is None:
        return None
    view = MethodView(**kept["view"]) if kept["view"] else None
    at = datetime.fromisoformat(kept["at"])
    return MethodUpdate(kept["event"], decrypt(kept["token"]), kept["change"], at, view, kept["code"])


def items_of(event: WebhookEvent) -> tuple[SettledItem, ...]:
    """What moved, as the adapter read it."""
    return tuple(_read_item(kept) for kept in event.facts.get("items", ()))


def plain(text: str) -> str:
    """Text as the database takes it: without NUL and halves of characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _scrubbed(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {plain(str(name)): _scrubbed(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_scrubbed(one) for one in value]
    text = scrub(plain(str(value)))
    return int(text) if isinstance(value, int) and text == str(value) else text


def _update(update: MethodUpdate) -> dict[str, Any]:
    return {
        "event": plain(update.event), "token": encrypt(update.token), "change": update.change,
        "at": update.at.isoformat(), "view": asdict(update.view) if update.view else None, "code": plain(update.code),
    }  # fmt: skip


def _item(item: SettledItem) -> dict[str, Any]:
    texts = {name: plain(getattr(item, name)) for name in ("batch", "ref", "key", "related", "code", "text")}
    fee = [item.fee.minor, item.fee.currency] if item.fee else None
    money = [item.money.minor, item.money.currency]
    return {**texts, "moved": str(item.moved), "money": money, "on": item.on.isoformat(), "fee": fee}


def _read_item(kept: dict[str, Any]) -> SettledItem:
    texts = {name: kept[name] for name in ("batch", "ref", "key", "related", "code", "text")}
    return SettledItem(
        moved=Moved(kept["moved"]), money=Money(*kept["money"]), on=date.fromisoformat(kept["on"]),
        fee=Money(*kept["fee"]) if kept["fee"] else None, **texts,
    )  # fmt: skip
