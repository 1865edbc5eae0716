"""Accept.js and AcceptUI.js, the field page of the sandbox's own origin, and the door for making opaqueData."""

import secrets
from pathlib import Path
from typing import Any

from tests.sandbox.authorizenet.account import Done, operation
from tests.sandbox.authorizenet.instruments import (
    BAD_ACCOUNT,
    BAD_CARD,
    BAD_EXPIRY,
    EXPIRED,
    fault_of,
    from_bank,
    from_card,
)  # fmt: skip
from tests.sandbox.authorizenet.reading import Refused
from tests.sandbox.authorizenet.records import Token
from tests.sandbox.authorizenet.steering import Steering
from tests.sandbox.authorizenet.writing import message_block
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply, script_reply

WEB = Path(__file__).parent / "web"
DESCRIPTOR = "COMMON.ACCEPT.INAPP.PAYMENT"
_WORDS = {
    BAD_CARD: ("E_WC_05", "Please provide valid credit card number."),
    BAD_EXPIRY: ("E_WC_06", "Please provide valid expiration month."),
    EXPIRED: ("E_WC_08", "Expiration date must be in the future."),
    BAD_ACCOUNT: ("E_WC_24", "Please provide valid account number."),
}
_BAD_ROUTING = ("E_WC_25", "Please provide valid routing number.")


class Browser(Steering):
    @operation("securePaymentContainerRequest")
    def make_token(self, body: dict[str, Any]) -> Done:
        """One token for one card or bank account, asked by the browser with the public client key."""
        asked = body["data"]["token"]
        if "cardNumber" in asked:
            instrument = from_card(asked)
        elif "accountNumber" in asked:
            instrument = from_bank(asked)
        else:
            raise Refused("E_WC_23", "Please provide either card information or bank information.")
        if instrument.kind == "bank" and not asked.get("nameOnAccount"):
            raise Refused("E_WC_26", "Please provide valid account holder name.")
        fault = fault_of(instrument, self.clock.now())
        if fault:
            raise Refused(*_WORDS.get(fault, _BAD_ROUTING))
        token = Token(secrets.token_urlsafe(48), instrument, self.clock.now())
        self.tokens[token.value] = token
        opaque = {"dataDescriptor": DESCRIPTOR, "dataValue": token.value}
        return Done({"opaqueData": opaque}, message_block("Ok", ("I_WC_01", "Successful.")))

    @route("GET", r"/v1/Accept\.js")
    def accept_js(self, request: Request) -> Reply:
        return script_reply((WEB / "accept.js").read_text())

    @route("GET", r"/v[13]/AcceptUI\.js")
    def accept_ui_js(self, request: Request) -> Reply:
        return script_reply((WEB / "acceptui.js").read_text())

    @route("GET", r"/v3/acceptMain/acceptMain\.html")
    def field_page(self, request: Request) -> Reply:
        return html_reply((WEB / "fields.html").read_text())
