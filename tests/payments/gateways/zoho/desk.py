"""The Zoho double at work, for tests of whoever speaks to it.

with desk() as at:
    settings.GATEWAYS = {"zoho": at.settings}
    at.subscribe(url)                  what the payer does in a browser on Zoho's page
    at.zoho.do("refund_in_zoho")       what a person does in Zoho
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from payments.gateways.wire import Wire
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.gate import forget_gates
from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running
from tests.sandbox.zoho import Zoho

# The processor's own published test number.
CARD = {"kind": "card", "number": "4111111111111111", "holder": "Ada Ames", "month": "12", "year": "2030",
        "cvv": "999", "zip": "46225"}  # fmt: skip
BANK = {"kind": "bank", "routing": "021000021", "account": "123456789012"}
PATIENCE = "0.5"  # seconds that a test waits for an answer that does not come
PLAN = "TUITION-MONTHLY"


@dataclass
class Desk:
    """wire: of the last gateway that was made."""

    server: Server
    zoho: Zoho
    wire: Wire = field(default_factory=Wire)

    @property
    def settings(self) -> dict[str, str]:
        url = self.server.url
        return {
            "kind": "zoho", "accounts_url": url, "billing_url": f"{url}/billing/v1", "books_url": f"{url}/books/v3",
            "crm_url": f"{url}/crm/v8", "client_id": Zoho.client_id, "client_secret": Zoho.client_secret,
            "refresh_token": Zoho.refresh_token, "organization_id": str(Zoho.organization_id),
            "webhook_secret": Zoho.webhook_secret, "return_url": "http://127.0.0.1:9/back", "plan_code": PLAN,
            "read_seconds": PATIENCE,
        }  # fmt: skip

    def gateway(self, **other: str) -> Gateway:
        self.wire = Wire(read_seconds=float(PATIENCE))
        return Gateway("zoho", self.settings | other, self.wire)

    def subscribe(self, url: str, form: dict[str, str] = CARD, **changed: str) -> None:
        """As the payer in a browser."""
        answer = requests.post(url, data=form | changed, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text

    def told(self, topic: str = "") -> list[Any]:
        """Deliveries so far, oldest first."""
        return [row for row in self.zoho.webhooks.rows if topic in ("", row.topic)]


@contextmanager
def desk(*, clock: Clock | None = None, **changes: Any) -> Iterator[Desk]:
    """Serve a fresh organisation while the block runs. changes: of the double's own settings."""
    forget_gates()
    zoho = Zoho(clock)
    zoho.burst_limit = 100_000
    for name, value in changes.items():
        setattr(zoho, name, value)
    with running(zoho) as server:
        yield Desk(server, zoho)
