"""Gateway.js: 3-D Secure in the payer's browser, before a card is charged.

The library asks with a payment token, an amount and a currency. Most banks say at once that it is their customer; that
of the card CHALLENGED shows a step of its own. What comes of it is a cryptogram, good for one charge of just that card
and amount.
"""

import html
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.nmi.desk import Desk
from tests.sandbox.nmi.words import Refused, minor_of
from tests.sandbox.numbers import fingerprint
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply, json_reply, script_reply

STATIC = Path(__file__).parent / "static"
CHALLENGED = fingerprint("card", "4000000000002503")
CODE = "1234"  # what the payer's bank has sent to their telephone
ID = r"(?P<id>[0-9a-f-]{36})"
INDICATORS = {"visa": "05", "mastercard": "02"}
DONE = """<!doctype html><html lang="en"><title>Done</title><script>
parent.postMessage({{source: "GatewayJS", id: "{id}"}}, "*")</script></html>"""


@dataclass
class Asked:
    """state: "challenge", "complete" or "failed"."""

    card: str
    brand: str
    minor: int
    currency: str
    state: str
    cryptogram: str = ""
    transaction: str = ""


class Secure(Desk):
    checkout_key = "sandbox-precisepay-checkout-key"

    @route("GET", r"/js/v1/Gateway\.js")
    def gateway_js(self, request: Request) -> Reply:
        return script_reply((STATIC / "Gateway.js").read_text(encoding="utf-8"))

    @route("POST", r"/three-d-secure/begin")
    def begin_secure(self, request: Request) -> Reply:
        form = request.form()
        token = self.tokens.get(form.get("token", ""))
        if form.get("key") != self.checkout_key or token is None:
            return json_reply({"error": "Invalid payment token"}, 400)
        try:
            minor = minor_of(form.get("amount", ""))
        except Refused as wrong:
            return json_reply({"error": wrong.text}, 400)
        method = token.method
        state = "challenge" if method.fingerprint == CHALLENGED else "complete"
        made = Asked(method.fingerprint, method.brand, minor, form.get("currency", "USD").upper(), state)
        self.asked[key := str(uuid.uuid4())] = made
        if state == "complete":
            _complete(made)
        return json_reply(self._told(key))

    @route("GET", rf"/three-d-secure/{ID}")
    def secure_state(self, request: Request) -> Reply:
        key = request.args["id"]
        return json_reply(self._told(key)) if key in self.asked else self.not_there(request)

    @route("GET", rf"/three-d-secure/{ID}/step")
    def secure_step(self, request: Request) -> Reply:
        return self._page(request.args["id"])

    @route("POST", rf"/three-d-secure/{ID}/step")
    def answer_step(self, request: Request) -> Reply:
        key, form = request.args["id"], request.form()
        made = self.asked.get(key)
        if made is None or made.state != "challenge":
            return self.not_there(request)
        if form.get("answer") == "refuse":
            made.state = "failed"
        elif form.get("code") == CODE:
            made.state = "complete"
            _complete(made)
        else:
            return self._page(key, "<p role=alert>That is not the code.</p>")
        return html_reply(DONE.format(id=key))

    def _page(self, key: str, wrong: str = "") -> Reply:
        made = self.asked[key]
        amount = html.escape(f"{made.currency} {made.minor / 100:.2f}")
        page = (STATIC / "step.html").read_text(encoding="utf-8")
        return html_reply(page.replace("AMOUNT", amount).replace("WRONG", wrong))

    def _told(self, key: str) -> dict[str, object]:
        made = self.asked[key]
        if made.state != "complete":
            return {"id": key, "state": made.state}
        return {
            "id": key, "state": "complete", "cavv": made.cryptogram, "xid": made.transaction,
            "cardHolderAuth": "verified", "eci": INDICATORS.get(made.brand, "05"), "threeDsVersion": "2.2.0",
            "directoryServerId": str(uuid.uuid4()), "cardHolderInfo": None,
        }  # fmt: skip

    def check_secure(self, form: dict[str, str], card: str, minor: int) -> bool:
        """Whether the payer's bank vouches for this very charge; once. Raises Refused for a cryptogram of another."""
        cryptogram = form.get("cavv", "")
        if not cryptogram:
            return False
        key = next((key for key, made in self.asked.items() if made.cryptogram == cryptogram), "")
        made = self.asked.get(key)
        currency = (form.get("currency") or "USD").upper()
        if made is None or (made.card, made.minor, made.currency) != (card, minor, currency):
            raise Refused("Invalid cavv")
        if form.get("cardholder_auth") != "verified" or form.get("xid") != made.transaction:
            raise Refused("Invalid cardholder_auth")
        made.cryptogram = ""
        return True


def _complete(made: Asked) -> None:
    made.cryptogram, made.transaction = secrets.token_urlsafe(20), secrets.token_hex(10)
