"""Dwolla as a whole: the API, and the drop-in components by which a payer types a bank without our seeing it."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from tests.sandbox.dwolla.customers import asked_of
from tests.sandbox.dwolla.hal import invalid, linked, said, wrong
from tests.sandbox.dwolla.office import ACTIONS
from tests.sandbox.dwolla.records import ClientToken
from tests.sandbox.dwolla.subscriptions import Subscriptions
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply, script_reply

HERE = Path(__file__).parent / "dropin"
LIVES = timedelta(hours=1)


class Dwolla(Subscriptions):
    """Ledger keys: correlationId, else the Idempotency-Key. A capture is there as soon as the transfer is made."""

    name: ClassVar[str] = "dwolla"
    title: ClassVar[str] = "Dwolla"

    @route("POST", r"/client-tokens")
    def create_client_token(self, request: Request) -> Reply:
        asked = asked_of(request)
        action, customer = str(asked.get("action") or ""), linked(asked, "customer")
        errors: list[dict[str, Any]] = []
        if action not in ACTIONS:
            errors.append(wrong("Invalid", "Invalid action.", "/action"))
        if customer not in self.customers:
            errors.append(wrong("Invalid", "Customer not found.", "/_links/customer/href"))
        if errors:
            raise invalid(*errors)
        token = secrets.token_urlsafe(32)
        self.client_tokens[token] = ClientToken(action, customer, self.clock.now() + LIVES)
        return said({"_links": {"self": self.link("/client-tokens", "client-token")}, "token": token})

    @route("GET", r"/v[\d.]+/dwolla-web\.js")
    def library(self, request: Request) -> Reply:
        return script_reply((HERE / "dwolla-web.js").read_text(encoding="utf-8"))

    @route("GET", r"/drop-ins/(?P<page>funding-source-create|micro-deposits-verify)")
    def fields(self, request: Request) -> Reply:
        return html_reply((HERE / f"{request.args['page']}.html").read_text(encoding="utf-8"))

    @route("GET", r"/drop-ins/fields\.js")
    def field_script(self, request: Request) -> Reply:
        return script_reply((HERE / "fields.js").read_text(encoding="utf-8"))

    @route("GET", r"/drop-ins/fields\.css")
    def field_style(self, request: Request) -> Reply:
        return Reply(200, (HERE / "fields.css").read_bytes(), "text/css; charset=utf-8")
