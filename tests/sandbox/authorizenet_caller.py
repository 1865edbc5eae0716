"""Calls of the Authorize.Net sandbox by hand, in JSON or XML, and the usual things to ask of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import requests

from tests.sandbox.authorizenet import AuthorizeNet
from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running

BOM = b"\xef\xbb\xbf"
NAMESPACE = "AnetApi/xml/v1/schema/AnetApiSchema.xsd"
AT = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
VISA = {"cardNumber": "4111111111111111", "expirationDate": "2030-12", "cardCode": "900"}
BANK = {
    "accountType": "checking", "routingNumber": "121042882", "accountNumber": "123456789", "nameOnAccount": "Ada Payer",
    "echeckType": "WEB",
}  # fmt: skip
HOME = {"firstName": "Ada", "lastName": "Payer", "address": "1 Main Street", "zip": "98004"}


class Caller:
    """One merchant before one sandbox."""

    def __init__(self, server: Server, sandbox: AuthorizeNet) -> None:
        self.server, self.sandbox = server, sandbox
        self.api = f"{server.url}/xml/v1/request.api"

    def post(self, body: bytes, content_type: str = "application/json") -> requests.Response:
        return requests.post(self.api, data=body, headers={"content-type": content_type}, timeout=5)

    def ask(self, name: str, ref_id: str = "ref-1", **held: Any) -> dict[str, Any]:
        """In JSON, in the order given."""
        auth = {"name": self.sandbox.login_id, "transactionKey": self.sandbox.transaction_key}
        body = {name: {"merchantAuthentication": auth, "refId": ref_id, **held}}
        reply = self.post(json.dumps(body).encode())
        assert reply.status_code == 200 and reply.content.startswith(BOM)
        told: dict[str, Any] = json.loads(reply.content.removeprefix(BOM))
        return told

    def code(self, name: str, **held: Any) -> str:
        """Of the envelope."""
        code: str = self.ask(name, **held)["messages"]["message"][0]["code"]
        return code

    def xml(self, name: str, inner: str, space: str = NAMESPACE, head: str = "") -> ElementTree.Element:
        auth = (
            f"<merchantAuthentication><name>{self.sandbox.login_id}</name>"
            f"<transactionKey>{self.sandbox.transaction_key}</transactionKey></merchantAuthentication>"
        )
        body = f'<?xml version="1.0" encoding="utf-8"?>{head}<{name} xmlns="{space}">{auth}{inner}</{name}>'
        reply = self.post(body.encode(), "text/xml")
        assert reply.status_code == 200 and reply.content.startswith(BOM)
        return ElementTree.fromstring(reply.content.removeprefix(BOM))

    def transact(self, kind: str, ref_id: str = "ref-1", **held: Any) -> dict[str, Any]:
        """The transactionResponse."""
        told = self.ask("createTransactionRequest", ref_id, transactionRequest={"transactionType": kind, **held})
        answer: dict[str, Any] = told["transactionResponse"]
        return answer

    def sale(
        self, amount: str = "12.34", invoice: str = "INV-1", kind: str = "authCaptureTransaction",
        card: dict[str, str] | None = None, zip: str = "98004", **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        return self.transact(
            kind, amount=amount, payment={"creditCard": card or VISA}, order={"invoiceNumber": invoice},
            billTo=HOME | {"zip": zip}, **more,
        )  # fmt: skip

    def debit(
        self, amount: str = "50.00", invoice: str = "ACH-1", bank: dict[str, str] | None = None
    ) -> dict[str, Any]:
        payment = {"bankAccount": bank or BANK}
        return self.transact("authCaptureTransaction", amount=amount, payment=payment, order={"invoiceNumber": invoice})

    def refund(self, trans_id: str, amount: str, last4: str = "1111", **more: Any) -> dict[str, Any]:
        payment = {"creditCard": {"cardNumber": last4, "expirationDate": "XXXX"}}
        return self.transact("refundTransaction", amount=amount, payment=payment, refTransId=trans_id, **more)

    def details(self, trans_id: str) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("getTransactionDetailsRequest", transId=trans_id)["transaction"]
        return told

    def status(self, trans_id: str) -> str:
        told: str = self.details(trans_id)["transactionStatus"]
        return told

    def token(self, **token: str) -> dict[str, Any]:
        """As Accept.js asks for one."""
        body = {
            "securePaymentContainerRequest": {
                "merchantAuthentication": {"name": self.sandbox.login_id, "clientKey": self.sandbox.client_key},
                "data": {"type": "TOKEN", "id": "1", "token": token},
            }
        }
        told: dict[str, Any] = json.loads(self.post(json.dumps(body).encode()).content.removeprefix(BOM))
        return told

    def stored(self, payment: dict[str, Any] | None = None, bill_to: dict[str, str] | None = None) -> tuple[str, str]:
        """A new profile with one method: both ids."""
        number = f"C{len(self.sandbox.profiles) + 1}"
        told = self.ask(
            "createCustomerProfileRequest",
            profile={
                "merchantCustomerId": number,
                "paymentProfiles": {"billTo": bill_to or HOME, "payment": payment or {"creditCard": VISA}},
            },
            validationMode="none",
        )
        return told["customerProfileId"], told["customerPaymentProfileIdList"][0]


def reason(answer: dict[str, Any]) -> str:
    """The reason code of a transactionResponse."""
    code: str = answer["errors"][0]["errorCode"] if "errors" in answer else answer["messages"][0]["code"]
    return code


@contextmanager
def calling(sandbox: AuthorizeNet | None = None) -> Iterator[Caller]:
    """A caller before a running sandbox whose clock stands still at AT."""
    sandbox = sandbox or AuthorizeNet(Clock(AT))
    with running(sandbox) as server:
        yield Caller(server, sandbox)
