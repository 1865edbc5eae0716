"""What the processor remembers. Amounts: integer minor units. No card or account number is among it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

TTL = 899  # seconds for which a single-use handle can be paid with


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Instrument:
    """A card or bank account as it may be shown. kind: CARD, ACH or EFT. facts: what else a bank account has."""

    kind: str
    holder: str
    last: str
    fingerprint: str
    brand: str = ""
    bin: str = ""
    month: int = 0
    year: int = 0
    facts: dict[str, str] = field(default_factory=dict)

    def has_expired(self, now: datetime) -> bool:
        return self.kind == "CARD" and (self.year, self.month) < (now.year, now.month)

    def shown(self) -> dict[str, Any]:
        """One key, by the kind, as replies of the Payments API have it."""
        if self.kind != "CARD":
            named = {"accountHolderName": self.holder, "lastDigits": self.last}
            return {self.kind.lower(): named | self.facts}
        expiry = {"month": self.month, "year": self.year}
        return {
            "card": {
                "holderName": self.holder, "cardType": self.brand, "cardBin": self.bin, "lastDigits": self.last,
                "cardExpiry": expiry,
            }
        }  # fmt: skip


@dataclass
class Handle:
    """usage: SINGLE_USE or MULTI_USE. customer: whom it was saved for, an id. links: where the payer is sent after."""

    id: str
    token: str
    ref: str
    at: datetime
    instrument: Instrument
    account: str
    currency: str
    amount: int = 0
    transaction: str = "PAYMENT"
    usage: str = "SINGLE_USE"
    status: str = "PAYABLE"
    action: str = "NONE"
    customer: str = ""
    billing: dict[str, Any] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)

    def status_on(self, now: datetime) -> str:
        late = self.usage == "SINGLE_USE" and now > self.at + timedelta(seconds=TTL)
        return "EXPIRED" if late and self.status in ("INITIATED", "PAYABLE") else self.status


@dataclass
class Payment:
    """An authorisation, a sale or a bank debit, also one that was declined. to_settle: what may still be captured."""

    id: str
    ref: str
    at: datetime
    amount: int
    currency: str
    account: str
    instrument: Instrument
    settle_with_auth: bool
    token: str = ""
    status: str = "COMPLETED"
    code: str = ""
    auth_code: str = ""
    to_settle: int = 0
    avs: str = "NOT_PROCESSED"
    echo: dict[str, Any] = field(default_factory=dict)


@dataclass
class Settlement:
    """status: PENDING (cards) or PROCESSING (bank debits) until the batch, then COMPLETED; or CANCELLED, FAILED."""

    id: str
    ref: str
    at: datetime
    payment: str
    amount: int
    currency: str
    status: str = "PENDING"
    refunded: int = 0
    returned: bool = False

    @property
    def to_refund(self) -> int:
        closed = self.returned or self.status in ("PROCESSING", "CANCELLED", "FAILED")
        return 0 if closed else self.amount - self.refunded


@dataclass
class Refund:
    id: str
    ref: str
    at: datetime
    settlement: str
    amount: int
    currency: str
    status: str = "PENDING"


@dataclass
class Void:
    id: str
    ref: str
    at: datetime
    payment: str
    amount: int
    currency: str
    status: str = "COMPLETED"


@dataclass
class Verification:
    id: str
    ref: str
    at: datetime
    currency: str
    account: str
    instrument: Instrument
    token: str = ""
    status: str = "COMPLETED"
    code: str = ""
    auth_code: str = ""
    avs: str = "NOT_PROCESSED"


@dataclass
class Customer:
    """handles: ids of what was saved. tokens: single-use customer tokens, each with the instant it was made."""

    id: str
    reference: str
    at: datetime
    token: str
    facts: dict[str, Any] = field(default_factory=dict)
    handles: list[str] = field(default_factory=list)
    tokens: dict[str, datetime] = field(default_factory=dict)
