"""What the sandbox account remembers. Of cards and bank accounts: the last four digits and a fingerprint."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PENDING = ("capturedPendingSettlement", "refundPendingSettlement")
HELD = ("FDSPendingReview", "FDSAuthorizedPendingReview", "underReview")
OPEN = (*PENDING, "authorizedPendingCapture", "authorizedPendingRelease", *HELD)


@dataclass
class Instrument:
    """A card or bank account, looked at once. kind: card or bank. expires: "YYYY-MM" for cards, else ""."""

    kind: str
    brand: str
    last4: str
    fingerprint: str
    expires: str = ""
    fault: int = 0  # the reason code for which it is no good, 0 for none
    is_closed: bool = False
    card_code: str = "P"  # what the issuer says of the code, never the code
    zip: str = ""
    name: str = ""
    account_type: str = ""
    routing_last4: str = ""
    echeck_type: str = ""
    bank_name: str = ""

    @property
    def masked(self) -> str:
        return f"XXXX{self.last4}"


@dataclass
class Token:
    """opaqueData that waits to be used."""

    value: str
    instrument: Instrument
    made_at: datetime
    is_used: bool = False


@dataclass
class Returned:
    id: str
    at: datetime
    code: str
    text: str


@dataclass
class Transaction:
    """One transId. amounts in minor units. kind: authCaptureTransaction, authOnlyTransaction, refundTransaction, …

    response and reason: as first answered. key: the merchant's own, invoiceNumber or else refId.
    """

    id: str
    kind: str
    status: str
    minor: int
    currency: str
    at: datetime
    response: int
    reason: int
    instrument: Instrument
    key: str
    ref_id: str = ""
    invoice: str = ""
    description: str = ""
    refers_to: str = ""
    auth_code: str = ""
    avs: str = "P"
    cvv: str = "P"
    network_id: str = ""
    split_id: str = ""
    requested: int = 0
    bill_to: dict[str, str] = field(default_factory=dict)
    customer: dict[str, str] = field(default_factory=dict)
    customer_ip: str = ""
    user_fields: list[dict[str, str]] = field(default_factory=list)
    profile: tuple[str, str] | None = None
    likeness: tuple[str, ...] = ()  # equal for what counts as a duplicate
    batch_id: str = ""
    filters: list[str] = field(default_factory=list)
    returned: list[Returned] = field(default_factory=list)

    @property
    def is_bank(self) -> bool:
        return self.instrument.kind == "bank"


@dataclass
class Batch:
    """items: (what, transId), what being charge, refund, void, decline, returned, chargeback or reversed."""

    id: str
    settled_at: datetime
    method: str
    items: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Stored:
    """A payment profile."""

    id: str
    instrument: Instrument
    bill_to: dict[str, str] = field(default_factory=dict)
    customer_type: str = ""
    is_default: bool = False
    skips_updater: bool = False
    network_id: str = ""


@dataclass
class Profile:
    id: str
    merchant_customer_id: str = ""
    description: str = ""
    email: str = ""
    stored: dict[str, Stored] = field(default_factory=dict)


@dataclass
class CardUpdate:
    """One line of the account updater. reason: NAN new number, NED new expiry, ACL closed, CCH contact cardholder."""

    at: datetime
    reason: str
    profile_id: str
    stored_id: str
    bill_to: dict[str, str]
    old: Instrument
    new: Instrument | None


@dataclass
class Hook:
    id: str
    url: str
    events: list[str]
    status: str = "active"
    name: str = ""


@dataclass
class Notification:
    id: str
    event: str
    at: datetime
    hook_id: str
    payload: dict[str, Any]
