"""Paysafe.js: the library that a page loads, the frames it shows, and the call by which a token is made.

The number goes from the frame, whose origin is the processor's, to the processor; the page gets the token.
Bank accounts by hosted fields are a guess: the sources tell of card fields only.
"""

from pathlib import Path

from tests.sandbox.paysafe import checks
from tests.sandbox.paysafe.account import HUB
from tests.sandbox.paysafe.handles import KEYS
from tests.sandbox.paysafe.vault import Vault
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply, json_reply, script_reply

HERE = Path(__file__).parent


class Browser(Vault):
    @route("GET", r"/js/v1/(?:latest|\d+(?:\.\d+)*)/paysafe\.min\.js")
    def library(self, request: Request) -> Reply:
        return script_reply((HERE / "paysafe.js").read_text())

    @route("GET", "/js/v1/field.html")
    def field(self, request: Request) -> Reply:
        return html_reply((HERE / "field.html").read_text())

    @route("POST", f"{HUB}/singleusepaymenthandles")
    def make_single_use(self, request: Request) -> Reply:
        """With the public key. By number, or by what was saved for the customer whose token the page was given."""
        asked = checks.body_of(request, KEYS)
        saved = None
        if asked.get("singleUseCustomerToken"):
            source = checks.text_of(asked, "paymentHandleTokenFrom")
            saved = self.saved_by_token(checks.text_of(asked, "singleUseCustomerToken"), source)
        handle = self.new_handle(asked, saved.instrument if saved else None)
        if saved and saved.token in self.declining:
            self.declining[handle.token] = self.declining[saved.token]
        return json_reply(self.shown_handle(handle, request), 201)
