"""The adapter at the desk of a sandbox Paysafe: over HTTP, as in the office."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from payments.gateways.base import (
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    Money,
    OrderHint,
    OrderRef,
    PayerRef,
    Result,
)
from payments.gateways.paysafe import Gateway
from payments.gateways.wire import Wire
from tests.sandbox.paysafe import Paysafe
from tests.sandbox.server import Server

# Published test numbers.
VISA, MASTERCARD = "4111111111111111", "5200400000000009"
ADA = PayerRef(key="payer-ada", name="Ada Lovelace", email="ada@example.org", postal_code="12345")
ORDER = OrderRef(number="INV-2026-0001", description="School fees")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@dataclass
class Desk:
    """sandbox: the processor itself, to steer it and to look into its ledger."""

    sandbox: Paysafe
    server: Server
    gateway: Gateway = field(init=False)
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = self.open()

    def settings(self, **changed: str) -> dict[str, str]:
        return {
            "kind": "paysafe", "base_url": self.server.url, "user": self.sandbox.user,
            "password": self.sandbox.password, "public_key": self.sandbox.public_key(),
            "account_id_usd": "1000000001", "account_id_cad": "1000000002",
            "hmac_key": self.sandbox.hmac_key, **changed,
        }  # fmt: skip

    def open(self, read_seconds: float = 10, **changed: str) -> Gateway:
        self.wire = Wire(connect_seconds=2, read_seconds=read_seconds)
        return Gateway("north", self.settings(**changed), self.wire)

    def token(self, **what: Any) -> HostedToken:
        """What the browser's fields would have given us."""
        instrument = Instrument.BANK if "ach" in what or "eft" in what else Instrument.CARD
        card = {"cardNum": VISA, "cardExpiry": {"month": 12, "year": 2030}, "cvv": "123", "holderName": "Ada Lovelace"}
        body = {
            "merchantRefNum": f"page-{datetime.now(UTC).timestamp()}", "transactionType": "PAYMENT",
            "paymentType": "CARD", "amount": 100, "currencyCode": "USD", "accountId": "1000000001",
            "billingDetails": {"street": "1 Main St", "city": "Springfield", "country": "US", "zip": "12345"},
            **({} if instrument == Instrument.BANK else {"card": card}), **what,
        }  # fmt: skip
        answer = requests.post(
            f"{self.server.url}/paymenthub/v1/paymenthandles", json=body, timeout=5,
            auth=(self.sandbox.user, self.sandbox.password),
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return HostedToken(answer.json()["paymentHandleToken"], instrument)

    def ach(self) -> HostedToken:
        ach = {
            "accountHolderName": "Ada Lovelace", "payMethod": "WEB", "accountType": "CHECKING",
            "routingNumber": "122000247", "accountNumber": "1234567890",
        }  # fmt: skip
        return self.token(paymentType="ACH", ach=ach)

    def card(self, payer: PayerRef = ADA, **what: Any) -> MethodRef:
        return self.saved(self.token(**what), payer)

    def bank(self, payer: PayerRef = ADA) -> MethodRef:
        return self.saved(self.ach(), payer)

    def saved(self, token: HostedToken, payer: PayerRef = ADA) -> MethodRef:
        stored = self.gateway.store(token, payer, f"store-{token.value}"[:20])
        assert stored.token, stored
        last4 = stored.view.last4 if stored.view else ""
        return MethodRef(stored.token, token.instrument, stored.payer_id, last4)

    def charge(self, method: MethodRef, minor: int, key: str) -> Result:
        return self.gateway.charge(method, usd(minor), key, ORDER, None)

    def captured(self, key: str) -> int:
        """What the processor's own ledger says was taken with a key, in minor units."""
        return sum(entry.minor for entry in self.sandbox.ledger.captures(key))


def ref_of(result: Result, instrument: Instrument = Instrument.CARD) -> GatewayRef:
    return GatewayRef(result.ref, instrument, result.related)


def hint(
    minor: int = 0, kind: Kind = Kind.SALE, *, instrument: Instrument = Instrument.CARD, **more: Any
) -> OrderHint:  # fmt: skip
    return OrderHint(kind, usd(minor), more.pop("last4", "1111"), datetime.now(UTC), instrument, **more)
