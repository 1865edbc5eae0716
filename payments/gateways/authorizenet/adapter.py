"""Authorize.Net on the port of all processors. What is looked up is in finding.py, saved methods in vault.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from billing.office import clock
from payments.gateways import base
from payments.gateways.authorizenet import finding, forms, hooks, report, vault, verifying
from payments.gateways.authorizenet.codes import CODES, RELEASE, Meaning
from payments.gateways.authorizenet.line import Line, Row, Unanswered, mapping
from payments.gateways.authorizenet.replies import Call, judge
from payments.gateways.base import (
    Event,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    MethodUpdate,
    Money,
    NotSupported,
    OrderHint,
    OrderRef,
    Outcome,
    PayerRef,
    Reason,
    Result,
    SettledItem,
    State,
    StoredCredential,
)
from payments.gateways.wire import Lost, NotSent, Wire

# Where AcceptUI.js comes from, by the host that we speak to; a sandbox serves its own.
LIBRARIES = {
    "api.authorize.net": "https://js.authorize.net", "api2.authorize.net": "https://js.authorize.net",
    "apitest.authorize.net": "https://jstest.authorize.net",
}  # fmt: skip
LIBRARY = "/v3/AcceptUI.js"
TYPES = {Kind.SALE: "authCaptureTransaction", Kind.AUTHORIZE: "authOnlyTransaction", Kind.VERIFY: "authOnlyTransaction"}
# Of several things under one key, which counts.
COUNTS = (Outcome.APPROVED, Outcome.PENDING, Outcome.UNKNOWN, Outcome.DECLINED, Outcome.ERROR)
VERIFICATION = OrderRef("Verification")
GIVEN_UP = "Only a part was approved; its hold was given up."


class Gateway:
    """One account. A part of a charge that is approved is not taken: the processor only holds it, so it is given up."""

    capabilities = frozenset({
        base.CARD, base.BANK, base.AUTHORIZE, base.ZERO_VERIFY, base.ACCOUNT_UPDATER, base.FIND, base.SETTLEMENT,
    })  # fmt: skip

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing or cannot be."""
        self.name, self.settings = name, settings
        self.line = Line(settings, wire)
        self.client_key, self.currency = settings["client_key"], settings.get("currency") or "USD"
        self.window = settings.get("duplicate_window") or forms.LONGEST_WINDOW
        if not self.window.isdecimal() or int(self.window) > int(forms.LONGEST_WINDOW):
            raise KeyError("duplicate_window")
        self._signature_key = hooks.key_bytes(
            settings["signature_key"], settings.get("signature_key_encoding") or "text"
        )

    def hosted_fields(self, origin_language: str) -> dict[str, Any]:
        """What the payer's page needs for AcceptUI, public all of it; it speaks the browser's language."""
        parts = urlsplit(self.line.endpoint)
        origin = LIBRARIES.get(parts.hostname or "", f"{parts.scheme}://{parts.netloc}")
        return {
            "kind": "authorizenet", "library": self.settings.get("library") or origin + LIBRARY,
            "login": self.settings["login"], "client_key": self.client_key,
        }  # fmt: skip

    # Methods

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        return vault.store(self.line, token, payer, key)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        """Authorise nothing; where that is not supported a cent, which is given up at once. Not for bank accounts."""
        if method.instrument == Instrument.BANK:
            raise NotSupported(base.ZERO_VERIFY)
        order = replace(VERIFICATION, ip=payer.ip)
        hold = partial(self._take, Kind.VERIFY, method, key=key, order=order, credential=None)
        return verifying.verify(hold, partial(self._give_up, key=key), self.currency)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def delete_method(self, method: MethodRef, key: str) -> Result:
        return vault.delete(self.line, method, key)

    # Money

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        """A bank debit is pending until it is settled; what is held for review until a person let it pass."""
        return self._take(Kind.SALE, method, money, key, order, credential)

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        if method.instrument == Instrument.BANK:
            raise NotSupported(base.AUTHORIZE)
        return self._take(Kind.AUTHORIZE, method, money, key, order, credential)

    def _take(
        self, kind: Kind, method: MethodRef, money: Money, key: str, order: OrderRef,
        credential: StoredCredential | None,
    ) -> Result:  # fmt: skip
        call = Call(kind, key, method.instrument, money)
        if not method.payer_id:
            return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, "a method without its customer")
        body = forms.taking(TYPES[kind], method, money, key, order, credential, self.window)
        result = self._send(call, body, method.last4)
        is_first = credential is not None and credential.is_first
        return result if is_first else replace(result, network_ref="")

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """At most what was authorised, once; it keeps the authorisation's number."""
        call = Call(Kind.CAPTURE, key, ref.instrument, money, ref.ref)
        result = self._send(call, forms.capturing(ref, money))
        if not result.existing:
            return result
        unsure = call.result(Outcome.UNKNOWN, Reason.DUPLICATE, result.raw_text, result.raw_code)
        return self._looked_up(call) or unsure

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """The whole of it, before the night's batch; it keeps its number. What is settled is refused."""
        call = Call(Kind.VOID, key, ref.instrument, money, ref.ref)
        result = self._send(call, forms.voiding(ref.ref))
        is_refused = result.outcome in (Outcome.DECLINED, Outcome.ERROR) and CODES.get(result.raw_code) is not None
        seen = self._looked_up(call) if is_refused else None
        if seen is None:
            return replace(result, approved=None)
        return replace(seen, money=money, raw_code=result.raw_code)

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Give back a settled charge or a part of it, to the card or account that its record shows.

        A card may have a new number since, so the method's own last digits only help where there is no record.
        """
        call = Call(Kind.REFUND, key, ref.instrument, money, ref.ref)
        try:
            shown = mapping(finding.record(self.line, ref.ref) or {}, "payment")
        except Unanswered as trouble:
            shown, why = {}, trouble
        else:
            why = Unanswered("what it was paid with is not known")
        card, bank = mapping(shown, "creditCard"), mapping(shown, "bankAccount")
        last4 = str(card.get("cardNumber") or "")[-4:] or ("" if ref.instrument == Instrument.BANK else ref.last4)
        if not bank and not last4:
            return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, why.text, why.code)
        payment = forms.to_bank(bank) if bank else forms.to_card(last4)
        return self._send(call, forms.refunding(ref, money, key, payment, self.window), last4)

    def _send(self, call: Call, body: Row, last4: str = "") -> Result:
        """Make the one call, and say what is known after it."""
        try:
            said = self.line.ask("createTransactionRequest", refId=call.key, transactionRequest=body)
        except NotSent as trouble:
            return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, str(trouble))
        except Lost as trouble:
            return call.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, str(trouble))
        result = judge(call, said)
        if result.reason == Reason.DUPLICATE:
            return self._looked_up(call, last4) or result
        known = CODES.get(result.raw_code)
        is_part = known is not None and known.meaning == Meaning.PARTLY and bool(result.ref)
        return self._without_part(result) if is_part else result

    def _looked_up(self, call: Call, last4: str = "") -> Result | None:
        """What was done before under our key, or to what it follows; None where that does not show."""
        since, money = clock.now() - timedelta(seconds=int(self.window)), call.money or Money(0, self.currency)
        hint = OrderHint(call.kind, money, last4, since, call.instrument, call.related)
        try:
            found = self._found(call.key, hint)
        except Unanswered:
            return None
        best: Result | None = min(found, key=lambda one: COUNTS.index(one.outcome), default=None)
        return best

    def _without_part(self, result: Result) -> Result:
        """Give up the hold of a partial approval: it is not money, and holds up the payer's. approved: the part."""
        if not self._give_up(result.ref, key=result.key):
            return result
        return replace(result, outcome=Outcome.DECLINED, state=State.VOIDED, raw_text=GIVEN_UP)

    def _give_up(self, ref: str, *, key: str) -> bool:
        """Void a hold of ours. Whether that is certain."""
        return self.void(GatewayRef(ref, Instrument.CARD), Money(0, self.currency), key).outcome == Outcome.APPROVED

    # Questions

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        try:
            return self._found(key, hint)
        except Unanswered as trouble:
            unknown = Call(hint.kind, key, hint.instrument, hint.money, hint.related)
            return [unknown.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, trouble.text, trouble.code)]

    def _found(self, key: str, hint: OrderHint) -> list[Result]:
        """Raises Unanswered."""
        if hint.kind == Kind.STORE:
            return vault.saved(self.line, key, hint)
        if hint.kind == Kind.DELETE:
            return vault.deleted(self.line, key, hint)
        if hint.kind in (Kind.CAPTURE, Kind.VOID):
            return finding.followed(self.line, key, hint)
        found = finding.with_key(self.line, key, hint)
        if hint.kind == Kind.VERIFY:
            return [self._verified(one) for one in found]
        parts = (RELEASE, Reason.INSUFFICIENT_FUNDS)
        return [self._without_part(one) if (one.raw_code, one.reason) == parts else one for one in found]

    def _verified(self, found: Result) -> Result:
        """A hold of a cent that still stands is given up now."""
        is_held = found.approved is not None and found.approved.minor > 0
        plain = replace(found, money=None, approved=None)
        if found.state == State.VOIDED:
            return replace(plain, outcome=Outcome.APPROVED, reason=None)
        return verifying.judged(found, partial(self._give_up, key=found.key)) if is_held else replace(plain, state=None)

    def status(self, ref: GatewayRef) -> Result:
        """How a charge, authorisation with its capture, or refund stands now."""
        try:
            return finding.status(self.line, ref.ref, self.currency)
        except Unanswered as trouble:
            call = Call(Kind.SALE, "", ref.instrument)
            unknown = call.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, trouble.text, trouble.code)
            return replace(unknown, ref=ref.ref)

    # Reports

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """By UTC days. Fees and payouts are in no report. Raises GatewayDown."""
        return report.settlement(self.line, day, self.currency)

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        """Raises GatewayDown."""
        return report.updates(self.line, since)

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """Bank returns are in no webhook: they are in the report and in `status`. Raises Forged, Unreadable."""
        hooks.verify(raw, headers, self._signature_key)
        return hooks.read(raw)
