"""A merchant's hand at the Dwolla double, for its own tests: plain HTTP by the book, no client library."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests

from tests.sandbox.clock import Clock
from tests.sandbox.dwolla import Dwolla
from tests.sandbox.dwolla.records import ACCOUNT, OWN_BALANCE, OWN_BANK
from tests.sandbox.server import Server, running

VENDOR = "application/vnd.dwolla.v1.hal+json"
TIMEOUT = 5
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)  # nine in the morning, Central


class Desk:
    """Asks with a token of its own. Paths may be whole addresses."""

    def __init__(self, server: Server) -> None:
        assert isinstance(server.processor, Dwolla)
        self.server, self.dwolla = server, server.processor
        self.token = self.new_token()
        self.own_bank, self.own_balance = (
            self.at(f"/funding-sources/{OWN_BANK}"),
            self.at(f"/funding-sources/{OWN_BALANCE}"),
        )
        self.account = f"/accounts/{ACCOUNT}"
        self.emails = 0

    def at(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.server.url}{path}"

    def new_token(self) -> str:
        answer = requests.post(
            self.at("/token"),
            data={"grant_type": "client_credentials"},
            auth=(Dwolla.key, Dwolla.secret),
            timeout=TIMEOUT,
        )
        token: str = answer.json()["access_token"]
        return token

    def ask(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> requests.Response:
        named = {"accept": VENDOR, "content-type": VENDOR, "authorization": f"Bearer {token or self.token}"}
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        return requests.request(method, self.at(path), json=body, headers=named, timeout=TIMEOUT)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, path: str, body: Any = None, **headers: str) -> str:
        """Create something; returns its address. The reply has no body."""
        answer = self.ask("POST", path, body, **headers)
        assert (answer.status_code, answer.content) == (201, b""), answer.text
        return answer.headers["location"]

    def refusal(
        self, path: str, body: Any = None, method: str = "POST", **headers: str
    ) -> tuple[int, str, list[tuple[str, str]]]:
        """HTTP status, code, and (code, path) of each embedded error."""
        answer = self.ask(method, path, body, **headers)
        told = answer.json()
        return (
            answer.status_code,
            told["code"],
            [(e["code"], e["path"]) for e in told.get("_embedded", {}).get("errors", [])],
        )

    # The cast

    def customer(self, first: str = "Ada", **more: Any) -> str:
        self.emails += 1
        return self.make(
            "/customers", {"firstName": first, "lastName": "Ames", "email": f"{first}{self.emails}@example.org", **more}
        )

    def verified(self, first: str = "Vera") -> str:
        return self.customer(
            first, type="personal", address1="1 Test Street", city="Testville", state="IA", postalCode="50309",
            dateOfBirth="1980-01-01", ssn="0000",
        )  # fmt: skip

    def bank(self, customer: str, name: str = "My bank", number: str = "123456789") -> str:
        asked = {"routingNumber": "222222226", "accountNumber": number, "bankAccountType": "checking", "name": name}
        return self.make(f"{customer}/funding-sources", asked)

    def good_bank(self, customer: str, name: str = "My bank", token: str = "bank-1") -> str:
        """Verified at once, by a partner's token."""
        asked = {"plaidToken": f"processor-sandbox-{token}", "bankAccountType": "checking", "name": name}
        return self.make(f"{customer}/funding-sources", asked)

    def transfer_body(self, source: str, destination: str, value: str = "12.34", label: str = "") -> dict[str, Any]:
        body: dict[str, Any] = {
            "_links": {"source": {"href": source}, "destination": {"href": destination}},
            "amount": {"currency": "USD", "value": value},
        }
        return body | ({"correlationId": label} if label else {})

    def pay(self, source: str, value: str = "12.34", label: str = "att-1", destination: str = "") -> str:
        return self.make("/transfers", self.transfer_body(source, destination or self.own_bank, value, label))

    def simulate(self) -> int:
        answer = self.ask("POST", "/sandbox-simulations")
        assert answer.status_code == 200
        total: int = answer.json()["total"]
        return total

    def status(self, address: str) -> str:
        found: str = self.get(address)["status"]
        return found

    def own_money(self) -> str:
        """What our own balance holds."""
        value: str = self.get(f"{self.own_balance}/balance")["balance"]["value"]
        return value

    def topics(self) -> list[str]:
        """Of all events so far, in their order."""
        return [event.topic for event in self.dwolla.events.values()]

    def topics_of(self, address: str) -> list[str]:
        identity = address.rsplit("/", 1)[-1]
        return [e.topic for e in self.dwolla.events.values() if e.body["resourceId"] == identity]


@contextmanager
def open_desk(at: datetime = MONDAY) -> Iterator[Desk]:
    """A fresh account on a clock that stands still."""
    with running(Dwolla(Clock(at))) as server:
        yield Desk(server)
