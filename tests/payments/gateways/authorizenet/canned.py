"""Replies as the processor notes have them, without any server."""

import json
from typing import Any

from payments.gateways.authorizenet import Gateway
from payments.gateways.base import HostedToken, Instrument, MethodRef, Money, OrderRef, Result
from payments.gateways.wire import Answer, Wire

SETTINGS = {
    "endpoint": "https://apitest.authorize.net/xml/v1/request.api", "login": "5KP3u95bQpv",
    "transaction_key": "346HZ32z3fP4hTG2", "client_key": "public", "signature_key": "00" * 64,
}  # fmt: skip
CARD = MethodRef("800000002", Instrument.CARD, "900000001", "1111")
BANK = MethodRef("800000009", Instrument.BANK, "900000001", "0022")
TOKEN = HostedToken("opaque", descriptor="COMMON.ACCEPT.INAPP.PAYMENT")
ORDER = OrderRef("INV-1", "Tuition", ip="203.0.113.9")
USD = Money(1234, "USD")
KEY = "0TESTKEY000000000001"
OK = {"resultCode": "Ok", "message": [{"code": "I00001", "text": "Successful."}]}
BOM = b"\xef\xbb\xbf"


class Canned(Wire):
    """Answers the calls in turn. asked: the requests, as they were sent."""

    def answering(self, *replies: Any) -> "Canned":
        self.replies, self.asked = list(replies), []  # type: ignore[var-annotated]
        return self

    def send(self, method: str, url: str, *, data: Any = None, headers: Any = None, **rest: Any) -> Answer:
        self.asked.append(json.loads(data))
        body = self.replies.pop(0)
        return Answer(200, {}, body if isinstance(body, bytes) else BOM + json.dumps(body).encode())


def gateway(*replies: Any, **settings: str) -> tuple[Gateway, Canned]:
    wire = Canned().answering(*replies)
    return Gateway("north", SETTINGS | settings, wire), wire


def charged(*replies: Any, method: MethodRef = CARD) -> Result:
    """What comes of a charge of 12.34 that is answered so."""
    return gateway(*replies)[0].charge(method, USD, KEY, ORDER, None)


def refusal(code: str, text: str = "No.") -> dict[str, Any]:
    """An envelope without a transaction."""
    return {"messages": {"resultCode": "Error", "message": [{"code": code, "text": text}]}}


def approved(**changed: Any) -> dict[str, Any]:
    """A transaction that was approved, as recorded; changed: of its response."""
    told = {
        "responseCode": "1", "authCode": "ABC123", "avsResultCode": "Y", "cvvResultCode": "P", "cavvResultCode": "2",
        "transId": "60020000001", "refTransID": "", "transHash": "", "testRequest": "0", "accountNumber": "XXXX1111",
        "accountType": "Visa", "messages": [{"code": "1", "description": "This transaction has been approved."}],
        "transHashSha2": "", "networkTransId": "123456789NNNH",
    }  # fmt: skip
    return {"transactionResponse": told | changed, "refId": KEY, "messages": OK}


def refused(code: str, response_code: str = "2", **changed: Any) -> dict[str, Any]:
    """In the newer form: the envelope is an Error too."""
    errors = [{"errorCode": code, "errorText": "This transaction has been declined."}]
    found = approved(responseCode=response_code, transId="0", authCode="", errors=errors, messages=[], **changed)
    return found | refusal("E00027", "The transaction was unsuccessful.")


def details(**changed: Any) -> dict[str, Any]:
    """A record; changed: of its transaction."""
    told = {
        "transId": "60020000001", "submitTimeUTC": "2026-03-09T14:05:06.789Z",
        "transactionType": "authCaptureTransaction", "transactionStatus": "capturedPendingSettlement",
        "responseCode": 1, "responseReasonCode": 1, "responseReasonDescription": "Approval", "authCode": "ABC123",
        "AVSResponse": "Y", "cardCodeResponse": "M", "order": {"invoiceNumber": KEY}, "authAmount": 12.34,
        "settleAmount": 12.34,
        "payment": {"creditCard": {"cardNumber": "XXXX1111", "expirationDate": "XXXX", "cardType": "Visa"}},
        "networkTransId": "123456789NNNH",
    }  # fmt: skip
    return {"transaction": told | changed, "messages": OK}


def bank_details(**changed: Any) -> dict[str, Any]:
    account = {
        "accountType": "checking", "routingNumber": "XXXX2882", "accountNumber": "XXXX0022",
        "nameOnAccount": "Ada Ames", "echeckType": "WEB",
    }  # fmt: skip
    return details(payment={"bankAccount": account}, **changed)
