"""What Paysafe's rows say, in our words. Pure: nothing is asked here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from payments.gateways.base import Check, Instrument, Kind, MethodView, Money, Outcome, Reason, Result, State
from payments.gateways.paysafe import codes
from payments.gateways.paysafe.codes import CANCELLED, FAILED, OPEN, Meaning
from payments.gateways.paysafe.hub import Row, Said, mapping
from payments.gateways.wire import scrub

# Calls that move money or a hold on it: what is not known of them must be found out.
MOVES_MONEY = {Kind.SALE, Kind.AUTHORIZE, Kind.CAPTURE, Kind.VOID, Kind.REFUND}


def payment(row: Row, kind: Kind, key: str, settlements: Sequence[Row] | None) -> Result:
    """A payment as it stands. settlements: of it; None where they are not known.

    A card is charged once the payment is COMPLETED. A bank debit is only when its settlement is: until then the bank
    may still say no.
    """
    status = _status(row)
    if status in FAILED:
        return failed(row, kind, key)
    if status in CANCELLED:
        return _ended(row, kind, key, State.VOIDED)
    if status in OPEN:
        return _plain(row, kind, key, Outcome.PENDING, State.PENDING_SETTLEMENT, settlements)
    if status != "COMPLETED" or not row.get("id"):
        return unclear(row, kind, key)
    return _completed(row, kind, key, settlements)


def _completed(row: Row, kind: Kind, key: str, settlements: Sequence[Row] | None) -> Result:
    if kind == Kind.AUTHORIZE and row.get("availableToSettle") != 0:
        return _plain(row, kind, key, Outcome.APPROVED, State.AUTHORIZED, settlements)
    if settlements and not standing(settlements):
        state = State.FAILED if all(_status(one) in FAILED for one in settlements) else State.VOIDED
        return _ended(row, kind, key, state)
    if kind == Kind.AUTHORIZE and settlements == []:
        return _ended(row, kind, key, State.VOIDED)  # nothing is left of it, and nothing was captured
    return _charged(row, kind, key, settlements or [])


def _charged(row: Row, kind: Kind, key: str, settlements: Sequence[Row]) -> Result:
    left = standing(settlements)
    is_settled = bool(left) and all(_status(one) == "COMPLETED" for one in left)
    state = _settled(left) if is_settled else State.PENDING_SETTLEMENT
    is_sure = is_settled or instrument(row) != Instrument.BANK
    return _plain(row, kind, key, Outcome.APPROVED if is_sure else Outcome.PENDING, state, settlements)


def standing(settlements: Sequence[Row]) -> list[Row]:
    """Those that were neither cancelled nor failed."""
    return [one for one in settlements if _status(one) not in CANCELLED | FAILED]


def _settled(settlements: Sequence[Row]) -> State:
    is_given_back = all(_whole(one.get("refundedAmount")) >= _whole(one.get("amount")) > 0 for one in settlements)
    return State.REFUNDED if is_given_back else State.SETTLED


def settlement(row: Row, key: str, kind: Kind = Kind.CAPTURE) -> Result:
    """A capture: done once it is accepted, as a card's amount was reserved before."""
    status = _status(row)
    if status in FAILED:
        return failed(row, kind, key)
    if status in CANCELLED:
        return _ended(row, kind, key, State.VOIDED)
    if status in OPEN:
        return _plain(row, kind, key, Outcome.APPROVED, State.PENDING_SETTLEMENT, [row])
    if status != "COMPLETED":
        return unclear(row, kind, key)
    return _plain(row, kind, key, Outcome.APPROVED, _settled([row]), [row])


def cancelled(row: Row, key: str) -> Result:
    """A settlement that was to be cancelled."""
    if _status(row) != "CANCELLED":
        return unclear(row, Kind.VOID, key)
    return _plain(row, Kind.VOID, key, Outcome.APPROVED, State.VOIDED, [row])


def void(row: Row, key: str) -> Result:
    """An authorisation that was to be given up."""
    if _status(row) in FAILED | CANCELLED:
        return failed(row, Kind.VOID, key)
    if _status(row) != "COMPLETED":
        return unclear(row, Kind.VOID, key)
    return _plain(row, Kind.VOID, key, Outcome.APPROVED, State.VOIDED, None)


