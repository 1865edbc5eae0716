"""The port that every processor is spoken to through, and what it answers (R41, R46).

Nothing here knows a processor. Nothing in an adapter knows our books: it is given keys, amounts and references, makes
one call, and says what is known now. What is not known for certain is `Outcome.UNKNOWN`, never a guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from payments.gateways.values import (
    Authentication,
    DebtorAccount,
    Event,
    GatewayRef,
    HostedToken,
    MandateTerms,
    MethodRef,
    MethodUpdate,
    MethodView,
    Money,
    OrderHint,
    OrderRef,
    PayerRef,
    Result,
    SettledItem,
    StoredCredential,
    exponent,
    money,
)
from payments.gateways.words import (
    ACCOUNT_UPDATER,
    AUTHORIZE,
    BANK,
    CARD,
    FIND,
    INSTANT_VERIFY,
    MANDATE,
    MICRO_DEPOSITS,
    NET_BANKING,
    NOTIFY,
    PARTIAL_APPROVAL,
    REDIRECT,
    SETTLEMENT,
    UPI,
    WALLET,
    ZERO_VERIFY,
    Advice,
    Check,
    Instrument,
    Kind,
    Moved,
    Outcome,
    Reason,
    State,
    Topic,
)

__all__ = [
    "ACCOUNT_UPDATER",
    "AUTHORIZE",
    "BANK",
    "CARD",
    "FIND",
    "INSTANT_VERIFY",
    "MANDATE",
    "MICRO_DEPOSITS",
    "NET_BANKING",
    "NOTIFY",
    "PARTIAL_APPROVAL",
    "REDIRECT",
    "SETTLEMENT",
    "UPI",
    "WALLET",
    "ZERO_VERIFY",
    "Advice",
    "Authentication",
    "Check",
    "DebtorAccount",
    "Event",
    "Forged",
    "GatewayDown",
    "GatewayRef",
    "HostedToken",
    "Instrument",
    "Kind",
    "LateReturns",
    "MandateGateway",
    "MandateTerms",
    "MethodRef",
    "MethodUpdate",
    "MethodView",
    "Money",
    "Moved",
    "NotSupported",
    "OrderHint",
    "OrderRef",
    "Outcome",
    "PayerRef",
    "PaymentGateway",
    "Reason",
    "RedirectGateway",
    "Result",
    "SettledItem",
    "State",
    "StoredCredential",
    "Topic",
    "Unreadable",
    "exponent",
    "money",
]


class Forged(Exception):
    """A webhook whose signature is missing or wrong."""


class Unreadable(Exception):
    """A webhook that is signed and cannot be read."""


class NotSupported(Exception):
    """Asked of a gateway what it has no capability for."""


class GatewayDown(Exception):
    """A report or list that could not be had; ask again later."""


class PaymentGateway(Protocol):
    """One outsider through one set of credentials. Raises nothing but NotSupported; trouble is a Result.

    Every call has timeouts, and is made outside any transaction. key: of the attempt that was committed before.
    """

    name: str
    capabilities: frozenset[str]

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result: ...
    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result: ...
    def start_micro_deposits(self, method: MethodRef, key: str) -> Result: ...
    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result: ...
    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result: ...
    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result: ...
    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result: ...
    def void(self, ref: GatewayRef, money: Money, key: str) -> Result: ...
    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result: ...
    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """Everything the processor has of our key; [] where it has nothing it would show by now. A question that was
        not answered is one Result with Outcome.UNKNOWN and kind of the hint."""
        ...

    def status(self, ref: GatewayRef) -> Result: ...
    def settlement(self, day: date) -> Iterable[SettledItem]:
        """Raises GatewayDown."""
        ...

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        """Raises GatewayDown."""
        ...

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """headers: by lower-case name. Raises Forged, Unreadable."""
        ...

    def delete_method(self, method: MethodRef, key: str) -> Result: ...


class MandateGateway(PaymentGateway, Protocol):
    """A processor of standing mandates (UPI AutoPay, NACH, ECS). A mandate is a method; its token is its number."""

    def create_mandate(self, terms: MandateTerms, payer: PayerRef, key: str, return_url: str) -> Result:
        """Pending, with `redirect` where the payer goes to agree; approved with `token` once they have."""
        ...

    def mandate_status(self, method: MethodRef) -> Result: ...
    def notify_debit(self, method: MethodRef, money: Money, on: date, key: str) -> Result:
        """The notice a day before, where the scheme asks for it. The debit's amount must be the same."""
        ...


@runtime_checkable
class LateReturns(Protocol):
    """A processor whose record of a settled debit stays as it was when the payer's bank takes it back."""

    def came_back(self, ref: GatewayRef) -> Result:
        """Whether its record agrees with a return that a webhook told of. By itself it proves nothing."""
        ...


class RedirectGateway(PaymentGateway, Protocol):
    """A processor at which the payer pays on a page or in an app of their bank (net banking, UPI)."""

    def start(self, money: Money, key: str, order: OrderRef, payer: PayerRef, return_url: str) -> Result:
        """Pending, with `redirect` where the payer goes: an address, or a upi:// link that is shown as a code too."""
        ...

    def redirect_form(self, result: Result) -> Mapping[str, str]:
        """Fields the payer's browser has to post to `redirect`; {} where it is simply followed."""
        ...

    def check_handle(self, handle: str) -> Result:
        """Whether a UPI id exists; its holder's name in `view`."""
        ...
