"""The PrecisePay double at work, for tests of whoever charges through it.

with desk() as at:
    settings.GATEWAYS = {"precisepay": at.settings}
    token = at.card()          what the payer's browser would hand over
    at.nmi.do("settle")        what a person at the steering page would do
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

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
from payments.gateways.precisepay import Gateway
from payments.gateways.wire import Wire
from tests.sandbox.clock import Clock
from tests.sandbox.nmi import Nmi
from tests.sandbox.server import Server, running

# The processor's own published test numbers.
VISA, MASTERCARD, AMEX = "4111111111111111", "5431111111111111", "341111111111111"
CHECKING = {"checkaba": "490000018", "checkaccount": "24413815", "account_type": "checking"}
PATIENCE = "0.3"  # seconds that a test waits for an answer that does not come
ORDER = OrderRef(number="INV-1", description="Tuition")
FIRST = StoredCredential(initiated_by_payer=True, is_first=True, plan="unscheduled")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def hint(kind: Kind, money: Money | None = None, **more: Any) -> OrderHint:
    return OrderHint(kind, money or usd(0), "1111", datetime.now(UTC), **more)


def ref_of(result: Result, instrument: Instrument = Instrument.CARD) -> GatewayRef:
    assert result.ref, result
    return GatewayRef(result.ref, instrument)


def payer(name: str = "Ada Ames", street: str = "888", postal_code: str = "77777") -> PayerRef:
    """888 and 77777 are what the test account takes for a right address."""
    return PayerRef(key=f"payer-{name}", name=name, street=street, postal_code=postal_code, country="US")


@dataclass
class Desk:
    """keys: how many were handed out. wires: of the gateways that were made here."""

    server: Server
    nmi: Nmi
    keys: int = 0
    wires: list[Wire] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For settings.GATEWAYS["precisepay"]."""
        return {
            "kind": "precisepay", "base_url": self.server.url, "security_key": Nmi.security_key,
            "tokenization_key": Nmi.tokenization_key, "webhook_key": Nmi.signing_key, "read_seconds": PATIENCE,
        }  # fmt: skip

    def gateway(self, **other: str) -> Gateway:
        self.wires.append(Wire(read_seconds=float(PATIENCE)))
        return Gateway("precisepay", self.settings | other, self.wires[-1])

    @property
    def said(self) -> str:
        """All that was said to the processor and by it, as the log keeps it."""
        return "\n".join(f"{one.asked}\n{one.answered}" for wire in self.wires for one in wire.exchanges)

    def key(self) -> str:
        """As our own are: twenty characters."""
        self.keys += 1
        return f"0TESTKEY{self.keys:012}"

    def card(self, number: str = VISA, expires: str = "1230", cvv: str = "999") -> HostedToken:
        return HostedToken(self._mint(ccnumber=number, ccexp=expires, cvv=cvv))

    def bank(self, holder: str = "Ada Ames") -> HostedToken:
        return HostedToken(self._mint(checkname=holder, **CHECKING), Instrument.BANK)

    def method(self, token: HostedToken | None = None, by: PayerRef | None = None) -> MethodRef:
        """A stored card of Ada's, or what the token stands for."""
        token = token or self.card()
        result = self.gateway().store(token, by or payer(), self.key())
        assert result.token, result
        return MethodRef(result.token, token.instrument, payer_id=result.payer_id)

    def webhooks(self, topic: str = "") -> list[tuple[bytes, dict[str, str]]]:
        """What was told so far, oldest first: body, and headers by lower-case name."""
        rows = [row for row in self.nmi.webhooks.rows if topic in ("", row.topic)]
        return [(row.body, {name.lower(): text for name, text in row.headers.items()}) for row in rows]

    def _mint(self, **typed: str) -> str:
        typed["tokenization_key"] = Nmi.tokenization_key
        answer = requests.post(f"{self.server.url}/token/api/create", data=typed, timeout=5)
        token: str = answer.json()["token"]
        return token


@contextmanager
def desk(*, clock: Clock | None = None, posting: bool = False) -> Iterator[Desk]:
    """Serve a fresh account while the block runs. posting: deliver webhooks as they fall due (to nmi.webhooks.url)."""
    nmi = Nmi(clock)
    with running(nmi, posting=posting) as server:
        yield Desk(server, nmi)
