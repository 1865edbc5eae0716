"""What a reply of the payment API says, in our words. No network, no state."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from payments.gateways import base
from payments.gateways.base import Advice, Check, Instrument, Kind, Money, Outcome, Reason, Result, State
from payments.gateways.precisepay import codes
from payments.gateways.wire import scrub

MONEY = (Kind.SALE, Kind.AUTHORIZE, Kind.CAPTURE, Kind.VOID, Kind.REFUND)
# Whose reply carries the order id that we sent; a capture or void carries that of what it follows.
ECHOES = (Kind.SALE, Kind.AUTHORIZE, Kind.VERIFY)
DONE = {
    Kind.SALE: State.PENDING_SETTLEMENT, Kind.AUTHORIZE: State.AUTHORIZED, Kind.CAPTURE: State.PENDING_SETTLEMENT,
    Kind.VOID: State.VOIDED, Kind.REFUND: State.PENDING_SETTLEMENT,
}  # fmt: skip
KEPT = 400


@dataclass(frozen=True)
class Call:
    """What was asked. money: None where none moves. related: the processor's reference of what it follows."""

    kind: Kind
    key: str
    instrument: Instrument
    money: Money | None = None
    related: str = ""

    def result(self, outcome: Outcome, reason: Reason | None = None, text: str = "", code: str = "") -> Result:
        """A result that says no more than this."""
        return Result(
            outcome, self.kind, self.key, money=self.money, related=self.related, reason=reason, raw_code=code,
            raw_text=scrub(text)[:KEPT],
        )  # fmt: skip

    @property
    def is_slow(self) -> bool:
        """Whether an approval means accepted for deposit only: a bank says later whether the money moved."""
        return self.instrument == Instrument.BANK and self.kind in (Kind.SALE, Kind.REFUND)


def judge(call: Call, said: Mapping[str, str]) -> Result:
    """The result of a call by its reply; unknown where the reply does not hold together."""
    code, text = said.get("response_code", ""), said.get("responsetext", "")
    ref, approved = said.get("transactionid", ""), _approved(call, said)
    avs, cvv = said.get("avsresponse", ""), said.get("cvvresponse", "")
    checks = codes.check_of(codes.AVS, avs), codes.check_of(codes.CVV, cvv)
    token = said.get("customer_vault_id", "") if call.kind == Kind.STORE else ""
    outcome, reason = _verdict(call, said, checks)
    if outcome in (Outcome.APPROVED, Outcome.PENDING) and _doubt(call, said, approved):
        outcome, reason = Outcome.UNKNOWN, Reason.GATEWAY_ERROR
    is_done = outcome in (Outcome.APPROVED, Outcome.PENDING)
    return Result(
        outcome, call.kind, call.key, money=call.money, approved=approved if is_done and call.money else None, ref=ref,
        related=call.related, reason=reason, raw_code=code, raw_text=scrub(text)[:KEPT], avs=checks[0], cvv=checks[1],
        state=DONE.get(call.kind) if is_done else None, auth_code=said.get("authcode", ""),
        token=token if is_done else "", payer_id=token if is_done else "",
        advice=None if is_done else _advice(code, text, said.get("merchant_advice_code", "")),
    )  # fmt: skip


def refusal(code: str, text: str, checks: tuple[Check, Check], instrument: Instrument) -> tuple[Outcome, Reason]:
    """What a listed code other than approved, or the gateway's own words, come to; unknown where neither is known."""
    if code in codes.UNSURE:
        return Outcome.UNKNOWN, codes.UNSURE[code]
    if code == codes.AT_PROCESSOR_TWICE:
        return Outcome.UNKNOWN, Reason.DUPLICATE
    ruled = _by_rule(code, text, checks)
    if ruled is not None:
        return Outcome.DECLINED, ruled
    if code == codes.BY_GATEWAY:
        return _by_words(text, instrument)
    reason = codes.REASONS.get(code)
    if reason is None:
        return Outcome.UNKNOWN, Reason.GATEWAY_ERROR
    return (Outcome.ERROR if reason == Reason.GATEWAY_ERROR else Outcome.DECLINED), reason


def amount_of(text: str, currency: str) -> Money:
    """An amount of theirs, always of major units; a refund's sign is dropped. Raises ValueError."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"no amount: {text[:20]!r}") from None
    if not amount.is_finite():
        raise ValueError(f"no amount: {text[:20]!r}")
    return base.money(abs(amount), currency)


def _verdict(
    call: Call, said: Mapping[str, str], checks: tuple[Check, Check]
) -> tuple[Outcome, Reason | None]:  # fmt: skip
    response, code = said["response"], said.get("response_code", "")
    if response == "1":
        if code != codes.APPROVED:
            return Outcome.UNKNOWN, Reason.GATEWAY_ERROR
        return (Outcome.PENDING if call.is_slow else Outcome.APPROVED), None
    if code not in codes.REASONS and (response == "2" or call.kind not in MONEY):
        return (Outcome.DECLINED if response == "2" else Outcome.ERROR), Reason.GATEWAY_ERROR
    return refusal(code, said.get("responsetext", ""), checks, call.instrument)


def _by_rule(code: str, text: str, checks: tuple[Check, Check]) -> Reason | None:
    """The account refuses what its checks did not match; the code is that of any refusal."""
    if code in codes.RULED:
        for pattern, check, reason in (
            (codes.AVS_RULE, checks[0], Reason.AVS_MISMATCH), (codes.CVV_RULE, checks[1], Reason.CVV_MISMATCH),
        ):  # fmt: skip
            if pattern.search(text) and check != Check.MATCH:
                return reason
    return None


def _by_words(text: str, instrument: Instrument) -> tuple[Outcome, Reason]:
    """Nothing moved: the gateway refused it itself. A duplicate may have moved money before, so it is looked up."""
    of_method = Reason.INVALID_ACCOUNT if instrument == Instrument.BANK else Reason.INVALID_CARD
    for pattern, outcome, reason in codes.TEXTS:
        if pattern.search(text):
            return outcome, reason or of_method
    return Outcome.ERROR, Reason.GATEWAY_ERROR


def _advice(code: str, text: str, network: str) -> Advice | None:
    if codes.TOO_OFTEN.search(text):
        return Advice.RETRY_AFTER
    return codes.NETWORK_ADVICE.get(network) or codes.ADVICE.get(code)


def _approved(call: Call, said: Mapping[str, str]) -> Money | None:
    """What was approved, all of it unless the reply says otherwise; None where that cannot be read."""
    if call.money is None or not said.get("amount_authorized"):
        return call.money
    try:
        return amount_of(said["amount_authorized"], call.money.currency)
    except ValueError:
        return None


def _doubt(call: Call, said: Mapping[str, str], approved: Money | None) -> bool:
    """Whether an approval is without what an approval has, or somebody else's."""
    if call.kind == Kind.STORE:
        return not said.get("customer_vault_id")
    if call.kind in MONEY and (not said.get("transactionid") or (call.money is not None and approved is None)):
        return True
    return call.kind in ECHOES and bool(said.get("orderid")) and said["orderid"] != call.key
