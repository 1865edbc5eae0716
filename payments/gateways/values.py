"""What is handed to processors and what they hand back: amounts, references, results, reports, events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from payments.gateways.words import Advice, Check, Instrument, Kind, Moved, Outcome, Reason, State, Topic


@dataclass(frozen=True)
class Money:
    """minor: integer minor units by ISO 4217, as processors count them; never negative."""

    minor: int
    currency: str

    @property
    def decimal(self) -> Decimal:
        """In major units: 1250 USD as 12.50."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))


# ISO 4217 where it is not two; our own books write TWD without decimals, the wire does not.
_EXPONENTS = {"JPY": 0, "KRW": 0}


def exponent(currency: str) -> int:
    return _EXPONENTS.get(currency, 2)


def money(amount: Decimal, currency: str) -> Money:
    """Major units to the wire's. Raises ValueError for a fraction that the currency has not."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} {currency} has a fraction of a minor unit")
    return Money(int(minor), currency)


@dataclass(frozen=True)
class HostedToken:
    """What the processor's own fields in the payer's browser gave us: good once, kept nowhere.

    value: never logged. kind: what was typed there. holder, last4: what the payer's page may tell besides.
    """

    value: str = field(repr=False)
    instrument: Instrument = Instrument.CARD
    descriptor: str = ""
    holder: str = ""
    last4: str = ""


@dataclass(frozen=True)
class PayerRef:
    """Whose method it is. key: ours, the same for ever. vault_id: the payer's record at the processor, if any."""

    key: str
    name: str
    email: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    ip: str = ""
    phone: str = ""
    vault_id: str = ""


@dataclass(frozen=True)
class MethodRef:
    """A stored method at one gateway account. token: vault id, handle or URL. payer_id: the payer's record there."""

    token: str = field(repr=False)
    instrument: Instrument
    payer_id: str = field(default="", repr=False)
    last4: str = ""
    holder: str = ""
    postal_code: str = ""


@dataclass(frozen=True)
class GatewayRef:
    """Something the processor did before. ref: opaque, at most 200 characters. related: a second reference of it."""

    ref: str
    instrument: Instrument
    related: str = ""
    last4: str = ""


@dataclass(frozen=True)
class Authentication:
    """What the payer's bank said of them by 3-D Secure, told by the processor's script in their browser (R27).

    Good for one charge of the amount it was asked for; sent on, kept and logged nowhere. outcome: "verified", or
    "attempted" where the bank takes no part.
    """

    outcome: str
    cryptogram: str = field(default="", repr=False)
    transaction: str = field(default="", repr=False)
    indicator: str = ""
    version: str = ""
    directory_id: str = ""


@dataclass(frozen=True)
class OrderRef:
    """What is paid for, for the payer's statement and the processor's screens. number: at most 20 characters.

    notice: our key of the notice that announced the debit, where the scheme asks for one.
    """

    number: str
    description: str = ""
    email: str = ""
    ip: str = ""
    notice: str = ""
    authentication: Authentication | None = None


@dataclass(frozen=True)
class StoredCredential:
    """A charge of a stored card by the rules of the networks.

    initiated_by_payer: they are there. is_first: the one that lays the ground. plan: "recurring", "installment",
    "unscheduled". network_ref: of the first one.
    """

    initiated_by_payer: bool
    is_first: bool
    plan: str = "recurring"
    network_ref: str = ""


@dataclass(frozen=True)
class OrderHint:
    """What helps to find a call whose answer was lost, where the processor cannot search by our key."""

    kind: Kind
    money: Money
    last4: str
    sent_at: datetime
    instrument: Instrument = Instrument.CARD
    related: str = ""
    payer_id: str = ""


@dataclass(frozen=True)
class MethodView:
    """What may be shown and kept of a method. fingerprint: the processor's mark of the same card or account, if any."""

    brand: str = ""
    last4: str = ""
    exp_month: int = 0
    exp_year: int = 0
    bank_name: str = ""
    holder: str = ""
    fingerprint: str = ""
    is_verified: bool | None = None


@dataclass(frozen=True)
class Result:
    """What is known after one call. reason: None when approved. ref: "" where the processor gave none.

    token, payer_id: of a stored method. redirect: where the payer has to go. retry_after: aware UTC, by the processor.
    raw_text: scrubbed. occurred_at: aware UTC.
    """

    outcome: Outcome
    kind: Kind
    key: str
    money: Money | None = None
    approved: Money | None = None
    ref: str = ""
    related: str = ""
    reason: Reason | None = None
    raw_code: str = ""
    raw_text: str = ""
    avs: Check = Check.NOT_CHECKED
    cvv: Check = Check.NOT_CHECKED
    state: State | None = None
    view: MethodView | None = None
    token: str = field(default="", repr=False)
    payer_id: str = field(default="", repr=False)
    existing: bool = False
    network_ref: str = ""
    auth_code: str = ""
    occurred_at: datetime | None = None
    advice: Advice | None = None
    retry_after: datetime | None = None
    redirect: str = ""
    return_code: str = ""


@dataclass(frozen=True)
class SettledItem:
    """A line of a processor's report. money: never negative, `moved` says which way. key: ours, where it is known.

    batch: the processor's own group. code: of a return. ref, related: the transaction and what it belongs to.
    """

    moved: Moved
    money: Money
    on: date
    batch: str
    ref: str
    key: str = ""
    related: str = ""
    code: str = ""
    text: str = ""
    fee: Money | None = None


@dataclass(frozen=True)
class MethodUpdate:
    """News of a stored method: the account updater, a notification of change, a mandate's life.

    change: "updated", "closed", "contact", "unverified", "verified", "removed", "paused", "resumed", "revoked",
    "expired", "tries_used_up". event: the processor's identity of this news, the same however often it is told.
    """

    event: str
    token: str = field(repr=False)
    change: str
    at: datetime
    view: MethodView | None = None
    code: str = ""


@dataclass(frozen=True)
class Event:
    """A verified webhook. It is a hint: the truth is read back before anything is booked.

    id: the processor's, or made of what never changes; the same however often it is told. name: the processor's word.
    ref: of the transaction, method or subscription. key: ours, where it is told. facts: scrubbed, small, JSON.
    """

    id: str
    topic: Topic
    name: str
    ref: str = ""
    key: str = ""
    occurred_at: datetime | None = None
    update: MethodUpdate | None = None
    items: tuple[SettledItem, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class DebtorAccount:
    """A payer's bank account on its way into their bank's mandate; never kept here.

    ifsc: of the branch. kind: "savings" or "current". proof: how they agree: "netbanking", "debit_card", "aadhaar", or
    "paper", whose `image` is a JPEG or TIFF.
    """

    number: str = field(repr=False)
    ifsc: str
    kind: str = "savings"
    proof: str = "netbanking"
    image: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class MandateTerms:
    """What a payer is to allow: debits up to `most`, so often, from a day on. debit_day: of the month, 0 for any.

    scheme: "nach", "ecs" or "upi". frequency: "monthly", "quarterly", "half_yearly", "annual" or "any". handle: a UPI
    id. account: where the payer gives it to their bank through us. replaces: token of the mandate that ends with it.
    """

    scheme: str
    most: Money
    frequency: str
    starts_on: date
    ends_on: date | None = None
    debit_day: int = 0
    handle: str = field(default="", repr=False)
    account: DebtorAccount | None = None
    replaces: str = field(default="", repr=False)
