"""The UPI provider's double at work, for tests of whoever is paid through it.

with desk() as at:
    settings.GATEWAYS = {"upi": at.settings}
    method = at.mandate()                  an AutoPay mandate that its payer has agreed to
    at.do("pay", tr=key)                   what a payer would do in their app
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from billing.office import clock
from payments.gateways.base import (
    GatewayRef,
    Instrument,
    Kind,
    MandateTerms,
    MethodRef,
    Money,
    OrderHint,
    OrderRef,
    PayerRef,
    Result,
)
from payments.gateways.upi import Gateway
from payments.gateways.wire import Wire
from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running
from tests.sandbox.upi import UpiPsp

# A quarter to ten on a Monday evening in India, when no debit is barred.
NOW = datetime(2026, 3, 9, 16, 15, tzinfo=UTC)
PATIENCE, IMPATIENT = 10.0, 0.3
ORDER = OrderRef(number="INV-1", description="Tuition & fees")
BACK = "https://school.example/back"


def inr(minor: int) -> Money:
    return Money(minor, "INR")


def payer(handle: str = "") -> PayerRef:
    return PayerRef(key="payer-a1", name="Asha Rao", email="asha@example.org", vault_id=handle)


def ref_of(result: Result) -> GatewayRef:
    assert result.ref, result
    return GatewayRef(result.ref, Instrument.UPI)


def handle(name: str = "asha.rao@okbank") -> MethodRef:
    return MethodRef(name, Instrument.UPI)


@dataclass
class Desk:
    """made: how many keys were handed out. patience: seconds that the next gateway waits for an answer."""

    server: Server
    sandbox: UpiPsp
    made: int = 0
    patience: float = PATIENCE
    wires: list[Wire] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For settings.GATEWAYS["upi"]."""
        return {
            "kind": "upi", "base_url": self.server.url, "key_id": UpiPsp.KEY_ID, "key_secret": UpiPsp.KEY_SECRET,
            "webhook_secret": UpiPsp.WEBHOOK_SECRET, "payee_vpa": "school@okbank", "payee_name": "Sandbox School",
            "read_seconds": str(PATIENCE),
        }  # fmt: skip

    def gateway(self, **other: str) -> Gateway:
        self.wires.append(Wire(read_seconds=self.patience))
        self.patience = PATIENCE
        return Gateway("upi", self.settings | other, self.wires[-1])

    @property
    def said(self) -> str:
        """All that was said to the provider and by it, as the log keeps it."""
        return "\n".join(f"{one.url}\n{one.asked}\n{one.answered}" for wire in self.wires for one in wire.exchanges)

    def key(self) -> str:
        """As our own are: twenty characters."""
        self.made += 1
        return f"0TESTKEY{self.made:012}"

    def do(self, name: str, **values: str) -> Any:
        return self.sandbox.do(name, **values)

    def later(self, **how_far: float) -> None:
        """The clock goes on, and what is due by then is done."""
        self.sandbox.clock.advance(**how_far)
        self.do("catch_up")

    def fault(self, kind: str, *, path: str = "", body: str = "") -> None:
        """Something that goes wrong with one call. An answer that hangs comes later than the next gateway waits."""
        if "hang" in kind:
            self.patience = IMPATIENT
        self.sandbox.faults.add(kind, path=path, body=body, seconds=3 * IMPATIENT)

    # Payments

    def start(self, minor: int = 1250_00, key: str = "", vpa: str = "") -> Result:
        return self.gateway().start(inr(minor), key or self.key(), ORDER, payer(vpa), BACK)

    def paid(self, minor: int = 1250_00, vpa: str = "asha.rao@okbank") -> Result:
        """A payment that its payer has made."""
        started = self.start(minor)
        self.do("pay", tr=started.key, vpa=vpa)
        return self.gateway().status(ref_of(started))

    def find(self, key: str, kind: Kind = Kind.SALE, related: str = "", payer_id: str = "") -> list[Result]:
        hint = OrderHint(kind, inr(1), "", self.sandbox.clock.now(), Instrument.UPI, related, payer_id)
        return self.gateway().find(key, hint)

    # Mandates

    def terms(self, **changed: Any) -> MandateTerms:
        today = self.today
        told: dict[str, Any] = {
            "scheme": "upi", "most": inr(20_000_00), "frequency": "monthly", "starts_on": today,
            "ends_on": today + timedelta(days=365), "handle": "asha.rao@okbank",
        }  # fmt: skip
        return MandateTerms(**told | changed)

    def mandate(self, vpa: str = "asha.rao@okbank", **changed: Any) -> MethodRef:
        made = self.gateway().create_mandate(self.terms(handle=vpa, **changed), payer(), self.key(), BACK)
        reference = made.ref.removeprefix("mandate:")
        if made.outcome == "pending":
            self.do("approve_mandate", mandate_ref=reference)
        found = self.gateway().status(GatewayRef(made.ref, Instrument.CARD))
        assert found.token, found
        return MethodRef(found.token, Instrument.MANDATE, found.payer_id)

    def noticed(self, method: MethodRef, minor: int = 1250_00, on: date | None = None) -> str:
        """The key of a notice whose hour has come."""
        key = self.key()
        told = self.gateway().notify_debit(method, inr(minor), on or self.today + timedelta(days=1), key)
        assert told.outcome == "approved", told
        self.later(hours=24, minutes=2)
        return key

    def debit(self, method: MethodRef, minor: int = 1250_00, notice: str = "", key: str = "") -> Result:
        order = OrderRef(ORDER.number, ORDER.description, notice=notice)
        return self.gateway().charge(method, inr(minor), key or self.key(), order, None)

    @property
    def today(self) -> date:
        return (self.sandbox.clock.now() + timedelta(hours=5, minutes=30)).date()

    # What the provider knows and tells

    def webhooks(self, topic: str) -> list[tuple[bytes, dict[str, str]]]:
        """What was told so far, oldest first: body, and headers by lower-case name."""
        rows = self.sandbox.webhooks.find(topic)
        return [(row.body, {name.lower(): text for name, text in row.headers.items()}) for row in rows]

    def minor(self, *kinds: str, key: str | None = None) -> int:
        """What the sandbox's own ledger has of entries, in paise."""
        return sum(entry.minor for entry in self.sandbox.ledger.of(*kinds, key=key))


@contextmanager
def desk(monkeypatch: pytest.MonkeyPatch | None = None, *, posting: bool = False) -> Iterator[Desk]:
    """Serve a fresh provider while the block runs. monkeypatch: our clock is the provider's, at NOW."""
    time = Clock(NOW) if monkeypatch else Clock()
    if monkeypatch:
        monkeypatch.setattr(clock, "now", time.now)
    sandbox = UpiPsp(time)
    with running(sandbox, posting=posting) as server:
        yield Desk(server, sandbox)
