"""A merchant and a payer for the tests of the Zoho sandbox: plain HTTP, nothing of the product."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import requests

from tests.sandbox.clock import Clock
from tests.sandbox.server import running
from tests.sandbox.zoho import Zoho

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CARD = {"number": "4111 1111 1111 1111", "holder": "Ada Payer", "month": "12", "year": "2030", "cvv": "999",
        "zip": "46225"}  # fmt: skip
BANK = {"kind": "bank", "routing": "021000021", "account": "123456789012"}


@dataclass
class Merchant:
    """Calls the sandbox as a merchant would. Replies are parsed with amounts as Decimal."""

    zoho: Zoho
    url: str
    token: str = ""

    def grant(self, **wrong: str) -> requests.Response:
        asked = {
            "client_id": Zoho.client_id, "client_secret": Zoho.client_secret, "refresh_token": Zoho.refresh_token,
            "grant_type": "refresh_token",
        } | wrong  # fmt: skip
        return requests.post(f"{self.url}/oauth/v2/token", data=asked, timeout=5)

    def sign_in(self) -> None:
        self.token = self.grant().json()["access_token"]

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """path: /billing/v1/…, /books/v3/… or /crm/v8/…"""
        headers = {"authorization": f"Zoho-oauthtoken {self.token}"}
        if path.startswith("/books"):
            query = {"organization_id": Zoho.organization_id} | query
        else:
            headers["X-com-zoho-subscriptions-organizationid"] = Zoho.organization_id
        return requests.request(method, self.url + path, json=body, params=query, headers=headers, timeout=5)

    def get(self, path: str, **query: Any) -> Any:
        return read(self.call("GET", path, **query))

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return read(self.call("POST", path, body if body is not None else {}, **query))

    # Shorthand

    def customer(self, name: str = "Ada Payer", **more: Any) -> str:
        asked = {"display_name": name, "email": "ada@payers.example", **more}
        return str(self.post("/billing/v1/customers", asked)["customer"]["customer_id"])

    def page(self, action: str, **asked: Any) -> dict[str, Any]:
        asked.setdefault("redirect_url", "http://127.0.0.1:9/back?from=zoho")
        page: dict[str, Any] = self.post(f"/billing/v1/hostedpages/{action}", asked)["hostedpage"]
        return page

    def pay(self, page: dict[str, Any], form: dict[str, str] = CARD, **changed: str) -> requests.Response:
        """As a person in a browser: look at the page, type, send."""
        seen = requests.get(page["url"], timeout=5)
        assert seen.status_code == 200
        for name in form:
            assert re.search(f'name="{name}"', seen.text)
        return requests.post(page["url"], data=form | changed, allow_redirects=False, timeout=5)

    def stored(self, customer_id: str, form: dict[str, str] = CARD) -> str:
        """A card or account on file; returns its id."""
        page = self.page("addpaymentmethod", customer_id=customer_id)
        assert self.pay(page, form).status_code == 302
        data = self.get(f"/billing/v1/hostedpages/{page['hostedpage_id']}")["data"]
        return str(data["card"]["card_id"] if "card" in data else data["bank_account"]["account_id"])

    def subscription(self, **asked: Any) -> dict[str, Any]:
        body = {"plan": {"plan_code": "TUITION-MONTHLY"}, "reference_id": "agreement-7"} | asked
        row: dict[str, Any] = self.post("/billing/v1/subscriptions", body)["subscription"]
        return row

    def subscribed(self, form: dict[str, str] = CARD, **asked: Any) -> dict[str, Any]:
        """Ada, with a stored method that Zoho collects from."""
        customer_id = self.customer()
        method_id = self.stored(customer_id, form)
        named = {"account_id" if form.get("kind") == "bank" else "card_id": method_id}
        return self.subscription(customer_id=customer_id, auto_collect=True, **named, **asked)

    def now(self, subscription: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = self.get(f"/billing/v1/subscriptions/{subscription['subscription_id']}")["subscription"]
        return row

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        row: dict[str, Any] = self.get(f"/billing/v1/invoices/{invoice_id}")["invoice"]
        return row

    def told(self) -> list[str]:
        """The events so far, oldest first."""
        return [row.topic for row in self.zoho.webhooks.rows]


def read(reply: requests.Response) -> Any:
    return json.loads(reply.content, parse_float=Decimal)


@contextmanager
def merchant(**settings: Any) -> Iterator[Merchant]:
    """A signed-in merchant of a sandbox of his own whose clock stands at START until it is moved."""
    zoho = Zoho(Clock(START))
    for name, value in settings.items():
        setattr(zoho, name, value)
    with running(zoho) as server:
        found = Merchant(zoho, server.url)
        found.sign_in()
        yield found


@dataclass
class Inbox:
    """Where webhooks arrive. status: what is answered."""

    url: str = ""
    status: int = 200
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body, parse_float=Decimal) for _path, _headers, body in self.calls]


@contextmanager
def inbox() -> Iterator[Inbox]:
    found = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.calls.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
