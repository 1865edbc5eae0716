"""The calls of the Payments API that move money."""

from typing import Any

from tests.sandbox.paysafe import checks
from tests.sandbox.paysafe.account import HUB, ID
from tests.sandbox.paysafe.payments import Payments
from tests.sandbox.paysafe.records import Payment
from tests.sandbox.paysafe.views import (
    decline_view,
    payment_view,
    refund_view,
    settlement_view,
    verification_view,
    void_view,
)
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

PAYMENT_KEYS = (
    "merchantRefNum", "amount", "currencyCode", "paymentHandleToken", "settleWithAuth", "dupCheck", "customerIp",
    "accountId", "merchantDescriptor", "storedCredential", "description", "preAuth", "profile", "keywords",
    "splitpay", "level2level3", "airlineTravelDetails",
)  # fmt: skip
VERIFICATION_KEYS = (
    "merchantRefNum", "paymentHandleToken", "currencyCode", "accountId", "dupCheck", "customerIp", "description",
    "amount", "profile", "billingDetails", "merchantDescriptor", "storedCredential",
)  # fmt: skip
SETTLEMENT_KEYS = ("merchantRefNum", "amount", "dupCheck", "splitpay")
REFUND_KEYS = ("merchantRefNum", "amount", "dupCheck", "splitpay")
# No dupCheck: only what is left of the authorisation stops a second void.
VOID_KEYS = ("merchantRefNum", "amount")


class Hub(Payments):
    @route("POST", f"{HUB}/payments")
    def pay(self, request: Request) -> Reply:
        """A single-use handle is spent by a payment, whatever becomes of it."""
        asked = checks.body_of(request, PAYMENT_KEYS)
        if asked.get("dupCheck", True):
            self.check_unused(self.payments, checks.ref_of(asked))
        handle = self.payable_handle(asked)
        payment = self.new_payment(
            asked | {"currencyCode": asked.get("currencyCode") or handle.currency},
            handle.instrument, handle.token, billing=handle.billing,
        )  # fmt: skip
        if handle.usage == "SINGLE_USE":
            handle.status = "COMPLETED"
        if payment.code:
            reply = self.failed(payment.code, decline_view(payment))
        else:
            reply = json_reply(self.shown_payment(payment))
        return self.held_back(reply, payment.amount, payment.instrument)

    def shown_payment(self, payment: Payment) -> dict[str, Any]:
        return payment_view(payment, self.settlements_of(payment) if self.embeds_settlements else None)

    @route("POST", f"{HUB}/payments/{ID}/settlements")
    def settle(self, request: Request) -> Reply:
        asked = checks.body_of(request, SETTLEMENT_KEYS)
        return json_reply(settlement_view(self.capture(self.payments.get(request.args["id"]), asked)))

    @route("POST", f"{HUB}/payments/{ID}/voidauths")
    def void_auth(self, request: Request) -> Reply:
        asked = checks.body_of(request, VOID_KEYS)
        return json_reply(void_view(self.void(self.payments.get(request.args["id"]), asked)))

    @route("PUT", f"{HUB}/settlements/{ID}")
    def cancel_settled(self, request: Request) -> Reply:
        asked = checks.body_of(request, ("status",))
        return json_reply(settlement_view(self.cancel_settlement(self.settlements.get(request.args["id"]), asked)))

    @route("POST", f"{HUB}/settlements/{ID}/refunds")
    def refund(self, request: Request) -> Reply:
        asked = checks.body_of(request, REFUND_KEYS)
        return json_reply(refund_view(self.give_back(self.settlements.get(request.args["id"]), asked)))

    @route("PUT", f"{HUB}/refunds/{ID}")
    def cancel_refunded(self, request: Request) -> Reply:
        asked = checks.body_of(request, ("status",))
        return json_reply(refund_view(self.cancel_refund(self.refunds.get(request.args["id"]), asked)))

    @route("POST", f"{HUB}/verifications")
    def verify(self, request: Request) -> Reply:
        """The handle is not spent: it can still be saved or paid with."""
        asked = checks.body_of(request, VERIFICATION_KEYS)
        if asked.get("dupCheck", True):
            self.check_unused(self.verifications, checks.ref_of(asked))
        handle = self.payable_handle(asked)
        made = self.new_verification(
            asked | {"currencyCode": asked.get("currencyCode") or handle.currency},
            handle.instrument, handle.token, billing=asked.get("billingDetails") or handle.billing,
        )  # fmt: skip
        return self.failed(made.code, decline_view(made)) if made.code else json_reply(verification_view(made))
