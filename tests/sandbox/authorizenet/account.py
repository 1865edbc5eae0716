"""The sandbox account: who may ask, what is remembered, and the one door of the XML and JSON API."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from tests.sandbox.authorizenet.instruments import from_bank, from_card
from tests.sandbox.authorizenet.reading import Refused, is_json, read
from tests.sandbox.authorizenet.records import (
    Batch,
    CardUpdate,
    Hook,
    Instrument,
    Notification,
    Profile,
    Token,
    Transaction,
)
from tests.sandbox.authorizenet.writing import message_block, written
from tests.sandbox.faults import Fault
from tests.sandbox.processor import Processor, route
from tests.sandbox.wire import Reply, Request, json_reply

API = "/xml/v1/request.api"
OK = message_block("Ok", ("I00001", "Successful."))
NONE_FOUND = message_block("Ok", ("I00004", "No records found."))
# Answered as ErrorResponse, whatever was asked.
_UNNAMED = {f"E{number:05d}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 10, 45, 53, 59)}
TOKEN_LIFE = timedelta(minutes=15)


@dataclass
class Done:
    body: dict[str, Any]
    messages: dict[str, Any]


Operation = Callable[[Any, dict[str, Any]], Done]


def operation(name: str) -> Callable[[Operation], Operation]:
    """Answers the request whose root has this name."""

    def mark(work: Operation) -> Operation:
        work.__dict__["operation"] = name
        return work

    return mark


class Account(Processor):
    name = "authorizenet"
    title = "Authorize.Net"
    kept = (
        "serial", "transactions", "batches", "profiles", "tokens", "card_updates", "hooks", "notifications",
        "next_reasons", "next_part", "avs_refused", "cvv_refused", "echeck_limit", "reports_allowed",
    )  # fmt: skip
    # Ten tries: three minutes apart at first, then eight hours.
    retries = (180.0,) * 3 + (28800.0,) * 7

    login_id: ClassVar[str] = "sandboxLogin"
    transaction_key: ClassVar[str] = "sandboxTransKey1"
    client_key: ClassVar[str] = "sandbox-public-client-key"
    signature_key: ClassVar[str] = "0011223344556677" * 8
    currency: ClassVar[str] = "USD"

    def start(self) -> None:
        self.serial = 0
        self.transactions: dict[str, Transaction] = {}
        self.batches: dict[str, Batch] = {}
        self.profiles: dict[str, Profile] = {}
        self.tokens: dict[str, Token] = {}
        self.card_updates: list[CardUpdate] = []
        self.hooks: dict[str, Hook] = {}
        self.notifications: list[Notification] = []
        self.next_reasons: list[tuple[int, bool]] = []  # reason code, and whether the money moved all the same
        self.next_part: int | None = None  # minor units of the partial approval to come
        self.avs_refused = ""
        self.cvv_refused = ""
        self.echeck_limit = 100_00
        self.reports_allowed = True

    def next_id(self, base: int) -> str:
        self.serial += 1
        return str(base + self.serial)

    @route("POST", API)
    def request_api(self, request: Request) -> Reply:
        ref_id: str | None = None
        root, as_json = "ErrorResponse", is_json(request.body, request.headers.get("content-type", ""))
        try:
            asked = read(request.body, request.headers.get("content-type", ""))
            ref_id = asked.body.get("refId")
            self._let_in(asked.name, asked.body)
            done = self._operation(asked.name)(asked.body)
        except Refused as refused:
            if refused.code not in _UNNAMED:
                root = _root(asked.name)
            messages = message_block("Error", (refused.code, refused.text))
            return written(root, messages, refused.body, ref_id, as_json=as_json)
        return written(_root(asked.name), done.messages, done.body, ref_id, as_json=as_json)

    def _operation(self, name: str) -> Callable[[dict[str, Any]], Done]:
        for one in dir(type(self)):
            if getattr(getattr(type(self), one), "operation", None) == name:
                found: Callable[[dict[str, Any]], Done] = getattr(self, one)
                return found
        raise Refused("E00004", "The name of the requested API method is invalid.")

    def _let_in(self, name: str, body: dict[str, Any]) -> None:
        given = body["merchantAuthentication"]
        if name == "securePaymentContainerRequest":
            if given.get("name") != self.login_id or given.get("clientKey") != self.client_key:
                raise Refused("E_WC_21", "User authentication failed due to invalid authentication values.")
            return
        if "clientKey" in given:
            raise Refused("E00059", "The authentication type is not allowed for this method call.")
        if given.get("name") != self.login_id or given.get("transactionKey") != self.transaction_key:
            raise Refused("E00007", "User authentication failed due to invalid authentication values.")

    @operation("authenticateTestRequest")
    def authenticate_test(self, body: dict[str, Any]) -> Done:
        return Done({}, OK)

    def instrument(self, payment: dict[str, Any]) -> Instrument | None:
        """What a payment element names; opaqueData is used up by it. Raises Refused."""
        if "creditCard" in payment:
            return from_card(payment["creditCard"])
        if "bankAccount" in payment:
            return from_bank(payment["bankAccount"])
        if "opaqueData" in payment:
            return self._spend(payment["opaqueData"])
        return None

    def _spend(self, opaque: dict[str, Any]) -> Instrument:
        token = self.tokens.get(opaque["dataValue"])
        if opaque["dataDescriptor"] != "COMMON.ACCEPT.INAPP.PAYMENT":
            raise Refused("E00113", "Invalid OTS Token Data.")
        if token is None or token.is_used:
            raise Refused("E00114", "Invalid OTS Token.")
        if self.clock.now() - token.made_at > TOKEN_LIFE:
            raise Refused("E00115", "Expired OTS Token.")
        token.is_used = True
        return token.instrument

    # In its own words

    def too_often(self, request: Request) -> Reply:
        if request.path != API:
            return json_reply({"status": 429, "reason": "TOO_MANY_REQUESTS", "message": "Too many requests."}, 429)
        return self._trouble(request, "E00053", "The server is currently too busy, please try again later.")

    def not_allowed(self, request: Request) -> Reply:
        if request.path != API:
            return self.rest_error(401, "INVALID_AUTHENTICATION", "User authentication failed.")
        return self._trouble(request, "E00007", "User authentication failed due to invalid authentication values.")

    def not_there(self, request: Request) -> Reply:
        return self.rest_error(404, "NOT_FOUND", "The requested resource was not found.")

    def rest_error(self, status: int, reason: str, message: str) -> Reply:
        told = {"status": status, "reason": reason, "message": message, "correlationId": self.next_id(10**9)}
        return json_reply(told, status)

    def _trouble(self, request: Request, code: str, text: str) -> Reply:
        as_json = is_json(request.body, request.headers.get("content-type", ""))
        return written("ErrorResponse", message_block("Error", (code, text)), {}, None, as_json=as_json)

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        """Every amount of a report is a dollar more."""
        pattern = r'((?:settleAmount|authAmount|approvedAmount)(?:>|":"?))(\d+\.\d\d)'
        text = re.sub(pattern, lambda found: f"{found[1]}{Decimal(found[2]) + 1}", reply.body.decode())
        return Reply(reply.status, text.encode(), reply.content_type, reply.headers)


def _root(name: str) -> str:
    """Of the answer. A profile out of a transaction is answered like any other new profile."""
    return name.removesuffix("Request").replace("ProfileFromTransaction", "Profile") + "Response"
