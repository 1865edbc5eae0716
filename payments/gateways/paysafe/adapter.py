"""Paysafe on the port of all processors. Payments here; what is looked up in finding.py, saved methods in vault.py."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from payments.gateways import base
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
    StoredCredential,
)
from payments.gateways.paysafe import finding, reading, report, vault, webhooks
from payments.gateways.paysafe.codes import CODES, Meaning
from payments.gateways.paysafe.hub import Hub, Row, Unanswered, step
from payments.gateways.wire import Lost, NotSent, Wire

# Where Paysafe.js comes from, by the host that we speak to; a sandbox serves its own.
LIBRARIES = {"api.paysafe.com": "https://hosted.paysafe.com", "api.test.paysafe.com": "https://hosted.test.paysafe.com"}
LIBRARY = "/js/v1/latest/paysafe.min.js"
ACCOUNT = "account_id"


class Gateway:
    capabilities = frozenset({base.CARD, base.BANK, base.AUTHORIZE, base.ZERO_VERIFY, base.FIND, base.SETTLEMENT})

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name, self.settings = name, settings
        self.hub = Hub(settings, wire)
        self.hmac_key, self.public_key = settings["hmac_key"], settings["public_key"]
        self.accounts = {key: value for key, value in settings.items() if key.startswith(ACCOUNT)}
        if not self.accounts:
            raise KeyError(ACCOUNT)

    # Methods

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        """Save what the payer typed into Paysafe's fields as a handle of theirs that can be used again."""
        return vault.store(self.hub, token, payer, key)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        """Ask the card's bank, for nothing. There is no such question for bank accounts."""
        if method.instrument == Instrument.BANK:
            raise NotSupported(base.ZERO_VERIFY)
        body = {"merchantRefNum": key, "paymentHandleToken": method.token}
        return self._send(Kind.VERIFY, key, "verifications", body, lambda row: reading.verification(row, key))

    def delete_method(self, method: MethodRef, key: str) -> Result:
        return vault.delete(self.hub, method, key)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    # Money

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        """A bank debit is pending until its settlement is completed."""
        return self._pay(Kind.SALE, method, money, key, order, credential)

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        if method.instrument == Instrument.BANK:
            raise NotSupported(base.AUTHORIZE)  # a bank debit is always settled with its authorisation
        return self._pay(Kind.AUTHORIZE, method, money, key, order, credential)

    def _pay(
        self, kind: Kind, method: MethodRef, money: Money, key: str, order: OrderRef,
        credential: StoredCredential | None,
    ) -> Result:  # fmt: skip
        account = self.accounts.get(f"{ACCOUNT}_{money.currency.lower()}") or self.accounts.get(ACCOUNT)
        if not account:
            return _not_done(kind, key, f"no account for {money.currency}")
        body: Row = {
            "merchantRefNum": key, "amount": money.minor, "currencyCode": money.currency,
            "paymentHandleToken": method.token, "settleWithAuth": kind == Kind.SALE, "dupCheck": True,
            "accountId": account,
        }  # fmt: skip
        if order.ip:
            body["customerIp"] = order.ip
        if credential and method.instrument != Instrument.BANK:
            body["storedCredential"] = stored_credential(credential)
        return self._send(
            kind, key, "payments", body, lambda row: reading.payment(row, kind, key, embedded(row)), money
        )

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        body = {"merchantRefNum": key, "amount": money.minor}
        path = f"payments/{step(ref.ref)}/settlements"
        return self._send(Kind.CAPTURE, key, path, body, lambda row: reading.settlement(row, key), money)

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Give up an authorisation by an amount, or cancel a whole settlement before the night's batch.

        A settlement that was batched is refused (3415), and one of another amount is not touched.
        """
        try:
            found = finding.settlement_of(self.hub, ref)
        except Unanswered as trouble:
            return _not_done(Kind.VOID, key, trouble.text, trouble.code)
        if found is None:
            body = {"merchantRefNum": key, "amount": money.minor}
            path = f"payments/{step(ref.ref)}/voidauths"
            return self._send(Kind.VOID, key, path, body, lambda row: reading.void(row, key), money)
        if found.get("status") == "CANCELLED":
            return replace(reading.cancelled(found, key), existing=True)
        if reading.money(found) not in (money, None):
            return _refusal(Kind.VOID, key, "Only the whole of a settlement can be cancelled.", money)
        path = f"settlements/{step(str(found.get('id') or ref.related))}"
        body = {"status": "CANCELLED"}
        return self._send(Kind.VOID, key, path, body, lambda row: reading.cancelled(row, key), money, method="PUT")

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Give back a batched settlement or a part of it; before the batch it is refused (3406): void it instead."""
        settlement = ref.related
        try:
            found = None if settlement else finding.settlement_of(self.hub, ref)
        except Unanswered as trouble:
            return _not_done(Kind.REFUND, key, trouble.text, trouble.code)
        settlement = settlement or str((found or {}).get("id") or "")
        if not settlement:
            return _refusal(Kind.REFUND, key, "Nothing of it was settled.", money)
        body = {"merchantRefNum": key, "amount": money.minor}
        path = f"settlements/{step(settlement)}/refunds"
        return self._send(
            Kind.REFUND, key, path, body, lambda row: reading.refund(row, key, ref.instrument), money,
            instrument=ref.instrument,
        )  # fmt: skip

    def _send(
        self, kind: Kind, key: str, path: str, body: Row, read: Callable[[Row], Result], money: Money | None = None,
        *, method: str = "POST", instrument: Instrument = Instrument.CARD,
    ) -> Result:  # fmt: skip
        """Make the one call, and say what is known after it."""
        try:
            said = self.hub.ask(method, path, body)
        except NotSent as trouble:
            return _not_done(kind, key, str(trouble))
        except Lost as trouble:
            return Result(
                Outcome.UNKNOWN, kind, key, money=money, reason=Reason.GATEWAY_TIMEOUT, raw_text=str(trouble)
            )  # fmt: skip
        if not said.is_refusal:
            return read(said.body)
        result = reading.refused(said, kind, key, money)
        known = CODES.get(said.code)
        is_repeated = known is not None and known.meaning == Meaning.LOOK_UP
        return self._adopted(result, instrument) if is_repeated and method == "POST" else result

    def _adopted(self, refused: Result, instrument: Instrument) -> Result:
        """Our key was used before: what was done with it then is the answer. Where nothing shows, it stays unknown."""
        try:
            found = finding.with_key(self.hub, refused.kind, refused.key, instrument)
        except Unanswered:
            return refused
        order = (Outcome.APPROVED, Outcome.PENDING, Outcome.DECLINED, Outcome.ERROR, Outcome.UNKNOWN)
        best = min(found, key=lambda result: order.index(result.outcome), default=None)
        return replace(best, existing=True) if best else refused

    # Questions

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        try:
            return finding.find(self.hub, key, hint)
        except Unanswered as trouble:
            return [finding.unanswered(hint.kind, key, trouble)]

    def status(self, ref: GatewayRef) -> Result:
        """How a payment, capture or refund stands now.

        A bank debit that came back after it was settled stays COMPLETED here, so it stays approved: see `came_back`.
        """
        try:
            return finding.status(self.hub, ref)
        except Unanswered as trouble:
            return finding.unanswered(Kind.SALE, "", trouble)

    def came_back(self, ref: GatewayRef) -> Result:
        """To be asked only after a webhook told that a settled bank debit was returned: whether its record agrees.

        Declined and returned where nothing of it can be refunded any more though it was not refunded; else its status.
        By itself that is no proof of a return: a debit may not be refundable for other reasons.
        """
        try:
            return finding.came_back(self.hub, ref)
        except Unanswered as trouble:
            return finding.unanswered(Kind.SALE, "", trouble)

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """Raises GatewayDown. See report.py for which day a bank debit is in."""
        return report.settlement(self.hub, day)

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        raise NotSupported(base.ACCOUNT_UPDATER)

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """Raises Forged, Unreadable."""
        return webhooks.parse(self.hmac_key, raw, headers)

    def hosted_fields(self, language: str) -> dict[str, Any]:
        """What the payer's page needs for Paysafe.js: public values only."""
        host = urlsplit(self.settings["base_url"]).hostname or ""
        origin = LIBRARIES.get(host, self.settings["base_url"].rstrip("/"))
        return {
            "kind": "paysafe", "library": self.settings.get("library") or origin + LIBRARY,
            "public_key": self.public_key, "environment": "LIVE" if host == "api.paysafe.com" else "TEST",
            "locale": "fr_CA" if language.lower().startswith("fr") else "en_US", **self.accounts,
        }  # fmt: skip


def stored_credential(credential: StoredCredential) -> dict[str, str]:
    """By the networks' rules. Scheduled charges are RECURRING; others are ADHOC if the payer is there, else TOPUP."""
    plan = "ADHOC" if credential.initiated_by_payer else "TOPUP"
    if credential.plan in ("recurring", "installment"):
        plan = "RECURRING"
    found = {"type": plan, "occurrence": "INITIAL" if credential.is_first else "SUBSEQUENT"}
    if credential.network_ref and not credential.is_first:
        found["initialTransactionId"] = credential.network_ref
    return found


def embedded(row: Row) -> list[Row] | None:
    """The settlements that a payment brings along; None where it brings none along at all."""
    rows = row.get("settlements")
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else None


def _not_done(kind: Kind, key: str, text: str, code: str = "") -> Result:
    """Nobody was asked to move anything."""
    return Result(Outcome.ERROR, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=code, raw_text=text)


def _refusal(kind: Kind, key: str, text: str, money: Money) -> Result:
    return Result(Outcome.DECLINED, kind, key, money=money, reason=Reason.GATEWAY_ERROR, raw_text=text)
