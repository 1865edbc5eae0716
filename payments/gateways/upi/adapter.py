"""UPI on the port of all processors. Payments in orders.py, AutoPay in mandates.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from payments.gateways import base
from payments.gateways.base import (
    Event,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MandateTerms,
    MethodRef,
    MethodUpdate,
    MethodView,
    Money,
    NotSupported,
    OrderHint,
    OrderRef,
    Outcome,
    PayerRef,
    Reason,
    Result,
    SettledItem,
    StoredCredential,
)
from payments.gateways.json_line import Line, Unanswered, not_done, unanswered
from payments.gateways.upi import hooks, links, mandates, orders, reading, report
from payments.gateways.wire import Wire

# Of a payer, and what a log has no need of.
PRIVATE = frozenset(("vpa", "payer_vpa", "name", "uri"))
EXPIRES = "1800"


class Gateway:
    capabilities = frozenset({base.UPI, base.MANDATE, base.REDIRECT, base.FIND, base.SETTLEMENT, base.NOTIFY})

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name = name
        self.line = Line(settings["base_url"], (settings["key_id"], settings["key_secret"]), wire, PRIVATE)
        self.secret, self.payee = settings["webhook_secret"], (settings["payee_vpa"], settings["payee_name"])
        self.expires = settings.get("expires_seconds", EXPIRES)

    # Methods

    def check_handle(self, handle: str) -> Result:
        """Whether a UPI id exists, and whose it is. One of a wrong shape is not asked for."""
        return self._checked(Kind.VERIFY, handle, "")

    def _checked(self, kind: Kind, handle: str, key: str) -> Result:
        if not links.HANDLE.fullmatch(handle):
            return reading.declined(kind, key, "That is no UPI id.", Reason.INVALID_ACCOUNT)
        said = self.line.carry_out(kind, key, "POST", "/v1/vpa/validate", {"vpa": handle})
        if isinstance(said, Result):
            return said
        if said.code:
            return reading.refused(said, kind, key)
        if said.body.get("valid") is not True:
            code = reading.word(said.body, "code")
            return reading.declined(kind, key, reading.text(said.body), Reason.INVALID_ACCOUNT, code)
        holder = reading.word(said.body, "name")[:120]
        view = MethodView(holder=holder, bank_name=links.masked(handle), is_verified=True)
        return Result(Outcome.APPROVED, kind, key, token=handle, view=view)

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        """A UPI id that exists. Nothing is kept at the provider."""
        if token.instrument != Instrument.UPI:
            raise NotSupported(token.instrument)
        return self._checked(Kind.STORE, token.value, key)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        if method.instrument == Instrument.MANDATE:
            return self.mandate_status(method)
        return self._checked(Kind.VERIFY, method.token, key)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def delete_method(self, method: MethodRef, key: str) -> Result:
        """End a mandate. Of a UPI id there is nothing to be forgotten."""
        if method.instrument == Instrument.MANDATE:
            return mandates.revoke(self.line, method, key)
        return Result(Outcome.APPROVED, Kind.DELETE, key)

    # Money

    def start(self, money: Money, key: str, order: OrderRef, payer: PayerRef, return_url: str) -> Result:
        """A link that the payer's app opens; where payer.vault_id is a UPI id, a request in that app instead."""
        if "@" in payer.vault_id:
            return self._collect(payer.vault_id, money, key, order)
        made = orders.make(self.line, "intent", money, key, order, self.expires)
        if made.outcome == Outcome.PENDING and not made.redirect:
            return replace(made, redirect=links.link(*self.payee, key, money, orders.note_of(order)))
        shown = self._shown(made, None if made.existing else money)
        if made.redirect and not shown.redirect:
            return not_done(Kind.SALE, key, Unanswered("The provider's link pays somebody else."), money)
        return shown

    def _shown(self, result: Result, asked: Money | None = None) -> Result:
        """With the provider's link only where it pays us, this, and so much."""
        money = asked or result.money
        is_link = result.kind == Kind.SALE and result.redirect
        if not is_link or money is None or links.is_ours(result.redirect, self.payee[0], result.key, money):
            return result
        return replace(result, redirect="")

    def redirect_form(self, result: Result) -> Mapping[str, str]:
        """Nothing: a link is followed, or shown as a code."""
        return {}

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        """Debit a mandate; of a UPI id, ask its owner, who may take half an hour."""
        if method.instrument == Instrument.MANDATE:
            return mandates.debit(self.line, method, money, key, order)
        if method.instrument != Instrument.UPI:
            raise NotSupported(method.instrument)
        return self._collect(method.token, money, key, order)

    def _collect(self, handle: str, money: Money, key: str, order: OrderRef) -> Result:
        if not links.HANDLE.fullmatch(handle):
            return reading.declined(Kind.SALE, key, "That is no UPI id.", Reason.INVALID_ACCOUNT, money=money)
        return orders.make(self.line, "collect", money, key, order, self.expires, handle)

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        raise NotSupported(base.AUTHORIZE)

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported(base.AUTHORIZE)

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Take back a request that the payer has not answered."""
        return orders.cancel(self.line, ref, money, key)

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Pending; the provider pays it back within minutes."""
        return orders.refund(self.line, ref, money, key)

    # Mandates

    def create_mandate(self, terms: MandateTerms, payer: PayerRef, key: str, return_url: str) -> Result:
        return mandates.create(self.line, terms, key, self.payee[1])

    def mandate_status(self, method: MethodRef) -> Result:
        return mandates.status(self.line, method.payer_id, "")

    def notify_debit(self, method: MethodRef, money: Money, on: date, key: str) -> Result:
        """A collect request announces itself: of a UPI id nothing is told before."""
        if method.instrument != Instrument.MANDATE:
            return Result(Outcome.APPROVED, Kind.NOTIFY, key, money=money)
        return mandates.notify(self.line, method, money, on, key)

    # Questions

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """By our key, which is the provider's for everything. Notices and ended mandates by hint.payer_id besides."""
        try:
            if hint.kind == Kind.MANDATE:
                row = self.line.read(f"{mandates.MANDATES}/{key}")
                return [reading.mandate(row, Kind.MANDATE, key)] if row is not None else []
            if hint.kind == Kind.NOTIFY:
                return mandates.find_notice(self.line, hint.payer_id, key) if hint.payer_id else []
            if hint.kind == Kind.DELETE:
                return mandates.find_ended(self.line, hint.payer_id, key) if hint.payer_id else []
            if hint.kind in (Kind.STORE, Kind.VERIFY):
                return []  # nothing is kept there: it may be asked anew
            return [self._shown(one) for one in orders.find(self.line, key, hint)]
        except Unanswered as trouble:
            return [unanswered(hint.kind, key, trouble)]

    def status(self, ref: GatewayRef) -> Result:
        """A payment, a refund, or a mandate that was asked for: its reference says which."""
        try:
            if ref.ref.startswith(reading.MANDATE):
                key = ref.ref.removeprefix(reading.MANDATE)
                return mandates.status(self.line, key, key)
            return self._shown(orders.status(self.line, ref))
        except Unanswered as trouble:
            return unanswered(Kind.SALE, "", trouble)

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """Raises GatewayDown."""
        return report.settlement(self.line, day)

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        """The provider keeps no list; it tells by webhook what a payer changes in their app."""
        return []

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """Raises Forged, Unreadable."""
        hooks.verify(raw, headers, self.secret)
        return hooks.read(raw)

    def hosted_fields(self, language: str) -> dict[str, str]:
        """None: a payer pays in their own app."""
        return {}
