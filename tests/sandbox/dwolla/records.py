"""What Dwolla remembers. Ids are UUIDs, amounts integer cents of USD, instants aware UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# The platform's own account, owner of what no customer owns; its bank and its balance.
ACCOUNT = "ad5f2162-404a-4c4c-994e-6ab6c3a13254"
OWN_BANK = "5cfcdc41-10f6-4a45-b11d-7ac89893d985"
OWN_BALANCE = "9a8b4c1f-4f3d-4b1a-9d2e-3d1f1f8f2f55"


@dataclass
class Customer:
    """kind: unverified, receive-only, personal or business; the last two hold a balance once verified."""

    id: str
    first_name: str
    last_name: str
    email: str
    kind: str
    status: str
    created: datetime
    business_name: str | None = None
    correlation_id: str | None = None
    status_before: str = ""

    @property
    def is_barred(self) -> bool:
        return self.status in ("suspended", "deactivated")


@dataclass
class MicroDeposits:
    created: datetime
    status: str = "pending"  # pending, processed, failed
    tries: int = 0
    failure: str = ""


@dataclass
class Bank:
    """A funding source. owner: customer's id or ACCOUNT. kind: bank or balance; cents: of a balance.

    Of an account number nothing stays but its last four digits and the fingerprint.
    """

    id: str
    owner: str
    kind: str
    name: str
    status: str
    created: datetime
    account_type: str = ""
    bank_name: str = ""
    last4: str = ""
    fingerprint: str = ""
    removed: bool = False
    deposits: MicroDeposits | None = None
    on_demand: str = ""
    cents: int = 0


@dataclass
class Failure:
    code: str
    bank: str
    owner: str


@dataclass
class Transfer:
    """Money on its way from one funding source to another.

    steps: what the ACH network has still to do, of "debit" and "credit". role: main, or for the leg that Dwolla adds by
    itself between a bank and the balance of who holds one: funding (into it), funded (out of it). key: the merchant's.
    late: return code with which it will come back after it settled, and the bank that sends it.
    """

    id: str
    source: str
    destination: str
    cents: int
    created: datetime
    status: str = "pending"  # pending, processed, failed, cancelled
    steps: list[str] = field(default_factory=list)
    role: str = "main"
    key: str = ""
    correlation_id: str | None = None
    extras: dict[str, Any] = field(default_factory=dict)  # metadata, clearing, achDetails as they were asked for
    individual_ach_id: str | None = None
    settled_at: datetime | None = None
    funding: str = ""
    funded: str = ""
    parent: str = ""
    failure: Failure | None = None
    late: tuple[str, str] | None = None


@dataclass
class Item:
    id: str
    destination: str
    cents: int
    status: str = "pending"  # pending, success, failed
    transfer: str = ""
    correlation_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class MassPayment:
    id: str
    source: str
    created: datetime
    status: str  # deferred, pending, complete, cancelled
    key: str
    items: list[Item]
    correlation_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    due_at: datetime | None = None


@dataclass
class ClientToken:
    """One use of one action for one customer. customer "" for an action that has none yet."""

    action: str
    customer: str
    until: datetime
    is_used: bool = False


@dataclass
class Exchange:
    id: str
    customer: str
    partner: str
    fingerprint: str
    created: datetime


@dataclass
class Once:
    """A create that was asked for under an Idempotency-Key. body: fingerprint of what was asked."""

    path: str
    body: str
    location: str
    at: datetime


@dataclass
class Event:
    id: str
    topic: str
    body: dict[str, Any]
    created: datetime


@dataclass
class Subscription:
    id: str
    url: str
    secret: str
    created: datetime
    paused: bool = False
    failures: int = 0  # in a row
    failing_since: datetime | None = None
