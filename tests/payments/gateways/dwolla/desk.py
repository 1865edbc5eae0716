"""The Dwolla double at work, for tests of whoever charges through it.

with desk() as at:
    settings.GATEWAYS = {"dwolla": at.settings}
    method = at.bank()                     a proven bank account of Ada's
    at.sandbox.do("process_transfers")     what a person at the steering page would do
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
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
)
from payments.gateways.dwolla import Gateway
from payments.gateways.wire import Wire
from tests.sandbox.clock import Clock
from tests.sandbox.dwolla import Dwolla
from tests.sandbox.server import Server, running

# A Monday morning, so that no test runs over a night it did not ask for.
NOW = datetime(2026, 3, 9, 15, 0, tzinfo=UTC)
ROUTING = "222222226"  # Dwolla's own test bank
PATIENCE = 10.0  # seconds that an honest answer may take on a busy machine
IMPATIENT = 0.3  # where the test is about an answer that does not come in time
ORDER = OrderRef(number="INV-1", description="Tuition")
HAL = "application/vnd.dwolla.v1.hal+json"


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def payer(name: str = "Ada Ames", email: str = "ada@example.org") -> PayerRef:
    """key: as ours are, it tells nothing of the payer."""
    return PayerRef(key=f"payer-{name[0].lower()}{len(name)}", name=name, email=email, ip="203.0.113.9")


def ref_of(result: Result) -> GatewayRef:
    assert result.ref, result
    return GatewayRef(result.ref, Instrument.BANK)


@dataclass
class Desk:
    """made: how many keys and bank accounts were handed out. patience: seconds that the next gateway waits for
    an answer. wires: of the gateways that were made here."""

    server: Server
    sandbox: Dwolla
    made: int = 0
    patience: float = PATIENCE
    wires: list[Wire] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For settings.GATEWAYS["dwolla"]."""
        return {
            "kind": "dwolla", "base_url": self.server.url, "key": Dwolla.key, "secret": Dwolla.secret,
            "webhook_secret": Dwolla.webhook_secret, "funding_source": self.our_bank, "read_seconds": str(PATIENCE),
        }  # fmt: skip

    def gateway(self, **other: str) -> Gateway:
        self.wires.append(Wire(read_seconds=self.patience))
        self.patience = PATIENCE
        return Gateway("dwolla", self.settings | other, self.wires[-1])

    @property
    def said(self) -> str:
        """All that was said to the processor and by it, as the log keeps it."""
        return "\n".join(f"{one.url}\n{one.asked}\n{one.answered}" for wire in self.wires for one in wire.exchanges)

    def key(self) -> str:
        """As our own are: twenty characters."""
        self.made += 1
        return f"0TESTKEY{self.made:012}"

    def fault(self, kind: str, *, path: str = "", body: str = "") -> None:
        """Something that goes wrong with one call. An answer that hangs comes later than the next gateway waits."""
        if "hang" in kind:
            self.patience = IMPATIENT
        self.sandbox.faults.add(kind, path=path, body=body, seconds=3 * IMPATIENT)

    # What a person at Dwolla, or its drop-in, would do

    def raw(self, method: str, path: str, body: Any = None, **params: str) -> requests.Response:
        pair = (Dwolla.key, Dwolla.secret)
        grant = {"grant_type": "client_credentials"}
        token = requests.post(f"{self.server.url}/token", data=grant, auth=pair, timeout=5).json()["access_token"]
        headers = {"accept": HAL, "content-type": HAL, "authorization": f"Bearer {token}"}
        url = path if path.startswith("http") else self.server.url + path
        data = json.dumps(body) if body is not None else None
        return requests.request(method, url, data=data, params=params, headers=headers, timeout=5)

    @cached_property
    def our_bank(self) -> str:
        account = self.raw("GET", "/").json()["_links"]["account"]["href"]
        rows = self.raw("GET", f"{account}/funding-sources").json()["_embedded"]["funding-sources"]
        found: str = next(row["_links"]["self"]["href"] for row in rows if row["type"] == "bank")
        return found

    def typed_bank(self, by: PayerRef | None = None, name: str = "Checking", account: str = "") -> str:
        """The address of a bank account that the drop-in made of what the payer typed: not proven."""
        self.made += 1
        customer = self.gateway().payer(by or payer())
        numbers = {"routingNumber": ROUTING, "accountNumber": account or f"44{self.made:06}"}
        body = numbers | {"bankAccountType": "checking", "name": name}
        return self.raw("POST", f"{customer}/funding-sources", body).headers["location"]

    # Methods

    def stored(self, by: PayerRef | None = None, name: str = "Checking") -> MethodRef:
        """A bank account of the payer's that is not proven. name: "R01" and the like have its debits returned."""
        url = self.typed_bank(by, name)
        result = self.gateway().store(HostedToken(url, Instrument.BANK, last4="6789"), by or payer(), self.key())
        assert result.token == url, result
        return MethodRef(result.token, Instrument.BANK, result.payer_id, "6789")

    def bank(self, by: PayerRef | None = None, name: str = "Checking") -> MethodRef:
        """A proven bank account."""
        method = self.stored(by, name)
        gateway = self.gateway()
        gateway.start_micro_deposits(method, self.key())
        self.sandbox.do("settle_deposits")
        result = gateway.confirm_micro_deposits(method, (3, 7), self.key())
        assert result.outcome == "approved", result
        return method

    def charge(self, method: MethodRef, minor: int = 12_34, key: str = "") -> Result:
        return self.gateway().charge(method, usd(minor), key or self.key(), ORDER, None)

    def settled(self, minor: int = 100_00, method: MethodRef | None = None) -> Result:
        """A charge that was processed."""
        result = self.charge(method or self.bank(), minor)
        self.sandbox.do("process_transfers")
        return result

    def find(self, key: str, method: MethodRef | None, kind: Kind = Kind.SALE, minor: int = 12_34) -> list[Result]:
        return self.gateway().find(key, self.hint(kind, method, minor))

    def hint(self, kind: Kind, method: MethodRef | None, minor: int = 12_34, related: str = "") -> OrderHint:
        payer_id = method.payer_id if method else ""
        return OrderHint(kind, usd(minor), "6789", self.sandbox.clock.now(), Instrument.BANK, related, payer_id)

    def webhooks(self, topic: str) -> list[tuple[bytes, dict[str, str]]]:
        """What was told so far, oldest first: body, and headers by lower-case name."""
        rows = self.sandbox.webhooks.find(topic)
        return [(row.body, {name.lower(): text for name, text in row.headers.items()}) for row in rows]

    def minor(self, *kinds: str, key: str | None = None) -> int:
        """What the sandbox's own ledger has of entries, in cents."""
        return sum(entry.minor for entry in self.sandbox.ledger.of(*kinds, key=key))


@contextmanager
def desk(*, clock: Clock | None = None, posting: bool = False) -> Iterator[Desk]:
    """Serve a fresh account while the block runs. posting: deliver webhooks as they fall due."""
    sandbox = Dwolla(clock)
    with running(sandbox, posting=posting) as server:
        yield Desk(server, sandbox)
