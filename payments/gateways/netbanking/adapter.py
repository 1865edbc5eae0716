"""Net banking on the port of all processors. The payer's way is in forms.py, signatures in signing.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from payments.gateways import base
from payments.gateways.base import (
    Event,
    GatewayRef,
    HostedToken,
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
from payments.gateways.json_line import Row, Unanswered, not_done, unanswered
from payments.gateways.netbanking import codes, forms, hooks, reading, report
from payments.gateways.netbanking.line import FOUND, NOT_FOUND, Line, TurnedAway, word
from payments.gateways.rupees import CURRENCY, rupees
from payments.gateways.wire import Lost, NotSent, Wire


class Gateway:
    capabilities = frozenset({base.NET_BANKING, base.REDIRECT, base.FIND, base.SETTLEMENT})

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name, self.settings = name, settings
        self.line = Line(settings, wire)

    # Paying

    def start(self, money: Money, key: str, order: OrderRef, payer: PayerRef, return_url: str) -> Result:
        """Pending: nobody is asked until the payer's browser posts the form."""
        fields = forms.filled(self.settings, order, payer, return_url)
        address = forms.redirect(self.line.base, fields)
        trouble = ""
        if money.currency != CURRENCY or money.minor <= 0:
            trouble = "Net banking moves rupees only, and more than nothing."
        elif missing := forms.missing(fields):
            trouble = f"Net banking needs of the payer: {', '.join(missing)}."
        elif len(address) > forms.LONGEST:
            trouble = "What net banking needs of the payer is too long to be kept."
        if trouble:
            return not_done(Kind.SALE, key, Unanswered(trouble), money)
        return Result(
            Outcome.PENDING, Kind.SALE, key, money=money, state=State.PENDING_SETTLEMENT, redirect=address
        )  # fmt: skip

    def redirect_form(self, result: Result) -> Mapping[str, str]:
        """The same fields whenever they are asked for. result: of `start`, or its key, money and redirect."""
        if result.money is None or not result.redirect:
            return {}
        return forms.form(result.redirect, result.key, result.money, self.line.key, self.line.salt)

    def check_handle(self, handle: str) -> Result:
        raise NotSupported(base.UPI)

    # Money

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """Queued, and paid back by the next day. A token that is known already is looked up."""
        try:
            payment = ref.related or self._number(ref.ref)
            said = self.line.command("cancel_refund_transaction", payment, var2=key, var3=rupees(money))
        except Unanswered as trouble:  # of the payment's number: nothing was asked for yet
            return not_done(Kind.REFUND, key, trouble, money)
        except (NotSent, TurnedAway) as trouble:
            return not_done(Kind.REFUND, key, Unanswered(str(trouble)), money)
        except Lost as trouble:
            return Result(
                Outcome.UNKNOWN, Kind.REFUND, key, money=money, reason=Reason.GATEWAY_TIMEOUT, raw_text=str(trouble)
            )  # fmt: skip
        code = said.get("error_code")
        if code == codes.TOKEN_KNOWN:
            return self._known(payment, money, key)
        request = word(said, "request_id")
        if said["status"] == FOUND and code == codes.QUEUED and request:
            return Result(
                Outcome.PENDING, Kind.REFUND, key, money=money, ref=reading.REFUND + request, related=payment,
                state=State.PENDING_SETTLEMENT,
            )  # fmt: skip
        return _refused(said, money, key)

    def _known(self, payment: str, money: Money, key: str) -> Result:
        try:
            found = self._refunds(payment, key)
        except Unanswered as trouble:
            return replace(unanswered(Kind.REFUND, key, trouble), money=money)
        return replace(found[0], existing=True) if found else reading.unclear(Kind.REFUND, key, "106")

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        """PayU takes back nothing that a bank has carried out: it can only be given back."""
        return Result(
            Outcome.DECLINED, Kind.VOID, key, money=money, reason=Reason.GATEWAY_ERROR, advice=codes.NEVER,
            raw_text="Net banking is refunded, not voided.",
        )  # fmt: skip

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        raise NotSupported(method.instrument)

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:  # fmt: skip
        raise NotSupported(base.AUTHORIZE)

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported(base.AUTHORIZE)

    # Methods: nothing is stored

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        raise NotSupported(token.instrument)

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        raise NotSupported(method.instrument)

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported(base.MICRO_DEPOSITS)

    def delete_method(self, method: MethodRef, key: str) -> Result:
        raise NotSupported(method.instrument)

    # Questions

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """Payments by txnid; refunds by their token, among those of the payment (hint.related)."""
        try:
            if hint.kind == Kind.REFUND:
                return self._refunds(self._number(hint.related), key)
            if hint.kind == Kind.VOID:
                return []
            row = self.line.payment(key)
            return [reading.payment(row, key)] if row is not None else []
        except Unanswered as trouble:
            return [unanswered(hint.kind, key, trouble)]

    def _number(self, key: str) -> str:
        """PayU's of a payment. Raises Unanswered."""
        row = self.line.payment(key)
        if row is None:
            raise Unanswered("PayU shows nothing of it", NOT_FOUND)
        return word(row, "mihpayid")

    def _refunds(self, payment: str, key: str) -> list[Result]:
        return [reading.refund(row, key) for row in self.line.refunds(payment) if word(row, "token") == key]

    def status(self, ref: GatewayRef) -> Result:
        """A payment by its txnid, a refund by PayU's number."""
        is_refund = ref.ref.startswith(reading.REFUND)
        try:
            if is_refund:
                return self._refund_status(ref.ref.removeprefix(reading.REFUND))
            row = self.line.payment(ref.ref)
            if row is None:
                raise Unanswered("PayU shows nothing of it", NOT_FOUND)
            return reading.payment(row, ref.ref)
        except Unanswered as trouble:
            return unanswered(Kind.REFUND if is_refund else Kind.SALE, "", trouble)

    def _refund_status(self, request: str) -> Result:
        row = self.line.refund(request)
        if row is None:
            raise Unanswered("there is no such refund")
        return reading.refund(row, word(row, "token"))

    def settlement(self, day: date) -> Iterable[SettledItem]:
        """Raises GatewayDown."""
        return report.settlement(self.line, day)

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        return []

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        """The return POST too. Raises Forged, Unreadable."""
        return hooks.parse(raw, self.line.key, self.line.salt)

    def hosted_fields(self, language: str) -> dict[str, str]:
        """None: the payer pays at their bank."""
        return {}


def _refused(said: Row, money: Money, key: str) -> Result:
    """By PayU's number of the refusal; one in no list does not prove that nothing moved."""
    code = said.get("error_code")
    outcome = codes.REFUSED.get(code, Outcome.UNKNOWN) if isinstance(code, int) else Outcome.UNKNOWN
    return Result(
        outcome, Kind.REFUND, key, money=money, reason=Reason.GATEWAY_ERROR, raw_code=word(said, "error_code")[:40],
        raw_text=word(said, "msg")[:400], advice=codes.NEVER if outcome == Outcome.DECLINED else None,
    )  # fmt: skip
