"""What we and Zoho say of one thing, and whether that is the same. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.money import ZERO
from payments.gateways.zoho.codes import GOOD_PAYMENT
from payments.models.zoho import OVER
from reconciliation.models.zoho_comparison import ZohoDiscrepancyKind as Kind

Facts = Mapping[str, str]
# So long the word of a change may be on its way by a webhook.
JUST_NOW = timedelta(minutes=15)
# Books keeps an invoice that a bank's debit paid open for so long (§3 of the requirements).
DEBIT_LAG = timedelta(days=15)
VOID, NOT_OWED = ("void", "deleted"), ("draft", "pending")


@dataclass(frozen=True)
class Found:
    """A difference. ours, theirs: what each side says. amount: the money in question."""

    kind: Kind
    subject: str
    currency: str
    ours: Facts
    theirs: Facts
    amount: Decimal = ZERO
    customer_id: int | None = None
    subscription_id: int | None = None
    bill_id: int | None = None
    zoho_payment_id: int | None = None


@dataclass
class Judged:
    """subjects: the things that were looked at, found: where they differ."""

    subjects: set[str] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)


def standing_of(status: str, open_amount: Decimal) -> str:
    """An invoice of Zoho's in one of four words, as ours are said."""
    if status in VOID:
        return "void"
    if status in NOT_OWED:
        return "not owed"
    return "paid" if open_amount == ZERO else "open"


def good(status: str) -> bool:
    return status in GOOD_PAYMENT


def runs(status: str) -> bool:
    """Whether a subscription runs at Zoho."""
    return bool(status) and status not in OVER


def lag_of(first_seen_at: datetime, now: datetime, zone: str) -> str:
    """How long a difference is known: "just_now", when it may still be on its way, "today" or "late"."""
    if now - first_seen_at < JUST_NOW:
        return "just_now"
    here = ZoneInfo(zone)
    return "today" if first_seen_at.astimezone(here).date() == now.astimezone(here).date() else "late"


def waits_for_bank(paid_by_debit_on: date | None, as_of: date) -> bool:
    """Whether a bank's debit is so young that Books may still call its invoice open."""
    return paid_by_debit_on is not None and as_of - paid_by_debit_on < DEBIT_LAG
