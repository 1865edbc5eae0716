"""Ada with a confirmed phone, carriers on this machine, and messages to her."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.test import override_settings

from billing.models import Customer, MessagePreference
from billing.office.models import Notice, Organization
from billing.office.notices import queue_notices, send_due_notices
from billing.services.telling.writing import message_to
from config.gateways import SANDBOX_MESSENGERS
from tests.builders import NOW, customer, organization
from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running
from tests.sandbox.sms import Sms
from tests.sandbox.whatsapp import WhatsApp

PHONE = "+12125550102"
DEAD_PORT = "http://127.0.0.1:9"
PUBLIC = "http://localhost"


@dataclass
class Carriers:
    """The sandbox's houses, on one clock that stands still until it is moved on."""

    sms: Sms
    sms_at: Server
    whatsapp: WhatsApp
    whatsapp_at: Server
    clock: Clock


@contextmanager
def carriers(now: datetime = NOW, **changes: str) -> Iterator[Carriers]:
    """Both houses, configured as in `./run`; changes: settings of both."""
    clock = Clock(now)
    sms, whatsapp = Sms(clock), WhatsApp(clock)
    with running(sms) as sms_at, running(whatsapp) as whatsapp_at:
        urls = {"sms": sms_at.url, "whatsapp": whatsapp_at.url}
        found = {
            name: {key: value.format(url=urls[name]) for key, value in settings.items()} | changes
            for name, settings in SANDBOX_MESSENGERS
        }
        with override_settings(MESSENGERS=found, PUBLIC_URL=PUBLIC):
            yield Carriers(sms, sms_at, whatsapp, whatsapp_at, clock)


def school(**details: Any) -> Organization:
    return organization(**details)


def family(org: Organization, name: str = "Ada Lovelace", **details: Any) -> Customer:
    return customer(org, name, **{"email": "ada@example.org", **details})


def prefer(who: Customer, **wishes: Any) -> MessagePreference:
    """phone: confirmed. Everything else as columns of the row."""
    confirmed = {"phone_confirmed_at": NOW} if wishes.get("phone") else {}
    return MessagePreference.objects.create(customer=who, changed_at=NOW, **confirmed, **wishes)


VALUES = {
    "amount": "US$180.00", "invoices": "INV-1", "method": "Visa ••4242", "day": "14 March 2026", "why": "No money.",
    "next_step": "We try again.", "choices": "", "questions": "", "headline": "US$180.00 is due", "number": "R-1",
    "total": "US$180.00", "due": "14 March 2026",
}  # fmt: skip


def tell(who: Customer, kind: str = "charge_failed", fact: str = "1", now: datetime = NOW, **values: str) -> None:
    """Queue a message of a kind, as services do."""
    own = dict(VALUES)
    if kind != "reminder_before":
        own.pop("headline")
    with transaction.atomic():
        message = message_to(who, kind, f"{kind}:{fact}", lambda: own | values)
        queue_notices(who.organization, [message], now)


def send(now: datetime = NOW) -> int:
    return send_due_notices(now)


def only(**about: Any) -> Notice:
    return Notice.objects.get(**about)
