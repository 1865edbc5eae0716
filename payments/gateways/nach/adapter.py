"""NACH and ECS on the port of all processors. Mandates in mandates.py, debits and files in debits.py."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from payments.gateways import base
from payments.gateways.base import (
    Event,
    Forged,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MandateTerms,
    MethodRef,
    MethodUpdate,
    Money,
    NotSupported,
    OrderHint,
    OrderRef,
    Outcome,
    PayerRef,
    Result,
    SettledItem,
    StoredCredential,
)
from payments.gateways.json_line import Line, Unanswered, unanswered
from payments.gateways.nach import debits, mandates, reading
from payments.gateways.wire import Wire

# Of a debtor, and what a log has no need of.
PRIVATE = frozenset(("name", "account_no", "image", "debtor_name"))


class Gateway:
    capabilities = frozenset({base.MANDATE, base.FIND, base.SETTLEMENT, base.ACCOUNT_UPDATER})

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name, self.utility = name, settings["utility_code"]
        self.narration = settings.get("narration", "")
        self.line = Line(settings["base_url"], (self.utility, settings["password"]), wire, PRIVATE)

    # Mandates

    def create_mandate(self, terms: MandateTerms, payer: PayerRef, key: str, return_url: str) -> Result:
        return mandates.create(self.line, terms, payer, key)

    def mandate_status(self, method: MethodRef) -> Result:
        return mandates.status(self.line, method.token, "")

    def notify_debit(self, method: MethodRef, money: Money, on: date, key: str) -> Result:
        """The scheme asks for no notice: the payer is told by us alone."""
        return Result(Outcome.APPROVED, Kind.NOTIFY, key, money=money)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        return self.mandate_status(method)

    def delete_method(self, method: MethodRef, key: str) -> Result:
        return mandates.cancel(self.line, method, key)

    # Money

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        """Present a debit. Pending until the bank's result file; see `status` for what comes of it."""
        if method.instrument != Instrument.MANDATE:
            raise NotSupported(method.instrument)
        text = self.narration or order.description or order.number
        return debits.present(self.line, self.utility, method, money, key, text)

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """A file that was taken in cannot be taken back."""
        raise NotSupported("void")

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Money goes back to a debtor by bank transfer, not by this way."""
        raise NotSupported("refund")

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        raise NotSupported(base.AUTHORIZE)

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported(base.AUTHORIZE)

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        raise NotSupported(token.instrument)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    # Questions

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """Debits and registrations by our key; whether a mandate has ended by hint.payer_id."""
        try:
            if hint.kind == Kind.MANDATE:
                row = self.line.read(f"{mandates.MANDATES}/{key}")
                return [reading.mandate(row, Kind.MANDATE, key)] if row is not None else []
            if hint.kind == Kind.DELETE:
                return mandates.find_ended(self.line, hint.payer_id, key) if hint.payer_id else []
            return debits.find(self.line, key) if hint.kind == Kind.SALE else []
        except Unanswered as trouble:
            return [unanswered(hint.kind, key, trouble)]

    def status(self, ref: GatewayRef) -> Result:
        """A debit, or a mandate that was asked for: its reference says which."""
        if ref.ref.startswith(reading.MANDATE):
            key = ref.ref.removeprefix(reading.MANDATE)
            return mandates.status(self.line, key, key)
        try:
            return reading.item(self.line.must_read(f"/items/{ref.ref}"), ref.ref)
        except Unanswered as trouble:
            return unanswered(Kind.SALE, "", trouble)

    def results(self, since: date) -> list[Result]:
        """Every debit that the bank's result files tell of. Raises GatewayDown."""
        return debits.results(self.line, since)

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """Raises GatewayDown."""
        return debits.settlement(self.line, day)

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        """Raises GatewayDown."""
        return mandates.updates(self.line, since)

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """The bank tells nothing by itself: whoever says so is not the bank."""
        raise Forged("nach")

    def hosted_fields(self, language: str) -> dict[str, str]:
        return {}
