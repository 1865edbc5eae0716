"""A school with accounts at two true processors, PrecisePay and Paysafe, and a family whose card lies at both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.test import override_settings

from billing.office import clock
from billing.office.secrets import keyed_hash
from payments.models import GatewayAccount, PaymentMethod
from payments.models.payment_method import Instrument, MethodState
from payments.services.gateway_accounts import open_gateway_account
from tests.payments.charging.cast import Scene, charging_scene
from tests.payments.gateways.paysafe.desk import Desk as PaysafeDesk
from tests.sandbox.paysafe import Paysafe
from tests.sandbox.server import running

LIKENESS = "VISA|1111|122030|77777"
CLOSED_PORT = "http://127.0.0.1:1"  # nothing listens there


@dataclass
class Two:
    """first: the scene at PrecisePay, rank 1. north: the desk at Paysafe, rank 2."""

    first: Scene
    north: PaysafeDesk
    account: GatewayAccount

    def card(self, **changes: Any) -> PaymentMethod:
        """The family's card at PrecisePay."""
        return self.first.card(**({"likeness": LIKENESS} | changes))

    def twin(self, **changes: Any) -> PaymentMethod:
        """The same card at Paysafe, later in the family's order."""
        stored = self.north.card()
        place = 1 + PaymentMethod.objects.filter(customer=self.first.ada, place__gt=0).count()
        values: dict[str, Any] = {
            "organization": self.first.school, "customer": self.first.ada, "gateway_account": self.account,
            "instrument": Instrument.CARD, "state": MethodState.ACTIVE, "place": place, "token": stored.token,
            "token_hash": keyed_hash(stored.token), "payer_id": stored.payer_id, "last4": "1111", "brand": "Visa",
            "exp_month": 12, "exp_year": 2030, "likeness": LIKENESS, "request_key": uuid4().hex,
            "made_at": clock.now(),
        }  # fmt: skip
        return PaymentMethod.objects.create(**values | changes)

    def first_is_down(self) -> Any:
        """PrecisePay refuses every connection while the block runs."""
        down = {**settings.GATEWAYS, "precisepay": self.first.at.settings | {"base_url": CLOSED_PORT}}
        return override_settings(GATEWAYS=down)

    def taken(self) -> tuple[int, int]:
        """How many charges each processor's own ledger has."""
        return len(self.first.at.nmi.ledger.captures()), len(self.north.sandbox.ledger.captures())


@contextmanager
def two_gateways() -> Iterator[Two]:
    with charging_scene() as first, running(Paysafe()) as server:
        north = PaysafeDesk(server.processor, server)  # type: ignore[arg-type]
        both = {"precisepay": first.at.settings, "north": north.settings(read_seconds="5")}
        with override_settings(GATEWAYS=both):
            with transaction.atomic():
                account = open_gateway_account(
                    organization=first.school, configuration="north", now=clock.now(), name="Paysafe North"
                )
            yield Two(first, north, account)
