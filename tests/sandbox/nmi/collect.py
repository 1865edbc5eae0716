"""Collect.js: the library of the payer's browser, its fields, and the mint of payment tokens."""

from pathlib import Path

from tests.sandbox.nmi.desk import Desk
from tests.sandbox.nmi.instruments import card_of, check_of, code_fits, is_expired
from tests.sandbox.nmi.records import Method
from tests.sandbox.nmi.words import Refused
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply, json_reply, script_reply

STATIC = Path(__file__).parent / "static"


class Collect(Desk):
    """Served from the gateway's own origin, so that the merchant's page never sees a number."""

    @route("GET", r"/token/Collect\.js")
    def collect_js(self, request: Request) -> Reply:
        return script_reply((STATIC / "Collect.js").read_text(encoding="utf-8"))

    @route("GET", r"/token/fields")
    def lightbox(self, request: Request) -> Reply:
        """All fields in one panel."""
        return html_reply((STATIC / "fields.html").read_text(encoding="utf-8"))

    @route("GET", r"/token/field")
    def inline_field(self, request: Request) -> Reply:
        """One field, for variant inline."""
        return html_reply((STATIC / "field.html").read_text(encoding="utf-8"))

    @route("POST", r"/token/api/create")
    def create_token(self, request: Request) -> Reply:
        """What the fields send, as a form; the answer is what Collect.js hands to the page's callback."""
        form = request.form()
        if form.get("tokenization_key") != self.tokenization_key:
            return json_reply({"error": "Invalid Tokenization Key"}, 401)
        try:
            method = check_of(form) if "checkaba" in form else card_of(form.get("ccnumber", ""), form.get("ccexp", ""))
        except Refused as wrong:
            return json_reply({"error": wrong.text}, 400)
        if method.kind == "cc" and is_expired(method, self.clock.now()):
            return json_reply({"error": "Card is expired"}, 400)
        return json_reply(_answer(self.mint(method, code_fits(form.get("cvv", ""))), method))


def _answer(token: str, method: Method) -> dict[str, object]:
    """Nothing is known of the kind that was not chosen, but its keys are there all the same."""
    is_card = method.kind == "cc"
    card = {
        "number": method.in_events if is_card else None, "bin": method.first or None, "exp": method.expires or None,
        "type": method.brand or None, "hash": method.fingerprint if is_card else None,
    }  # fmt: skip
    check = {
        "name": method.holder or None, "account": None if is_card else method.account, "aba": method.aba or None,
        "transit": None, "institution": None, "hash": None if is_card else method.fingerprint,
    }  # fmt: skip
    return {"token": token, "card": card, "check": check, "wallet": {}}
