"""The net banking double at work, and a payer's browser, for tests of whoever is paid through it.

with desk() as at:
    settings.GATEWAYS = {"netbanking": at.settings}
    back = at.visit(started)        what the browser posts to the return address, signed
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urldefrag, urlencode, urljoin

import pytest
import requests

from billing.office import clock
from payments.gateways.base import (
    Event,
    GatewayRef,
    Instrument,
    Kind,
    Money,
    OrderHint,
    OrderRef,
    PayerRef,
    Result,
)
from payments.gateways.netbanking import Gateway
from payments.gateways.wire import Wire
from tests.sandbox.clock import Clock
from tests.sandbox.netbanking import NetBanking
from tests.sandbox.server import Server, running

NOW = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
PATIENCE, IMPATIENT = 10.0, 0.3
ORDER = OrderRef(number="INV-1", description="Tuition", email="asha@example.org")
BACK = "https://school.example/family/pay/back/7/"
PAYER = PayerRef(key="payer-a1", name="Asha Rao", email="asha@example.org", phone="+91 98765 43210")
FIELD = re.compile(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"')


def inr(minor: int) -> Money:
    return Money(minor, "INR")


def ref_of(result: Result) -> GatewayRef:
    assert result.ref, result
    return GatewayRef(result.ref, Instrument.NET_BANKING, result.related)


@dataclass
class Desk:
    """made: how many keys were handed out. patience: seconds that the next gateway waits for an answer."""

    server: Server
    sandbox: NetBanking
    made: int = 0
    patience: float = PATIENCE
    wires: list[Wire] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For settings.GATEWAYS["netbanking"]."""
        return {
            "kind": "netbanking", "base_url": self.server.url, "key": NetBanking.KEY, "salt": NetBanking.SALT,
            "read_seconds": str(PATIENCE),
        }  # fmt: skip

    def gateway(self, **other: str) -> Gateway:
        self.wires.append(Wire(read_seconds=self.patience))
        self.patience = PATIENCE
        return Gateway("netbanking", self.settings | other, self.wires[-1])

    @property
    def said(self) -> str:
        """All that was said to PayU and by it, as the log keeps it."""
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

    # Paying

    def start(self, minor: int = 1250_00, key: str = "", **changed: Any) -> Result:
        told: dict[str, Any] = {"order": ORDER, "payer": PAYER, "return_url": BACK} | changed
        return self.gateway().start(inr(minor), key or self.key(), **told)

    def to_bank(self, started: Result) -> str:
        """The browser posts the form; the address of the bank's page."""
        fields = dict(self.gateway().redirect_form(started))
        answer = requests.post(urldefrag(started.redirect).url, data=fields, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return urljoin(self.server.url, answer.headers["location"])

    def visit(self, started: Result, action: str = "confirm") -> dict[str, str]:
        """The payer confirms or declines at the bank; the fields that their browser brings back, signed."""
        answer = requests.post(self.to_bank(started), data={"action": action}, timeout=5)
        assert 'id="payu"' in answer.text, answer.text
        return {name: html.unescape(value) for name, value in FIELD.findall(answer.text) if name}

    def paid(self, minor: int = 1250_00) -> Result:
        started = self.start(minor)
        self.visit(started)
        return self.gateway().status(GatewayRef(started.key, Instrument.NET_BANKING))

    def heard(self, fields: dict[str, str]) -> list[Event]:
        return self.gateway().parse_webhook(urlencode(fields).encode(), {}, [])

    def find(self, key: str, kind: Kind = Kind.SALE, related: str = "") -> list[Result]:
        hint = OrderHint(kind, inr(1), "", self.sandbox.clock.now(), Instrument.NET_BANKING, related)
        return self.gateway().find(key, hint)

    @property
    def today(self) -> date:
        return (self.sandbox.clock.now() + timedelta(hours=5, minutes=30)).date()

    def minor(self, *kinds: str, key: str | None = None) -> int:
        """What the sandbox's own ledger has of entries, in paise."""
        return sum(entry.minor for entry in self.sandbox.ledger.of(*kinds, key=key))


@contextmanager
def desk(monkeypatch: pytest.MonkeyPatch | None = None) -> Iterator[Desk]:
    """Serve a fresh PayU while the block runs. monkeypatch: our clock is theirs, at NOW."""
    time = Clock(NOW) if monkeypatch else Clock()
    if monkeypatch:
        monkeypatch.setattr(clock, "now", time.now)
    sandbox = NetBanking(time)
    with running(sandbox) as server:
        yield Desk(server, sandbox)
