"""Which outsiders we can speak to: named sets of credentials from the environment (settings.GATEWAYS)."""

from collections.abc import Mapping
from importlib import import_module

from django.conf import settings

from payments.gateways.base import PaymentGateway
from payments.gateways.wire import Wire

# kind → package below payments.gateways; each has a class Gateway(name, settings, wire).
KINDS = ("precisepay", "paysafe", "dwolla", "authorizenet", "upi", "netbanking", "nach", "zoho")


class NotConfigured(Exception):
    """The environment has no credentials of that name, or not all that its processor needs."""


def configurations() -> Mapping[str, Mapping[str, str]]:
    """name → settings, with "kind" among them."""
    found: Mapping[str, Mapping[str, str]] = settings.GATEWAYS
    return found


def settings_of(configuration: str) -> Mapping[str, str]:
    """Raises NotConfigured."""
    try:
        return configurations()[configuration]
    except KeyError:
        raise NotConfigured(configuration) from None


def gateway_for(configuration: str) -> tuple[PaymentGateway, Wire]:
    """An adapter for one piece of work, and its line, whose exchanges are for the log. Raises NotConfigured."""
    found = settings_of(configuration)
    kind = found.get("kind", "")
    if kind not in KINDS:
        raise NotConfigured(configuration)
    wire = Wire(
        connect_seconds=float(found.get("connect_seconds", "5")), read_seconds=float(found.get("read_seconds", "38"))
    )
    try:
        return import_module(f"payments.gateways.{kind}").Gateway(configuration, found, wire), wire
    except KeyError as missing:
        raise NotConfigured(f"{configuration}: {missing}") from None
