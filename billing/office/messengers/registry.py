"""Who carries messages: named sets of credentials from the environment (settings.MESSENGERS)."""

from collections.abc import Mapping
from importlib import import_module

from django.conf import settings

from billing.office.messengers.base import Messenger
from billing.office.models import Organization
from billing.office.models.notice import Channel
from billing.office.wire import Wire

# kind → channel; each kind is a module of this package with a class Carrier(name, settings, wire).
KINDS: dict[str, Channel] = {
    "exotel": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
    "mailhook": Channel.EMAIL,
}
READ_SECONDS = "20"


class NotConfigured(Exception):
    """The environment has no credentials of that name, or not all that the carrier needs."""


def configurations() -> Mapping[str, Mapping[str, str]]:
    """name → settings, with "kind" among them."""
    found: Mapping[str, Mapping[str, str]] = settings.MESSENGERS
    return found


def carrier_of(organization: Organization, channel: str) -> str:
    """The name of who carries a channel for an organization: its own before everybody's; "" if nobody does."""
    shared = ""
    for name, found in configurations().items():
        if KINDS.get(found.get("kind", "")) != channel:
            continue
        if found.get("organization", "") == organization.code:
            return name
        if not found.get("organization"):
            shared = shared or name
    return shared


def messenger_for(name: str) -> tuple[Messenger, Wire]:
    """An adapter for one piece of work, and its line. Raises NotConfigured."""
    found = configurations().get(name, {})
    kind = found.get("kind", "")
    if kind not in KINDS:
        raise NotConfigured(name)
    wire = Wire(
        secret=frozenset({"to", "body"}), connect_seconds=int(found.get("connect_seconds", "5")),
        read_seconds=int(found.get("read_seconds", READ_SECONDS)),
    )  # fmt: skip
    try:
        return import_module(f"billing.office.messengers.{kind}").Carrier(name, found, wire), wire
    except KeyError as missing:
        raise NotConfigured(f"{name}: {missing}") from None
