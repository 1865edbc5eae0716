"""Payment handles: what is to be paid with, shown once and from then on a token. And the 3-D Secure challenge."""

from html import escape
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox import numbers
from tests.sandbox.paysafe import checks
from tests.sandbox.paysafe.account import HUB, ID, Account
from tests.sandbox.paysafe.errors import Refused, bad_field
from tests.sandbox.paysafe.records import TTL, Handle, Instrument, stamp
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply, json_reply

KEYS = (
    "merchantRefNum", "transactionType", "paymentType", "amount", "currencyCode", "accountId", "card", "ach", "eft",
    "billingDetails", "returnLinks", "dupCheck", "customerIp", "profile", "merchantDescriptor", "threeDs",
    "shippingDetails", "webhook", "singleUseCustomerToken", "paymentHandleTokenFrom", "storedCredential",
)  # fmt: skip
TYPES = ("PAYMENT", "STANDALONE_CREDIT", "ORIGINAL_CREDIT", "VERIFICATION")
CHALLENGED = numbers.fingerprint("paysafe", "4000000000002503")
# What the payer does at the bank's page → (status, rel of the return link)
CHALLENGE = {
    "approve": ("PAYABLE", "on_completed"), "fail": ("FAILED", "on_failed"), "cancel": ("FAILED", "on_cancelled"),
}  # fmt: skip
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sandbox bank</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:0;background:#eef2f7;color:#1c2733}}
form{{max-width:22rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:12px;box-shadow:0 2px 12px #0002}}
button{{display:block;width:100%;margin-top:.6rem;padding:.7rem;border:1px solid #b9c4d0;border-radius:8px;
background:#fff;font:inherit;cursor:pointer}}button[value=approve]{{background:#14532d;color:#fff;border:0}}</style>
<form method="post"><h1 style="font-size:1.2rem;margin:0">Sandbox bank</h1>
<p>Is it you who pays with the card ending in {last}?</p>
<button name="answer" value="approve">Yes, approve</button><button name="answer" value="fail">Fail the check</button>
<button name="answer" value="cancel">Cancel</button></form></html>"""
DONE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox bank</title><p>Thank you.</p>
<script>parent.postMessage({{paysafe: "challenge", handle: "{id}", status: "{status}"}}, "*")</script></html>"""


def shown(handle: Handle, status: str, base: str) -> dict[str, Any]:
    """A handle as replies have it. base: where this server is reached; the payer is sent there when challenged."""
    found = {
        "id": handle.id, "paymentType": handle.instrument.kind, "paymentHandleToken": handle.token,
        "merchantRefNum": handle.ref, "currencyCode": handle.currency, "amount": handle.amount,
        "txnTime": stamp(handle.at), "status": status, "usage": handle.usage, "action": handle.action,
        "transactionType": handle.transaction, "accountId": handle.account, "billingDetails": handle.billing,
        "returnLinks": handle.links, **handle.instrument.shown(),
    }  # fmt: skip
    if handle.usage == "SINGLE_USE":
        found["timeToLiveSeconds"] = TTL
    if handle.action == "REDIRECT":
        found["links"] = [{"rel": "redirect_payment", "href": f"{base}/threedsecure/v2/challenge/{handle.id}"}]
    return found


class Handles(Account):
    @route("POST", f"{HUB}/paymenthandles")
    def make_handle(self, request: Request) -> Reply:
        asked = checks.body_of(request, KEYS)
        if asked.get("dupCheck") is True:
            self.check_unused(self.handles, checks.ref_of(asked))
        handle = self.new_handle(asked)
        if handle.action == "REDIRECT" and not handle.links:
            del self.handles[handle.id]
            raise bad_field("returnLinks")
        return json_reply(self.shown_handle(handle, request), 201)

    @route("GET", f"{HUB}/paymenthandles/{ID}")
    def show_handle(self, request: Request) -> Reply:
        handle = self.handles.get(request.args["id"])
        if handle is None or not self.is_seen(handle):
            raise Refused("5269")
        return json_reply(self.shown_handle(handle, request))

    def new_handle(self, asked: dict[str, Any], instrument: Instrument | None = None) -> Handle:
        """Make and keep one. instrument: known already; else it is read from what was asked."""
        ref = checks.ref_of(asked)
        kind = checks.one_of(asked, "transactionType", TYPES)
        instrument = instrument or self.instrument_of(asked)
        account, currency = self.account_of(asked)
        if instrument.kind in ("ACH", "EFT") and currency != {"ACH": "USD", "EFT": "CAD"}[instrument.kind]:
            raise Refused("5001")
        amount = checks.amount_of(asked) if asked.get("amount") or kind == "PAYMENT" else 0
        handle = Handle(
            self.new_id(), self.new_token("SC"), ref, self.clock.now(), instrument, account, currency, amount, kind,
            billing=checks.billing_of(asked), links=self._links_of(asked),
        )  # fmt: skip
        if instrument.fingerprint == CHALLENGED:
            handle.status, handle.action = "INITIATED", "REDIRECT"
        self.handles[handle.id] = handle
        return handle

    def instrument_of(self, asked: dict[str, Any]) -> Instrument:
        kind = checks.one_of(asked, "paymentType", ("CARD", "ACH", "EFT"))
        given = checks.part_of(asked, kind.lower())
        if kind == "CARD":
            return checks.card_of(given, self.clock.now())
        return checks.ach_of(given) if kind == "ACH" else checks.eft_of(given)

    def _links_of(self, asked: dict[str, Any]) -> list[dict[str, str]]:
        links = asked.get("returnLinks") or []
        fit = isinstance(links, list) and all(isinstance(link, dict) and link.get("href") for link in links)
        if not fit:
            raise bad_field("returnLinks")
        return [{key: str(link[key]) for key in ("rel", "href", "method") if key in link} for link in links]

    def shown_handle(self, handle: Handle, request: Request) -> dict[str, Any]:
        return shown(handle, handle.status_on(self.clock.now()), request.base)

    def find_handle(self, token: str) -> Handle | None:
        return next((handle for handle in self.handles.values() if handle.token == token), None)

    def payable_handle(self, asked: dict[str, Any]) -> Handle:
        """What the token stands for. Raises 5068 for no such token, 5502 withdrawn, 5283 used, late or unanswered."""
        handle = self.find_handle(checks.text_of(asked, "paymentHandleToken"))
        if handle is None:
            raise bad_field("paymentHandleToken")
        if handle.usage == "MULTI_USE" and handle.status != "PAYABLE":
            raise Refused("5502")
        if handle.status_on(self.clock.now()) != "PAYABLE":
            raise Refused("5283")
        return handle

    # 3-D Secure

    @route("GET", f"/threedsecure/v2/challenge/{ID}")
    def show_challenge(self, request: Request) -> Reply:
        handle = self._challenged(request)
        return html_reply(PAGE.format(last=escape(handle.instrument.last)))

    @route("POST", f"/threedsecure/v2/challenge/{ID}")
    def answer_challenge(self, request: Request) -> Reply:
        """The payer goes back by the link that fits, or by "default"; in a frame of the page, the page is told."""
        handle = self._challenged(request)
        answer = request.form().get("answer", "")
        if answer not in CHALLENGE:
            raise bad_field("answer")
        handle.status, rel = CHALLENGE[answer]
        handle.action = "NONE"
        self.announce(f"PAYMENT_HANDLE_{handle.status}", "PAYMENT_HANDLE", self._handle_event(handle))
        links = {link.get("rel", "default"): link["href"] for link in handle.links}
        where = links.get(rel) or links.get("default")
        if not where:
            return html_reply(DONE.format(id=handle.id, status=handle.status))
        if urlsplit(where).scheme not in ("http", "https"):
            raise bad_field("returnLinks")
        return Reply(303, headers={"location": where})

    def _challenged(self, request: Request) -> Handle:
        handle = self.handles.get(request.args["id"])
        if handle is None or handle.status_on(self.clock.now()) != "INITIATED":
            raise Refused("5269")
        return handle

    def _handle_event(self, handle: Handle) -> dict[str, Any]:
        return {
            "id": handle.id, "merchantRefNum": handle.ref, "amount": handle.amount, "currencyCode": handle.currency,
            "status": handle.status, "usage": handle.usage, "paymentType": handle.instrument.kind,
            "paymentHandleToken": handle.token, "txnTime": stamp(self.clock.now()),
        }  # fmt: skip
