"""The payer's way: from the merchant's page to a bank's and back."""

from html import escape

import requests

from tests.sandbox.netbanking.desk import Desk
from tests.sandbox.netbanking.records import Payment
from tests.sandbox.netbanking.words import BANKS, NEEDED, paise, request_hash, rupees
from tests.sandbox.payer_page import button, facts, field, form, hint, page
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request, html_reply

WAYS = ("never", "twice", "late", "")
TIMEOUT = 10
WRONG_HASH = "Transaction failed due to incorrectly calculated hash parameter."
SUBMIT = '<script>document.getElementById("payu").submit()</script>'


class Visits(Desk):
    @route("POST", "/_payment")
    def arrive(self, request: Request) -> Reply:
        sent = request.form()
        if problem := self._problem(sent):
            return html_reply(page("Error", hint(problem)))
        known = self.payments.get(self.latest.get(sent["txnid"], ""))
        if known and known.end and known.status != "failure":
            return html_reply(page("Error", hint("Sorry, this is a duplicate txnid: it was used before.")))
        payment = known if known and not known.end else self._open(sent)
        return Reply(302, headers={"location": f"{request.base}/nb/{payment.mihpayid}"})

    def _problem(self, sent: dict[str, str]) -> str:
        missing = [name for name in NEEDED if not sent.get(name)]
        if missing:
            return f"Mandatory parameter missing: {', '.join(missing)}"
        if sent["key"] != self.KEY:
            return "Invalid merchant key."
        if sent["hash"] != request_hash(sent, self.SALT):
            return WRONG_HASH
        if not paise(sent["amount"]):
            return "Invalid amount."
        if len(sent["txnid"]) > 25:
            return "Invalid txnid."
        return "" if (sent.get("bankcode") or "TESTPGNB") in BANKS else "Invalid bankcode."

    def _open(self, sent: dict[str, str]) -> Payment:
        mihpayid = f"4039937155{self.number():08}"
        kept = {name: value for name, value in sent.items() if name not in ("key", "hash")}
        payment = self.payments[mihpayid] = Payment(
            mihpayid, sent["txnid"], paise(sent["amount"]), kept, self.clock.now(), self.extra_minor
        )  # fmt: skip
        self.latest[payment.txnid] = mihpayid
        return payment

    @route("GET", "/nb/(?P<mihpayid>[^/]+)")
    def show_bank(self, request: Request) -> Reply:
        payment = self.payments.get(request.args["mihpayid"])
        if payment is None:
            return self.not_there(request)
        rows = {"Pay to": "Sandbox School", "For": payment.sent["productinfo"], "Reference": payment.txnid}
        rows["Amount"] = f"INR {rupees(payment.minor)}"
        if payment.extra_minor:
            rows["Convenience fee"] = f"INR {rupees(payment.extra_minor)}"
        if payment.end:
            return html_reply(page(BANKS[payment.bankcode], facts(rows) + hint("This payment is over.")))
        asked = field("User name", "user", "payu") + field("Password", "password", "payu", "password")
        buttons = button("Confirm", "confirm") + button("Decline", "decline", True)
        return html_reply(page(BANKS[payment.bankcode], facts(rows) + form(asked, buttons)))

    @route("POST", "/nb/(?P<mihpayid>[^/]+)")
    def leave_bank(self, request: Request) -> Reply:
        payment, action = self.payments.get(request.args["mihpayid"]), request.form().get("action")
        if payment is None or action not in ("confirm", "decline"):
            return self.not_there(request)
        if not payment.end:
            self._end(payment, action)
        way, self.next_return = self.next_return, ""
        return html_reply(self._way_back(payment, way))

    def _end(self, payment: Payment, action: str) -> None:
        self.finish(payment, payment.wanted_end("paid" if action == "confirm" else "cancelled"), self.clock.now())

    def _way_back(self, payment: Payment, way: str) -> str:
        """The form that posts itself. never: none. late: it waits for a press. twice: it was posted once already."""
        if way == "never":
            return page("Connection lost", hint("The browser was closed before it went back."))
        if way == "twice":
            self._post(payment)
        fields = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in self.signed(payment).items()
        )
        back = f'<form id="payu" method="post" action="{escape(self._address(payment))}">{fields}'
        body = f"{back}<button>Back to the shop</button></form>"
        return page("Going back", body + ("" if way == "late" else SUBMIT))

    def _address(self, payment: Payment) -> str:
        return payment.sent["furl" if payment.status == "failure" else "surl"]

    def _post(self, payment: Payment) -> int:
        """The lock is let go meanwhile: the merchant's page asks us about the payment before it answers."""
        address, fields = self._address(payment), self.signed(payment)
        self.lock.release()
        try:
            return requests.post(address, data=fields, timeout=TIMEOUT, allow_redirects=False).status_code
        except requests.RequestException:
            return 0
        finally:
            self.lock.acquire()

    # Deeds

    def find(self, txnid: str) -> Payment:
        """Raises LookupError for what never came."""
        return self.payments[self.latest[txnid]]

    @deed("Confirm at the bank, without going back")
    def confirm(self, txnid: str) -> str:
        return self._pressed(txnid, "confirm")

    @deed("Decline at the bank, without going back")
    def decline(self, txnid: str) -> str:
        return self._pressed(txnid, "decline")

    def _pressed(self, txnid: str, action: str) -> str:
        payment = self.find(txnid)
        if not payment.end:
            self._end(payment, action)
        return payment.status

    @deed("Post the return from here: again, or late")
    def post_return(self, txnid: str) -> int:
        """HTTP status of the merchant's page, 0 where nobody answered."""
        payment = self.find(txnid)
        if not payment.end:
            raise LookupError(f"{txnid} is still at the bank")
        return self._post(payment)

    @deed("How the next payer comes back: never, twice, late")
    def steer_return(self, how: str = "never") -> None:
        if how not in WAYS:
            raise LookupError(how)
        self.next_return = how

    @deed("Decide a pending payment: success or failure")
    def resolve(self, txnid: str, outcome: str = "success") -> str:
        payment = self.find(txnid)
        if payment.end != "pending":
            raise LookupError(f"{txnid} is not pending")
        self.finish(payment, "paid" if outcome == "success" else "declined", self.clock.now())
        return payment.status

    @deed("Charge the payer for convenience from now on")
    def charge_extra(self, amount: str = "5.00") -> None:
        """amount: "" for nothing any more."""
        self.extra_minor = paise(amount)

    @deed("Charge a payment back")
    def charge_back(self, txnid: str) -> None:
        payment = self.find(txnid)
        if payment.status != "success" or payment.is_disputed or payment.refunded:
            raise LookupError(f"{txnid} cannot be charged back")
        payment.is_disputed = True
        self.ledger.add(self.clock.now(), "chargeback", payment.mihpayid, txnid, payment.minor, "INR")
