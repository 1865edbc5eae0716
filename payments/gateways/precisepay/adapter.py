"""PrecisePay, which is NMI's gateway under its own name: Direct Post, Customer Vault, Query API, webhooks (R41).

    GATEWAYS=precisepay
    GATEWAY_PRECISEPAY_BASE_URL=https://secure.example.com   where /api/transact.php is; the reseller says
    GATEWAY_PRECISEPAY_SECURITY_KEY=…                        of our calls
    GATEWAY_PRECISEPAY_TOKENIZATION_KEY=…                    public: of the payer's page
    GATEWAY_PRECISEPAY_WEBHOOK_KEY=…                         the signing key shown beside the webhook

Not required: query_url (whole, if it is another machine), dup_seconds (1200), currency (USD; of what names none),
processor_id and bank_processor_id (where the account has several), sec_code (WEB), checkout_key (public, of
Gateway.js: with it the payer's bank is asked by 3-D Secure before a new card is charged).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time

from payments.gateways import base
from payments.gateways.base import (
    Event,
    GatewayDown,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
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
from payments.gateways.precisepay import fields, hooks, reports
from payments.gateways.precisepay.desk import Desk
from payments.gateways.precisepay.line import Line
from payments.gateways.precisepay.records import Odd
from payments.gateways.precisepay.replies import Call
from payments.gateways.precisepay.verifying import verify_card
from payments.gateways.wire import Wire


class Gateway:
    """One account. Its cards and bank accounts are records of the vault, each with one method."""

    capabilities = frozenset({
        base.CARD, base.BANK, base.AUTHORIZE, base.ZERO_VERIFY, base.PARTIAL_APPROVAL, base.ACCOUNT_UPDATER, base.FIND,
        base.SETTLEMENT,
    })  # fmt: skip

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        self.name, self._settings = name, settings
        self._public_key, self._webhook_key = settings["tokenization_key"], settings["webhook_key"]
        self._currency = settings.get("currency") or "USD"
        self._desk = Desk(Line(settings, wire), self._currency)

    def hosted_fields(self, origin_language: str) -> dict[str, str]:
        """What the payer's page needs, public all of it. Collect.js takes its words from the page."""
        base_url = self._settings["base_url"].rstrip("/")
        found = {
            "library": f"{base_url}/token/Collect.js", "kind": "precisepay", "tokenization_key": self._public_key,
        }  # fmt: skip
        key = self._settings.get("checkout_key", "")
        return found | ({"checkout_key": key, "secure_library": f"{base_url}/js/v1/Gateway.js"} if key else {})

    # Methods

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        """A record of its own, named by our key. The reply says nothing of the card, so it is read back."""
        result = self._desk.send(Call(Kind.STORE, key, token.instrument), fields.adding(token, payer, key))
        if result.outcome != Outcome.APPROVED or result.view is not None:
            return result
        typed = MethodView(last4=token.last4, holder=token.holder)
        try:
            record = self._desk.record(result.token)
        except (GatewayDown, Odd):
            record = None
        return replace(result, view=record.view if record else typed)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        if method.instrument == Instrument.BANK:
            raise NotSupported("a bank account cannot be looked at")
        return verify_card(self._desk, self._settings, method, key, payer)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def delete_method(self, method: MethodRef, key: str) -> Result:
        """One that is gone already is deleted."""
        form = {"customer_vault": "delete_customer", "customer_vault_id": method.token}
        result = self._desk.send(Call(Kind.DELETE, key, method.instrument), form)
        is_gone = result.outcome == Outcome.DECLINED and "customer vault id" in result.raw_text.lower()
        return replace(result, outcome=Outcome.APPROVED, reason=None, existing=True, advice=None) if is_gone else result

    # Money

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:
        """For a bank account pending: the bank says later, by `status` and webhooks."""
        return self._take(Kind.SALE, method, money, key, order, credential)

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:
        if method.instrument == Instrument.BANK:
            raise NotSupported("a bank account is debited at once")
        return self._take(Kind.AUTHORIZE, method, money, key, order, credential)

    def _take(
        self,
        kind: Kind,
        method: MethodRef,
        money: Money,
        key: str,
        order: OrderRef,
        credential: StoredCredential | None,
    ) -> Result:
        form = {"type": str(kind), **fields.charging(self._settings, method, money, key, order, credential)}
        result = self._desk.take(Call(kind, key, method.instrument, money), form)
        lays_ground = credential is not None and credential.is_first and method.instrument != Instrument.BANK
        return replace(result, network_ref=result.ref) if lays_ground and result.outcome == Outcome.APPROVED else result

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """At most what was authorised, once."""
        form = fields.following("capture", ref) | {"amount": fields.amount(money), "orderid": key}
        return self._desk.send(Call(Kind.CAPTURE, key, ref.instrument, money, ref.ref), form)

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        return self._desk.void(ref, money, key)

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        return self._desk.refund(ref, money, key)

    # Looking up

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """By our key, which is the order id and names records of the vault; a capture or void by what it follows."""
        related = hint.payer_id if hint.kind == Kind.DELETE else hint.related
        call = Call(hint.kind, key, hint.instrument, hint.money, related)
        try:
            return self._desk.found(call)
        except (GatewayDown, Odd) as trouble:
            return [call.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, str(trouble))]

    def status(self, ref: GatewayRef) -> Result:
        """Of a sale, authorisation, capture, refund or verification."""
        try:
            return self._desk.standing(ref.ref)
        except (GatewayDown, Odd) as trouble:
            unknown = Call(Kind.SALE, "", ref.instrument).result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, str(trouble))
            return replace(unknown, ref=ref.ref)

    # Reports

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """By UTC days. Chargebacks come by webhook only, fees and payouts not at all."""
        since = datetime.combine(day, time(), UTC)
        try:
            rows = list(reports.changed_since(self._desk.line, since))
            return [item for one in rows for item in reports.items_of(one, day, self._currency)]
        except Odd as trouble:
            raise GatewayDown(str(trouble)) from None

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        """New numbers and dates of cards; closed accounts come by webhook only."""
        try:
            found = map(reports.update_of, reports.updated_since(self._desk.line, since))
            return [update for update in found if update is not None and update.at >= since.replace(microsecond=0)]
        except Odd as trouble:
            raise GatewayDown(str(trouble)) from None

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        hooks.verify(raw, headers.get("webhook-signature", ""), self._webhook_key)
        return hooks.read(raw, self._currency)
