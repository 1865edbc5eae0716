"""The Authorize.Net double at work, for tests of whoever charges through it.

with desk() as at:
    settings.GATEWAYS = {"authorizenet": at.settings}
    token = at.card()              what the payer's browser would hand over
    at.sandbox.do("settle")        what a person at the steering page would do
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from payments.gateways.authorizenet import Gateway
from payments.gateways.base import (
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    Money,
    OrderHint,
    OrderRef,
    PayerRef,
    Result,
    StoredCredential,
)
from payments.gateways.wire import Wire
from tests.sandbox.authorizenet import AuthorizeNet
from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running

# The processor's own published test numbers.
VISA, MASTERCARD, AMEX = "4111111111111111", "5424000000000015", "370000000000002"
CHECKING = {"accountNumber": "4111000022", "routingNumber": "121042882", "nameOnAccount": "Ada Ames"}
PATIENCE = 10.0  # seconds that an honest answer may take on a busy machine
IMPATIENT = 0.3  # where the test is about an answer that does not come in time
ORDER = OrderRef(number="INV-1", description="Tuition")
FIRST = StoredCredential(initiated_by_payer=True, is_first=True, plan="unscheduled")
SALE = "authCaptureTransaction"  # found in the request of a charge


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def hint(kind: Kind, money: Money | None = None, last4: str = "1111", **more: Any) -> OrderHint:
    return OrderHint(kind, money or usd(0), last4, datetime.now(UTC), **more)


def ref_of(result: Result, instrument: Instrument = Instrument.CARD, last4: str = "1111") -> GatewayRef:
    assert result.ref, result
    return GatewayRef(result.ref, instrument, last4=last4)


def payer(name: str = "Ada Ames", postal_code: str = "98004", **more: str) -> PayerRef:
    """key: as ours are, it tells nothing of the payer."""
    return PayerRef(
        key=f"payer-{name[0].lower()}{len(name)}", name=name, street="1 Main St", postal_code=postal_code, **more
    )


@dataclass
class Desk:
    """keys: how many were handed out. wires: of the gateways that were made here."""

    server: Server
    sandbox: AuthorizeNet
    keys: int = 0
    wires: list[Wire] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"{self.server.url}/xml/v1/request.api"

    @property
    def settings(self) -> dict[str, str]:
        """For settings.GATEWAYS["authorizenet"]."""
        return {
            "kind": "authorizenet", "endpoint": self.endpoint, "login": AuthorizeNet.login_id,
            "transaction_key": AuthorizeNet.transaction_key, "client_key": AuthorizeNet.client_key,
            "signature_key": AuthorizeNet.signature_key, "signature_key_encoding": "text",
        }  # fmt: skip

    def gateway(self, patience: float = PATIENCE, **other: str) -> Gateway:
        self.wires.append(Wire(read_seconds=patience))
        return Gateway("authorizenet", self.settings | other, self.wires[-1])

    @property
    def said(self) -> str:
        """All that was said to the processor and by it, as the log keeps it."""
        return "\n".join(f"{one.url}\n{one.asked}\n{one.answered}" for wire in self.wires for one in wire.exchanges)

    def key(self) -> str:
        """As our own are: twenty characters."""
        self.keys += 1
        return f"0TESTKEY{self.keys:012}"

    def card(self, number: str = VISA, expires: str = "1230", code: str = "900") -> HostedToken:
        return self._mint(Instrument.CARD, cardNumber=number, expirationDate=expires, cardCode=code)

    def bank(self) -> HostedToken:
        return self._mint(Instrument.BANK, **CHECKING, accountType="checking")

    def method(self, token: HostedToken | None = None, by: PayerRef | None = None) -> MethodRef:
        """A stored card of Ada's, or what the token stands for."""
        token = token or self.card()
        result = self.gateway().store(token, by or payer(), self.key())
        assert result.token and result.view, result
        return MethodRef(result.token, token.instrument, result.payer_id, result.view.last4)

    def charged(self, minor: int = 1200, method: MethodRef | None = None) -> Result:
        return self.gateway().charge(method or self.method(), usd(minor), self.key(), ORDER, None)

    def webhooks(self, topic: str = "") -> list[tuple[bytes, dict[str, str]]]:
        """What was told so far, oldest first: body, and headers by lower-case name."""
        rows = [row for row in self.sandbox.webhooks.rows if row.topic.endswith(topic)]
        return [(row.body, {name.lower(): text for name, text in row.headers.items()}) for row in rows]

    def taken(self, key: str | None = None) -> int:
        """What the processor's own ledger says was taken, in minor units."""
        return sum(entry.minor for entry in self.sandbox.ledger.captures(key))

    def _mint(self, instrument: Instrument, **typed: str) -> HostedToken:
        """As Accept.js asks for one."""
        known = {"name": AuthorizeNet.login_id, "clientKey": AuthorizeNet.client_key}
        data = {"type": "TOKEN", "id": "1", "token": typed}
        body = {"securePaymentContainerRequest": {"merchantAuthentication": known, "data": data}}
        answer = requests.post(self.endpoint, json=body, timeout=10)
        answer.encoding = "utf-8-sig"
        opaque = answer.json()["opaqueData"]
        return HostedToken(opaque["dataValue"], instrument, opaque["dataDescriptor"])


@contextmanager
def desk(*, clock: Clock | None = None, posting: bool = False) -> Iterator[Desk]:
    """Serve a fresh account while the block runs. posting: deliver webhooks as they fall due."""
    sandbox = AuthorizeNet(clock)
    with running(sandbox, posting=posting) as server:
        yield Desk(server, sandbox)
