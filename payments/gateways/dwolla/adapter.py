"""Dwolla on the port of all processors. Money here; bank accounts in vault.py, deposits.py, questions in finding.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from urllib.parse import urlsplit

from payments.gateways import base
from payments.gateways.base import (
    Advice,
    Event,
    GatewayDown,
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
    Result,
    SettledItem,
    State,
    StoredCredential,
)
from payments.gateways.dwolla import deposits, finding, reading, report, vault, webhooks
from payments.gateways.dwolla.calls import post
from payments.gateways.dwolla.finding import TRANSFERS
from payments.gateways.dwolla.hub import Hub, Row, Unanswered, identity, link
from payments.gateways.dwolla.tokens import NoToken
from payments.gateways.dwolla.vault import SOURCES
from payments.gateways.wire import Lost, NotSent, Wire

# Where dwolla-web.js comes from, and what it calls the host that we speak to; a sandbox serves its own.
HOSTS = {"api.dwolla.com": "production", "api-sandbox.dwolla.com": "sandbox"}
CDN, LIBRARY = "https://cdn.dwolla.com", "/v2/dwolla-web.js"
# What a payer's page may be let do: nothing that shows or moves money.
ADD_BANK, CONFIRM_BANK = "customer.fundingsources.create", "customer.microdeposits.verify"


class Gateway:
    capabilities = frozenset(
        {
            base.BANK, base.MICRO_DEPOSITS, base.INSTANT_VERIFY, base.ACCOUNT_UPDATER, base.FIND, base.SETTLEMENT,
        }
    )  # fmt: skip

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name, self.settings = name, settings
        self.hub = Hub(settings, wire)
        self.webhook_secret, self.funding_source = settings["webhook_secret"], settings["funding_source"]

    # Methods

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        """Keep a payer's bank account. See vault.store."""
        return vault.store(self.hub, token, payer, key)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        """Whether a bank account is proven: nothing moves."""
        return deposits.verify(self.hub, method, key)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        return deposits.start(self.hub, method, key)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        return deposits.confirm(self.hub, method, minor_amounts, key)

    def delete_method(self, method: MethodRef, key: str) -> Result:
        return vault.delete(self.hub, method, key)

    # Money

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        """Debit a proven bank account. Pending for days; see finding.status for what comes of it."""
        if method.instrument != Instrument.BANK:
            raise NotSupported(method.instrument)
        try:
            ends = self.hub.at(SOURCES, method.token), self.hub.at(SOURCES, self.funding_source)
        except Unanswered as trouble:
            return reading.not_done(Kind.SALE, key, trouble)
        return self._transfer(Kind.SALE, ends, money, key, {"order": order.number})

    def _transfer(self, kind: Kind, ends: tuple[str, str], money: Money, key: str, metadata: Row) -> Result:
        """Have money go from one bank account to another. Accepted by 201 and the address of the transfer."""
        if money.currency != reading.CURRENCY:
            return reading.not_done(kind, key, Unanswered(f"Dwolla moves {reading.CURRENCY} only."))
        body: Row = {
            "_links": {"source": {"href": ends[0]}, "destination": {"href": ends[1]}}, "amount": reading.amount(money),
            "metadata": metadata, "correlationId": key,
        }  # fmt: skip
        said = post(self.hub, kind, key, f"{self.hub.base}/{TRANSFERS}", body, money)
        if isinstance(said, Result):
            return said
        if said.is_refusal:
            return reading.refused(said, kind, key, money)
        try:
            ref = self.hub.at(TRANSFERS, said.location) if said.status == 201 else ""
        except Unanswered:
            ref = ""
        if not ref:
            return replace(reading.unclear(kind, key, f"HTTP {said.status}"), money=money)
        return Result(Outcome.PENDING, kind, key, money=money, ref=ref, state=State.PENDING_SETTLEMENT)

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        raise NotSupported(base.AUTHORIZE)

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported(base.AUTHORIZE)

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Cancel a whole transfer, until about four in the afternoon, Central Time, of the day it is processed."""
        try:
            url = self.hub.at(TRANSFERS, ref.ref)
            row = self.hub.must_read(url)
        except Unanswered as trouble:
            return reading.not_done(Kind.VOID, key, trouble)
        if row.get("status") == "cancelled":
            return replace(reading.voided(row, key, existing=True), ref=url)
        if not link(row, "cancel"):
            text = f"It can no longer be cancelled: {reading.last_status(row)}."
            return reading.declined(Kind.VOID, key, text, money=money)
        if reading.money(row) != money:
            return reading.declined(Kind.VOID, key, "Only the whole of a transfer can be cancelled.", money=money)
        said = post(self.hub, Kind.VOID, key, url, {"status": "cancelled"}, money)
        if isinstance(said, Result):
            return said
        if said.is_refusal:
            return reading.refused(said, Kind.VOID, key, money)
        found = reading.voided(said.body, key)
        return replace(found, ref=url) if found.outcome == Outcome.APPROVED else found

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Send money back to the bank account it came from: a transfer of its own, pending in its turn.

        Dwolla knows no refunds and would send more than came. What was sent back before is added up here, by the
        metadata of our transfers. A debit still on its way is refused: void it, or wait until it is processed.
        """
        try:
            row = self.hub.must_read(self.hub.at(TRANSFERS, ref.ref))
            if row.get("status") != "processed":
                return self._not_refundable(row, money, key)
            ends = self._back(row)
            before = finding.given_back(self.hub, row)
            same = next((one for one in before if one.get("correlationId") == key), None)
            if same is not None:
                return replace(finding.told(self.hub, same, Kind.REFUND, key), existing=True)
            left = finding.left_of(row, before)
        except Unanswered as trouble:
            return reading.not_done(Kind.REFUND, key, trouble)
        if money.currency == left.currency and money.minor > left.minor:
            text = f"{left.decimal:f} {left.currency} of it is left to refund."
            return reading.declined(Kind.REFUND, key, text, money=money)
        return self._transfer(Kind.REFUND, ends, money, key, {reading.REFUND_OF: identity(ref.ref)})

    def _back(self, row: Row) -> tuple[str, str]:
        """From where it went, to where it came from. Raises Unanswered."""
        ends = (link(row, f"{end}-funding-source") or link(row, end) for end in ("destination", "source"))
        ours, theirs = (self.hub.at(SOURCES, end) for end in ends)
        return ours, theirs

    def _not_refundable(self, row: Row, money: Money, key: str) -> Result:
        status = reading.last_status(row)
        is_early = status == "pending"
        text = "It is still on its way: void it, or wait." if is_early else f"Nothing of it is here: {status}."
        advice = Advice.RETRY_AFTER if is_early else Advice.DO_NOT_RETRY
        return reading.declined(Kind.REFUND, key, text, money=money, advice=advice)

    # Questions

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """By our correlationId. See Note [Why find does not resend]."""
        try:
            return finding.find(self.hub, key, hint)
        except Unanswered as trouble:
            return [reading.unanswered(hint.kind, key, trouble)]

    def status(self, ref: GatewayRef) -> Result:
        """A debit: pending, settled, or returned, which it may still be sixty days after it was settled."""
        try:
            return finding.status(self.hub, ref)
        except Unanswered as trouble:
            return reading.unanswered(Kind.SALE, "", trouble)

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """Raises GatewayDown. See report.settlement."""
        return report.settlement(self.hub, day)

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        """Bank accounts that were changed, proven, removed or barred. Raises GatewayDown."""
        return report.updates(self.hub, since)

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """Raises Forged, Unreadable."""
        return webhooks.parse(self.hub, self.webhook_secret, raw, headers)

    # The payer's page

    def hosted_fields(self, language: str) -> dict[str, str]:
        """What the payer's page needs for dwolla-web.js: public values only.

        It has also to be given a `client_token`, made for the one payer and the one thing they are about to do.
        """
        host = urlsplit(self.hub.base).hostname or ""
        origin = CDN if host in HOSTS else self.hub.base
        return {
            "kind": "dwolla", "library": self.settings.get("library") or origin + LIBRARY,
            "environment": HOSTS.get(host, "sandbox"), "add_bank": ADD_BANK, "confirm_bank": CONFIRM_BANK,
        }  # fmt: skip

    def payer(self, payer: PayerRef) -> str:
        """The address of the payer's record, made where there is none: `payer_id`. Raises GatewayDown."""
        try:
            return vault.customer_of(self.hub, payer)
        except Unanswered as trouble:
            raise GatewayDown(trouble.text) from None

    def client_token(self, payer_id: str, action: str) -> str:
        """What lets a payer's page do one thing, once, for one payer. action: ADD_BANK or CONFIRM_BANK.

        Raises GatewayDown, and ValueError for another action.
        """
        if action not in (ADD_BANK, CONFIRM_BANK):
            raise ValueError(action)
        try:
            body: Row = {"action": action, "_links": {"customer": {"href": self.hub.at("customers", payer_id)}}}
            said = self.hub.ask("POST", f"{self.hub.base}/client-tokens", body)
        except (NoToken, NotSent, Lost, Unanswered) as trouble:
            raise GatewayDown(str(trouble)) from None
        token = said.body.get("token")
        if said.is_refusal or not isinstance(token, str) or not token:
            raise GatewayDown(said.text or f"HTTP {said.status}")
        return token
