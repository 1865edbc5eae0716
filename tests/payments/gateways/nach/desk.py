"""The sponsor bank's double at work, for tests of whoever debits through it.

with desk() as at:
    settings.GATEWAYS = {"nach": at.settings}
    method = at.mandate()                 a mandate that stands
    at.evening()                          six o'clock in India: results are out
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from billing.office import clock
from payments.gateways.base import (
    DebtorAccount,
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
from payments.gateways.nach import Gateway
from payments.gateways.wire import Wire
from tests.sandbox.clock import Clock
from tests.sandbox.nach import SponsorBank
from tests.sandbox.server import Server, running

# Half past eight on a Monday morning in India: files for today are still taken.
NOW = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
PATIENCE, IMPATIENT = 10.0, 0.3
IFSC = "HDFC0001234"
ORDER = OrderRef(number="INV-1", description="Tuition | fees")
PAYER = PayerRef(key="payer-a1", name="Asha Rao", email="asha@example.org")
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 64


def inr(minor: int) -> Money:
    return Money(minor, "INR")


def ref_of(result: Result) -> GatewayRef:
    assert result.ref, result
    return GatewayRef(result.ref, Instrument.MANDATE)


@dataclass
class Desk:
    """made: how many keys and accounts were handed out. patience: seconds that the next gateway waits for an answer."""

    server: Server
    sandbox: SponsorBank
    made: int = 0
    patience: float = PATIENCE
    wires: list[Wire] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For settings.GATEWAYS["nach"]."""
        return {
            "kind": "nach", "base_url": self.server.url, "utility_code": SponsorBank.UTILITY_CODE,
            "password": SponsorBank.PASSWORD, "read_seconds": str(PATIENCE),
        }  # fmt: skip

    def gateway(self, **other: str) -> Gateway:
        self.wires.append(Wire(read_seconds=self.patience))
        self.patience = PATIENCE
        return Gateway("nach", self.settings | other, self.wires[-1])

    @property
    def said(self) -> str:
        """All that was said to the bank and by it, as the log keeps it."""
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

    def evening(self) -> None:
        """Just after the next six o'clock in India."""
        now = self.sandbox.clock.now()
        six = now.replace(hour=12, minute=31, second=0)
        self.later(seconds=((six if six > now else six + timedelta(days=1)) - now).total_seconds())

    def fault(self, kind: str, *, path: str = "", body: str = "") -> None:
        """Something that goes wrong with one call. An answer that hangs comes later than the next gateway waits."""
        if "hang" in kind:
            self.patience = IMPATIENT
        self.sandbox.faults.add(kind, path=path, body=body, seconds=3 * IMPATIENT)

    # Mandates

    def account(self, last4: str = "0000", **changed: Any) -> DebtorAccount:
        """last4: by which the bank's double knows what is to become of its debits."""
        self.made += 1
        told: dict[str, Any] = {"number": f"5{self.made:07}{last4}", "ifsc": IFSC} | changed
        return DebtorAccount(**told)

    def terms(self, last4: str = "0000", **changed: Any) -> MandateTerms:
        told: dict[str, Any] = {
            "scheme": "nach", "most": inr(20_000_00), "frequency": "any", "starts_on": self.today,
            "ends_on": self.today + timedelta(days=365), "debit_day": 5, "account": self.account(last4),
        } | changed  # fmt: skip
        return MandateTerms(**told)

    def register(self, terms: MandateTerms | None = None, key: str = "") -> Result:
        return self.gateway().create_mandate(terms or self.terms(), PAYER, key or self.key(), "")

    def mandate(self, last4: str = "0000", **changed: Any) -> MethodRef:
        """One that stands."""
        made = self.register(self.terms(last4, **changed))
        reference = made.ref.removeprefix("mandate:")
        self.do("activate", umrn=reference)
        found = self.gateway().status(ref_of(made))
        assert found.token, found
        return MethodRef(found.token, Instrument.MANDATE, found.payer_id, last4)

    # Debits

    def debit(self, method: MethodRef, minor: int = 1250_00, key: str = "") -> Result:
        return self.gateway().charge(method, inr(minor), key or self.key(), ORDER, None)

    def find(self, key: str, kind: Kind = Kind.SALE, payer_id: str = "") -> list[Result]:
        hint = OrderHint(kind, inr(1), "", self.sandbox.clock.now(), Instrument.MANDATE, "", payer_id)
        return self.gateway().find(key, hint)

    @property
    def today(self) -> date:
        return (self.sandbox.clock.now() + timedelta(hours=5, minutes=30)).date()

    def minor(self, *kinds: str, key: str | None = None) -> int:
        """What the sandbox's own ledger has of entries, in paise."""
        return sum(entry.minor for entry in self.sandbox.ledger.of(*kinds, key=key))


@contextmanager
def desk(monkeypatch: pytest.MonkeyPatch | None = None) -> Iterator[Desk]:
    """Serve a fresh bank while the block runs. monkeypatch: our clock is the bank's, at NOW."""
    time = Clock(NOW) if monkeypatch else Clock()
    if monkeypatch:
        monkeypatch.setattr(clock, "now", time.now)
    sandbox = SponsorBank(time)
    with running(sandbox) as server:
        yield Desk(server, sandbox)
