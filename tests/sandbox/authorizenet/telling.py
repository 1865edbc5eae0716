"""How a transaction is drafted from what was asked, entered in the ledger, and answered."""

import hashlib
from decimal import Decimal
from typing import Any

from tests.sandbox.authorizenet.account import OK, Account, Done
from tests.sandbox.authorizenet.codes import response_of, text_of
from tests.sandbox.authorizenet.records import Instrument, Transaction
from tests.sandbox.authorizenet.writing import Items, message_block, money

UNSUCCESSFUL = message_block("Error", ("E00027", "The transaction was unsuccessful."))
CHARGES = ("authCaptureTransaction", "authOnlyTransaction")


class Telling(Account):
    def drafted(
        self, asked: dict[str, Any], ref_id: str, instrument: Instrument, bill_to: dict[str, str],
        profile: tuple[str, str] | None,
    ) -> Transaction:  # fmt: skip
        order, customer = asked.get("order", {}), asked.get("customer", {})
        invoice = order.get("invoiceNumber", "")
        minor = minor_of(asked.get("amount", ""))
        return Transaction(
            "0", asked["transactionType"], "generalError", -1 if minor is None else minor, self.currency,
            self.clock.now(), 0, 0, instrument, invoice or ref_id, ref_id, invoice, order.get("description", ""),
            refers_to=asked.get("refTransId", ""), split_id=asked.get("splitTenderId", ""), requested=minor or 0,
            bill_to=dict(bill_to), customer=dict(customer), customer_ip=asked.get("customerIP", ""),
            user_fields=asked.get("userFields", {}).get("userField", []), profile=profile,
            likeness=(
                asked["transactionType"], instrument.fingerprint, instrument.expires, str(minor), invoice,
                customer.get("id", ""), customer.get("email", ""), asked.get("refTransId", ""),
                *(bill_to.get(name, "") for name in ("firstName", "lastName", "address", "zip")),
            ),
        )  # fmt: skip

    def entered(self, kind: str, made: Transaction, note: str = "") -> None:
        self.ledger.add(self.clock.now(), kind, made.id, made.key, made.minor, made.currency, note)

    def announce(self, event: str, made: Transaction) -> None:
        raise NotImplementedError  # the webhooks' part

    def told(self, made: Transaction, reason: int, refers_to: str = "") -> Done:
        """The answer. A decline is Ok with responseCode 2, an error Error with E00027 and no transId of its own."""
        response = response_of(reason)
        is_new = not refers_to or made.kind == "refundTransaction"
        trans_id = made.id if response != 3 else "0"
        words = {"code": str(reason), "description": text_of(reason)}
        error = {"errorCode": str(reason), "errorText": text_of(reason)}
        fields: dict[str, Any] = {
            "responseCode": str(response), "authCode": made.auth_code if response in (1, 4) else "",
            "avsResultCode": made.avs, "cvvResultCode": made.cvv if is_new else "", "cavvResultCode": "",
            "transId": trans_id, "refTransID": refers_to, "transHash": "", "testRequest": "0",
            "accountNumber": made.instrument.masked if made.instrument.last4 else "",
            "accountType": made.instrument.brand,
        }  # fmt: skip
        if reason == 295:
            fields |= {"splitTenderId": made.split_id, "prePaidCard": _prepaid(made)}
        if response in (1, 4):
            fields["messages"] = Items("message", [words])
        else:
            fields["errors"] = Items("error", [error])
        if made.user_fields:
            fields["userFields"] = Items("userField", made.user_fields)
        fields["transHashSha2"] = ""
        if made.profile:
            fields["profile"] = {"customerProfileId": made.profile[0], "customerPaymentProfileId": made.profile[1]}
        if made.network_id and response == 1:
            fields["networkTransId"] = made.network_id
        return Done({"transactionResponse": fields}, UNSUCCESSFUL if response == 3 else OK)

    def _no(self, reason: int, refers_to: str) -> dict[str, Any]:
        nothing = Instrument("card", "", "", "")
        made = Transaction("0", "", "", 0, self.currency, self.clock.now(), 3, reason, nothing, "")
        return self.told(made, reason, refers_to).body


def _prepaid(made: Transaction) -> dict[str, str]:
    return {
        "requestedAmount": str(money(made.requested)), "approvedAmount": str(money(made.minor)),
        "balanceOnCard": "0.00",
    }  # fmt: skip


def minor_of(text: str) -> int | None:
    """Minor units; None for what is no amount of money, -1 for one below nothing."""
    if not text:
        return None
    scaled = Decimal(text).scaleb(2)
    if scaled != scaled.to_integral_value() or scaled < 0:
        return -1
    return int(scaled)


def auth_code_of(trans_id: str) -> str:
    return hashlib.sha256(trans_id.encode()).hexdigest()[:6].upper()