def refund(row: Row, key: str, to: Instrument) -> Result:
    """to: where it goes. A bank may still refuse what is on its way, a card does not."""
    status = _status(row)
    related = [{"id": row.get("settlementId") or "", "status": ""}]
    if status in FAILED:
        return failed(row, Kind.REFUND, key)
    if status in CANCELLED:
        return _ended(row, Kind.REFUND, key, State.VOIDED)
    if status == "COMPLETED":
        return _plain(row, Kind.REFUND, key, Outcome.APPROVED, State.REFUNDED, related)
    if status not in OPEN:
        return unclear(row, Kind.REFUND, key)
    outcome = Outcome.PENDING if to == Instrument.BANK else Outcome.APPROVED
    return _plain(row, Kind.REFUND, key, outcome, State.PENDING_SETTLEMENT, related)


def verification(row: Row, key: str) -> Result:
    if _status(row) in FAILED | CANCELLED:
        return failed(row, Kind.VERIFY, key)
    if _status(row) != "COMPLETED":
        return unclear(row, Kind.VERIFY, key)
    return _plain(row, Kind.VERIFY, key, Outcome.APPROVED, None, None)


def handle(row: Row, key: str, payer_id: str, *, existing: bool = False) -> Result:
    """A saved method. Raises nothing: a row without a token is unclear."""
    token = row.get("paymentHandleToken")
    if not token or _status(row) in FAILED | CANCELLED:
        return unclear(row, Kind.STORE, key)
    return Result(
        Outcome.APPROVED, Kind.STORE, key, ref=str(row.get("id") or ""), view=view(row), token=str(token),
        payer_id=payer_id, existing=existing, occurred_at=instant(row.get("txnTime")),
    )  # fmt: skip


# What is not a yes


def refused(said: Said, kind: Kind, key: str, money: Money | None = None) -> Result:
    """An answer with an error. Decided by its code; HTTP's status is not to be relied on."""
    verdict = codes.verdict(said.code)
    if verdict is None:
        outcome, reason, advice = _unlisted(said, kind), Reason.GATEWAY_ERROR, None
    else:
        outcome, reason, advice = _OUTCOMES[verdict.meaning], verdict.reason, verdict.advice
        if verdict.meaning == Meaning.LOOK_UP and kind not in MOVES_MONEY:
            outcome = Outcome.ERROR
    avs, cvv = checks(said.body)
    return Result(
        outcome, kind, key, money=money, ref=str(said.body.get("id") or ""), reason=reason, raw_code=said.code,
        raw_text=said.text or f"HTTP {said.status}", avs=avs, cvv=cvv, advice=advice, retry_after=said.retry_after,
        occurred_at=instant(said.body.get("txnTime")),
    )  # fmt: skip


_OUTCOMES = {
    Meaning.DECLINED: Outcome.DECLINED, Meaning.ERROR: Outcome.ERROR, Meaning.UNKNOWN: Outcome.UNKNOWN,
    Meaning.LOOK_UP: Outcome.UNKNOWN,
}  # fmt: skip


def _unlisted(said: Said, kind: Kind) -> Outcome:
    """A code nobody has heard of does not prove that nothing moved."""
    if kind in MOVES_MONEY or said.status >= 500 or said.status < 400:
        return Outcome.UNKNOWN
    return Outcome.DECLINED if said.status == 402 else Outcome.ERROR


def failed(row: Row, kind: Kind, key: str) -> Result:
    """A row that says itself that it failed: nothing moved, whatever its code. An error where the hub is the cause."""
    error = mapping(row, "error")
    code = str(error.get("code") or "")[:40]
    verdict = codes.verdict(code)
    is_technical = verdict is not None and verdict.meaning in (Meaning.ERROR, Meaning.UNKNOWN)
    returned = bool(codes.RETURN_CODE.fullmatch(code))
    avs, cvv = checks(row)
    return Result(
        Outcome.ERROR if is_technical else Outcome.DECLINED, kind, key, money=money(row), ref=str(row.get("id") or ""),
        reason=verdict.reason if verdict else Reason.GATEWAY_ERROR, raw_code=code or _status(row),
        raw_text=scrub(str(error.get("message") or ""))[:400], avs=avs, cvv=cvv, view=view(row),
        state=State.RETURNED if returned else State.FAILED, return_code=code if returned else "",
        advice=verdict.advice if verdict else None, occurred_at=instant(row.get("txnTime")),
    )  # fmt: skip


