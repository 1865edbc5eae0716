"""What comes back with the payer's browser, and its copy between servers: the same form, signed the same way."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from payments.gateways.base import Event, Forged, Topic, Unreadable
from payments.gateways.netbanking import signing

FACTS = ("status", "unmappedstatus", "amount", "net_amount_debit", "mode", "bankcode", "error", "additionalCharges")


def fields_of(raw: bytes) -> dict[str, str]:
    """The first of each name: a second one is nothing PayU sends. Raises Unreadable."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError as trouble:
        raise Unreadable("no form") from trouble
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def parse(raw: bytes, key: str, salt: str) -> list[Event]:
    """Raises Forged, Unreadable. The id is made of what never changes: PayU gives none."""
    try:
        told = fields_of(raw)
    except Unreadable:
        raise Forged("no form") from None  # nothing that could be signed
    if not signing.is_signed(told, key, salt):
        raise Forged("hash")
    ref, txnid, status = (told.get(name, "") for name in ("mihpayid", "txnid", "status"))
    if not ref or not txnid or not status:
        raise Unreadable("no payment")
    return [_event(told, ref, txnid, status)]


def _event(told: Mapping[str, str], ref: str, txnid: str, status: str) -> Event:
    facts: dict[str, object] = {name: told[name][:80] for name in FACTS if told.get(name)}
    return Event(f"{ref}:{txnid}:{status}"[:200], Topic.TRANSACTION, status[:120], txnid[:200], txnid[:40], facts=facts)
