"""What the answer to a call says, in our words. No network, no state."""

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from payments.gateways import base
from payments.gateways.authorizenet import codes
from payments.gateways.authorizenet.codes import Meaning
from payments.gateways.authorizenet.line import Row, Said, listed, mapping, tidy, word
from payments.gateways.base import Advice, Instrument, Kind, MethodView, Money, Outcome, Reason, Result, State

MONEY = (Kind.SALE, Kind.AUTHORIZE, Kind.CAPTURE, Kind.VOID, Kind.REFUND, Kind.VERIFY)
DONE = {
    Kind.SALE: State.PENDING_SETTLEMENT, Kind.AUTHORIZE: State.AUTHORIZED, Kind.CAPTURE: State.PENDING_SETTLEMENT,
    Kind.VOID: State.VOIDED, Kind.REFUND: State.PENDING_SETTLEMENT,
}  # fmt: skip
OUTCOMES = {
    Meaning.APPROVED: Outcome.APPROVED, Meaning.DONE: Outcome.APPROVED, Meaning.DECLINED: Outcome.DECLINED,
    Meaning.ERROR: Outcome.ERROR, Meaning.NO_ZERO: Outcome.ERROR, Meaning.HELD: Outcome.PENDING,
    Meaning.UNKNOWN: Outcome.UNKNOWN, Meaning.LOOK_UP: Outcome.UNKNOWN, Meaning.PARTLY: Outcome.UNKNOWN,
}  # fmt: skip
# Which answers may be a yes, by their response code.
YES = {codes.APPROVED: (Meaning.APPROVED, Meaning.DONE, Meaning.PARTLY), codes.HELD: (Meaning.HELD, Meaning.PARTLY)}


@dataclass(frozen=True)
class Call:
    """What was asked. money: None where none moves. related: the processor's number of what it follows."""

    kind: Kind
    key: str
    instrument: Instrument = Instrument.CARD
    money: Money | None = None
    related: str = ""

    def result(self, outcome: Outcome, reason: Reason | None = None, text: str = "", code: str = "") -> Result:
        """A result that says no more than this."""
        return Result(
            outcome, self.kind, self.key, money=self.money, related=self.related, reason=reason, raw_code=code,
            raw_text=tidy(text),
        )  # fmt: skip

    @property
    def is_slow(self) -> bool:
        """Whether an approval means accepted only: a bank says later whether the money moved."""
        return self.instrument == Instrument.BANK and self.kind in (Kind.SALE, Kind.REFUND)


def judge(call: Call, said: Said) -> Result:
    """The result of a transaction by its answer; the envelope alone decides only where there is no transaction."""
    told = mapping(said.body, "transactionResponse")
    if not word(told, "responseCode"):
        return refused(call, said)
    answered, (code, text) = word(told, "responseCode"), _first(told)
    verdict = codes.verdict(code, answered, word(told, "rawResponseCode"))
    plain = _plain(call, told, verdict, code, text)
    if answered in YES:
        return _yes(call, said, told, plain, verdict)
    return _unclear(plain) if verdict.meaning in (*YES[codes.APPROVED], Meaning.HELD) else plain


def _plain(call: Call, told: Row, verdict: codes.Verdict, code: str, text: str) -> Result:
    ref = word(told, "transId")
    return Result(
        OUTCOMES[verdict.meaning], call.kind, call.key, money=call.money, ref="" if ref == "0" else ref,
        related=call.related, reason=verdict.reason, raw_code=code, raw_text=tidy(text),
        avs=codes.check_of(codes.AVS, word(told, "avsResultCode")),
        cvv=codes.check_of(codes.CVV, word(told, "cvvResultCode")), auth_code=word(told, "authCode")[:40],
        view=_view(told), advice=verdict.advice,
    )  # fmt: skip


def _yes(call: Call, said: Said, told: Row, plain: Result, verdict: codes.Verdict) -> Result:
    """Approved or held, if the answer has what such an answer has, and is to what was asked."""
    echo = word(said.body, "refId")
    is_test = word(told, "testRequest") == "1"
    if is_test:
        text = "The account is in test mode: nothing was stored."
        return replace(plain, outcome=Outcome.ERROR, reason=Reason.GATEWAY_ERROR, raw_text=text)
    is_other = bool(echo) and echo != call.key
    is_done = verdict.meaning == Meaning.DONE
    if verdict.meaning not in YES[word(told, "responseCode")] or not plain.ref or is_other:
        return _unclear(plain)
    if is_done and call.kind not in (Kind.CAPTURE, Kind.VOID):
        return _unclear(plain)
    if verdict.meaning == Meaning.PARTLY:
        return replace(plain, approved=partly(told, call.money))
    if verdict.meaning == Meaning.HELD:
        return replace(plain, state=State.AUTHORIZED)
    return replace(
        plain, outcome=Outcome.PENDING if call.is_slow else Outcome.APPROVED, approved=call.money,
        state=DONE.get(call.kind), existing=is_done,
        network_ref=word(told, "networkTransId")[:80],
    )  # fmt: skip


def _unclear(plain: Result) -> Result:
    text = plain.raw_text or "The answer says neither yes nor no."
    return replace(plain, outcome=Outcome.UNKNOWN, reason=Reason.GATEWAY_ERROR, raw_text=text, advice=None)


def refused(call: Call, said: Said) -> Result:
    """An answer without a transaction: by the code of the envelope. Unlisted, it proves nothing where money moves."""
    advice = Advice.RETRY_AFTER if said.code in codes.NOT_NOW else None
    if said.code in codes.UNSURE:
        is_unknown = call.kind in (*MONEY, Kind.STORE, Kind.DELETE)
        outcome = Outcome.UNKNOWN if is_unknown else Outcome.ERROR
        return replace(call.result(outcome, Reason.GATEWAY_TIMEOUT, said.text, said.code), advice=advice)
    if said.code in codes.TIED:
        return call.result(Outcome.DECLINED, Reason.GATEWAY_ERROR, said.text, said.code)
    is_proven = said.code in codes.REFUSED and not said.is_ok
    outcome = Outcome.ERROR if is_proven or call.kind not in MONEY else Outcome.UNKNOWN
    return call.result(outcome, Reason.GATEWAY_ERROR, said.text, said.code)


def _first(told: Row) -> tuple[str, str]:
    """The first error, else the first message: code and text."""
    for noun, code, text in (("errors", "errorCode", "errorText"), ("messages", "code", "description")):
        rows = told.get(noun)
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            return word(rows[0], code)[:40], word(rows[0], text)
    return "", ""


def _view(told: Row) -> MethodView | None:
    number = word(told, "accountNumber")
    return MethodView(brand=_brand(word(told, "accountType")), last4=number[-4:]) if number else None


def _brand(named: str) -> str:
    return "" if named.lower() in ("echeck", "") else named


def partly(told: Row, asked: Money | None) -> Money | None:
    """What a partial approval holds; None where that cannot be read."""
    split = listed(told, "splitTenderPayments") if isinstance(told.get("splitTenderPayments"), list) else []
    for row in (mapping(told, "prePaidCard"), *split):
        if asked is not None and word(row, "approvedAmount"):
            return amount_of(word(row, "approvedAmount"), asked.currency)
    return None


def amount_of(text: str, currency: str) -> Money | None:
    """An amount of theirs, of major units; None for what is none."""
    try:
        amount = Decimal(text)
        return base.money(amount, currency) if amount.is_finite() and amount >= 0 else None
    except (InvalidOperation, ValueError):
        return None