def unclear(row: Row, kind: Kind, key: str) -> Result:
    """An answer that says neither yes nor no."""
    return Result(
        Outcome.UNKNOWN, kind, key, ref=str(row.get("id") or ""), reason=Reason.GATEWAY_ERROR,
        raw_code=_status(row)[:40], raw_text="The answer says neither yes nor no.",
    )  # fmt: skip


def _ended(row: Row, kind: Kind, key: str, state: State) -> Result:
    """Taken back before any money moved."""
    return Result(
        Outcome.DECLINED, kind, key, money=money(row), ref=str(row.get("id") or ""), reason=Reason.GATEWAY_ERROR,
        raw_code=str(state).upper(), raw_text="Cancelled or failed before the batch.", state=state, view=view(row),
        occurred_at=instant(row.get("txnTime")),
    )  # fmt: skip


def _plain(
    row: Row, kind: Kind, key: str, outcome: Outcome, state: State | None, settlements: Sequence[Row] | None
) -> Result:  # fmt: skip
    ref, answered = str(row.get("id") or ""), str(row.get("merchantRefNum") or key)
    if not ref or (answered != key and kind != Kind.VOID):
        return unclear(row, kind, key)  # somebody else's answer
    avs, cvv = checks(row)
    is_first = mapping(row, "storedCredential").get("occurrence") == "INITIAL"
    is_held = _status(row) == "HELD"
    return Result(
        outcome, kind, key, money=money(row), ref=ref, related=_related(settlements or ()), avs=avs, cvv=cvv,
        state=state, view=view(row), network_ref=ref if is_first and outcome == Outcome.APPROVED else "",
        auth_code=str(mapping(row, "gatewayResponse").get("authCode") or row.get("authCode") or "")[:40],
        reason=Reason.FRAUD_SUSPECTED if is_held else None, occurred_at=instant(row.get("txnTime")),
    )  # fmt: skip


def _related(settlements: Sequence[Row]) -> str:
    left = standing(settlements) or list(settlements)
    return str(left[0].get("id") or "") if left else ""


# Parts


def _status(row: Row) -> str:
    return str(row.get("status") or "")


def _whole(value: Any) -> int:
    """An amount in minor units; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def money(row: Row) -> Money | None:
    """None where the row names no amount, as a verification."""
    amount, currency = row.get("amount"), row.get("currencyCode")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0 or not isinstance(currency, str):
        return None
    return Money(amount, currency)


def instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def instrument(row: Row) -> Instrument:
    is_bank = row.get("paymentType") in codes.BANK_TYPES or any(kind.lower() in row for kind in codes.BANK_TYPES)
    return Instrument.BANK if is_bank else Instrument.CARD


def view(row: Row) -> MethodView | None:
    """What may be shown of the card or account; None where the row tells nothing of it."""
    card = mapping(row, "card")
    if card:
        expiry = mapping(card, "cardExpiry")
        kind = str(card.get("cardType") or card.get("type") or "")
        return MethodView(
            brand=codes.BRANDS.get(kind, kind.lower()), last4=_last4(card), exp_month=_number(expiry.get("month")),
            exp_year=_number(expiry.get("year")), holder=str(card.get("holderName") or "")[:120],
        )  # fmt: skip
    bank = next((found for kind in sorted(codes.BANK_TYPES) if (found := mapping(row, kind.lower()))), None)
    if bank is None:
        return None
    return MethodView(last4=_last4(bank), holder=str(bank.get("accountHolderName") or "")[:120])


def _last4(part: Row) -> str:
    """Banks show as little as two digits."""
    return str(part.get("lastDigits") or "")[-4:]


def _number(value: Any) -> int:
    """Months and years come as numbers or as text."""
    return int(value) if str(value).isdecimal() else 0


def checks(row: Row) -> tuple[Check, Check]:
    """Of the address and of the security code."""
    answer = mapping(row, "gatewayResponse")
    avs = _check(row.get("avsResponse") or answer.get("avsResponse"), codes.AVS_WORDS)
    cvv = _check(row.get("cvvVerification") or answer.get("cvvVerification"), codes.CVV_WORDS)
    return (
        avs or _check(answer.get("avsCode"), codes.AVS_LETTERS) or Check.NOT_CHECKED,
        cvv or _check(answer.get("cvv2Result"), codes.CVV_LETTERS) or Check.NOT_CHECKED,
    )


def _check(said: Any, meanings: Mapping[str, Check]) -> Check | None:
    return meanings.get(str(said or ""))
