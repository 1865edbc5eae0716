"""The payer's app, as far as a page can be one."""

import re

from tests.sandbox.payer_page import button, facts, field, form, hint, page
from tests.sandbox.processor import route
from tests.sandbox.upi.mandates import Mandates
from tests.sandbox.upi.orders import Orders
from tests.sandbox.upi.records import Mandate, Order
from tests.sandbox.upi.words import VPA, is_known, rupees
from tests.sandbox.wire import Reply, Request, html_reply

WRONG_PIN = "0000"


class Payer(Orders, Mandates):
    @route("GET", "/payer/(?P<tr>[^/]+)")
    def show_order(self, request: Request) -> Reply:
        return html_reply(self._order_page(self.find_order(request.args["tr"])))

    @route("POST", "/payer/(?P<tr>[^/]+)")
    def act_on_order(self, request: Request) -> Reply:
        sent, order = request.form(), self.find_order(request.args["tr"])
        vpa, pin = sent.get("vpa", ""), sent.get("pin", "")
        if sent.get("action") == "decline":
            self.decline(order.tr)
        elif order.payer_vpa is None and not (VPA.fullmatch(vpa) and is_known(vpa)):
            return html_reply(self._order_page(order, "This UPI id is not known."))
        elif not re.fullmatch(r"\d{4,6}", pin):
            return html_reply(self._order_page(order, "The PIN has 4 to 6 digits."))
        elif pin == WRONG_PIN:
            self.decline(order.tr, "ZM")
        else:
            self.pay(order.tr, vpa)
        return html_reply(self._order_page(order))

    def _order_page(self, order: Order, problem: str = "") -> str:
        rows = {"To": self.PAYEE_NAME, "Amount": f"INR {rupees(order.minor)}", "Reference": order.tr}
        body = facts(rows | ({"For": order.note} if order.note else {}))
        if not order.waits:
            return page("UPI payment", body + hint(f"{order.status}: {order.shown()['message']}") + _answer(order))
        asked = field("UPI id", "vpa", "asha.rao@okbank") if order.payer_vpa is None else ""
        parts = (asked, field("UPI PIN", "pin", "1234", "password"), button("Pay", "approve"))
        tip = hint(f"Any PIN but {WRONG_PIN}. z9@okbank has no money, ut@okbank times out, rb@okbank is deemed.")
        return page("UPI payment", body + hint(problem) + form(*parts, button("Decline", "decline", True)) + tip)

    @route("GET", "/payer/mandates/(?P<ref>[^/]+)")
    def show_mandate(self, request: Request) -> Reply:
        return html_reply(self._mandate_page(self.find_mandate(request.args["ref"])))

    @route("POST", "/payer/mandates/(?P<ref>[^/]+)")
    def act_on_mandate(self, request: Request) -> Reply:
        mandate, action = self.find_mandate(request.args["ref"]), request.form().get("action", "")
        deeds = {
            "approve": self.approve_mandate, "decline": self.decline_mandate, "pause": self.pause_mandate,
            "resume": self.resume_mandate, "revoke": self.revoke_mandate,
        }  # fmt: skip
        if action in deeds:
            deeds[action](mandate.mandate_ref)
        return html_reply(self._mandate_page(mandate))

    def _mandate_page(self, mandate: Mandate) -> str:
        rows = {
            "To": self.PAYEE_NAME, "Up to": f"INR {rupees(mandate.max_minor)}", "How often": mandate.frequency,
            "From": f"{mandate.start_on}", "Until": f"{mandate.end_on}", "State": mandate.status,
        }  # fmt: skip
        buttons = {
            "PENDING": (button("Approve", "approve"), button("Decline", "decline", True)),
            "ACTIVE": (button("Pause", "pause"), button("Revoke", "revoke", True)),
            "PAUSED": (button("Resume", "resume"), button("Revoke", "revoke", True)),
        }.get(mandate.status, ())
        return page("UPI AutoPay", facts(rows) + (form(*buttons) if buttons else ""))


def _answer(order: Order) -> str:
    """What an app hands back to the one that called it: text of the payer's phone, which anybody can forge."""
    status = {"SUCCESS": "SUCCESS", "PENDING": "SUBMITTED", "DEEMED": "SUBMITTED"}.get(order.status, "FAILURE")
    text = f"txnId={order.txn_id or ''}&responseCode={order.code or ''}&ApprovalRefNo={order.rrn or ''}"
    return f'<output hidden id="answer">{text}&amp;Status={status}&amp;txnRef={order.tr}</output>'
