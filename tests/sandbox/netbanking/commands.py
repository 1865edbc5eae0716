"""What the merchant's server asks: commands posted to one address."""

from datetime import timedelta
from typing import Any

from tests.sandbox.netbanking.desk import Desk
from tests.sandbox.netbanking.records import Payment, Refund
from tests.sandbox.netbanking.words import paise, sha512
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

REFUND_AFTER = timedelta(days=1)
TOKEN_LENGTH = 23


class Commands(Desk):
    @route("POST", r"/merchant/postservice(\.php)?")
    def command(self, request: Request) -> Reply:
        """HTTP 200 whatever the answer is."""
        sent = request.form()
        name, var1 = sent.get("command", ""), sent.get("var1", "")
        found = {
            "verify_payment": self._verify, "cancel_refund_transaction": self._refund,
            "check_action_status": self._check_refund, "get_settlement_details": self._settlement,
        }.get(name)  # fmt: skip
        if sent.get("key") != self.KEY:
            return json_reply({"status": 0, "msg": "Invalid key."})
        if sent.get("hash", "") != sha512(self.KEY, name, var1, self.SALT):
            return json_reply({"status": 0, "msg": "Invalid Hash."})
        if found is None:
            return json_reply({"status": 0, "msg": "Invalid command."})
        return json_reply(found(sent, var1))

    def _verify(self, sent: dict[str, str], var1: str) -> dict[str, Any]:
        asked = var1.split("|")
        found = {txnid: payment for txnid in asked if (payment := self._seen(txnid))}
        nothing = {"mihpayid": "Not Found", "status": "Not Found"}
        details = {
            txnid: found[txnid].verified(as_open=self.hidden(found[txnid].ended_at)) if txnid in found else nothing
            for txnid in asked
        }
        said = f"{len(found)} out of {len(asked)} Transactions Fetched Successfully"
        return {"status": 1 if found else 0, "msg": said, "transaction_details": details}

    def _seen(self, txnid: str) -> Payment | None:
        payment = self.payments.get(self.latest.get(txnid, ""))
        return None if payment is None or self.hidden(payment.created_at) else payment

    def _refund(self, sent: dict[str, str], var1: str) -> dict[str, Any]:
        token, minor = sent.get("var2", ""), paise(sent.get("var3", ""))
        payment = self.payments.get(var1)
        if not (var1 and token and sent.get("var3")) or len(token) > TOKEN_LENGTH:
            return self._no(124, "Input Data missing", var1)
        if payment is None:
            return self._no(116, "Transaction Not Found", var1)
        if any(refund.token == token for refund in self.refunds.values()):
            return self._no(106, "Token already exists.", var1)
        if payment.status != "success":
            return self._no(111, "Invalid transaction status", var1)
        if payment.is_disputed:
            return self._no(113, "Invalid Amount - Chargeback of amount present", var1)
        if not 0 < minor <= payment.minor - payment.refunded:
            return self._no(105, "Invalid amount", var1)
        now, request_id = self.clock.now(), str(131_000_000 + self.number())
        self.refunds[request_id] = Refund(request_id, var1, token, minor, now, now + REFUND_AFTER)
        payment.refunded += minor
        return {
            "status": 1, "msg": "Refund Request Queued", "request_id": request_id, "bank_ref_num": None,
            "mihpayid": var1, "error_code": 102,
        }  # fmt: skip

    def _no(self, code: int, said: str, mihpayid: str) -> dict[str, Any]:
        return {"status": 0, "msg": f"Refund FAILURE - {said}", "error_code": code, "mihpayid": mihpayid}

    def _check_refund(self, sent: dict[str, str], var1: str) -> dict[str, Any]:
        by = "mihpayid" if sent.get("var2") == "payuid" else "request_id"
        found = {
            refund.request_id: refund.shown()
            for refund in self.refunds.values()
            if getattr(refund, by) == var1 and not self.hidden(refund.asked_at)
        }
        said = f"{1 if found else 0} out of 1 Transactions Fetched Successfully"
        return {"status": 1 if found else 0, "msg": said, "transaction_details": {var1: found or "No action status"}}

    def _settlement(self, sent: dict[str, str], var1: str) -> dict[str, Any]:
        payout = self.payouts.get(var1)
        if payout is None:
            return {"status": 0, "msg": "0 transactions settled.", "Txn_details": []}
        said = f"{len(payout.rows)} transactions settled."
        return {"status": 1, "msg": said, "Txn_details": payout.rows}
