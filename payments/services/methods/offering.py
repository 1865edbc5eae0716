"""Which gateway account takes a new method, and what its fields in the payer's page need (R42)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import structlog

from billing.models import Customer
from billing.transactions import in_transaction
from payments.gateways.base import GatewayDown, PayerRef
from payments.gateways.registry import gateway_for
from payments.models import GatewayAccount
from payments.models.payment_method import Instrument
from payments.services.methods.payers import payer_ref
from payments.services.new_methods import account_for_new_method, find_home

log = structlog.get_logger(__name__)

# What payers add by themselves; mandates and UPI ids have their own doors.
OFFERED = (Instrument.CARD, Instrument.BANK)


class Hosted(Protocol):
    def hosted_fields(self, language: str) -> Mapping[str, Any]: ...


class Dropins(Protocol):
    """A processor whose fields open only with a token made for one payer. Nothing is stored by it."""

    def payer(self, payer: PayerRef) -> str: ...
    def client_token(self, payer_id: str, action: str) -> str: ...


@dataclass(frozen=True)
class Offer:
    """An account that takes a new method. fields: public values for the page, with "kind" and "library"."""

    account: GatewayAccount
    instrument: Instrument
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def origins(self) -> list[str]:
        """Where the library and its frames come from: all that the page's policy is widened by."""
        parts = urlsplit(str(self.fields["library"]))
        return [f"{parts.scheme}://{parts.netloc}", *map(str, self.fields.get("origins", ()))]


def account_for(customer: Customer, instrument: str, now: datetime, currency: str = "") -> GatewayAccount | None:
    """Where it would be stored now, opened if it is the first there. Called outside any transaction.

    currency: of what is to be paid with it; "" for any.
    """
    where = partial(
        account_for_new_method,
        organization=customer.organization,
        customer=customer,
        instrument=instrument,
        now=now,
        currency=currency,
    )
    return in_transaction(where)


def offers_for(customer: Customer, now: datetime, currency: str = "") -> list[Instrument]:
    """What the payer may add now. currency: as of account_for."""
    return [one for one in OFFERED if find_home(customer.organization, customer, one, now, currency)]


def offer_for(
    customer: Customer, instrument: Instrument, language: str, now: datetime, currency: str = ""
) -> Offer | None:  # fmt: skip
    """None where nobody takes it now. May ask the processor: called outside any transaction.

    currency: as of account_for.
    """
    account = account_for(customer, instrument, now, currency)
    if account is None:
        return None
    gateway, _wire = gateway_for(account.configuration)
    fields = dict(cast(Hosted, gateway).hosted_fields(language))
    if "library" not in fields:
        return None  # the payer types it on the processor's own page
    if hasattr(gateway, "client_token"):
        desk = cast(Dropins, gateway)
        try:
            payer_id = desk.payer(payer_ref(customer, account))
            fields |= {"payer": payer_id, "client_token": desk.client_token(payer_id, fields["add_bank"])}
        except GatewayDown as trouble:
            log.warning("no_client_token", configuration=account.configuration, trouble=str(trouble))
            return None
    return Offer(account, instrument, fields)
