"""What the processor's own record of a transaction says, in our words. No network, no state."""

from collections.abc import Sequence
from dataclasses import replace

from payments.gateways import ach_codes
from payments.gateways.authorizenet import codes
from payments.gateways.authorizenet.codes import Meaning
from payments.gateways.authorizenet.line import Row, instant, mapping, tidy, word
from payments.gateways.authorizenet.replies import amount_of
from payments.gateways.base import Instrument, Kind, MethodView, Outcome, Reason, Result, State

KINDS = {
    "authCaptureTransaction": Kind.SALE, "captureOnlyTransaction": Kind.SALE, "authOnlyTransaction": Kind.AUTHORIZE,
    "priorAuthCaptureTransaction": Kind.CAPTURE, "refundTransaction": Kind.REFUND,
}  # fmt: skip
HELD_IN_PART = "A part was approved and is on hold."


def kind_of(row: Row) -> Kind | None:
    """What it is by itself: an authorisation whose money is under way is a capture. None: nothing of ours."""
    kind, state = KINDS.get(word(row, "transactionType")), codes.STANDING.get(word(row, "transactionStatus"))
    is_captured = kind == Kind.AUTHORIZE and state not in (None, State.AUTHORIZED)
    return Kind.CAPTURE if is_captured else kind


def key_of(row: Row) -> str:
    return word(mapping(row, "order"), "invoiceNumber")


def result_of(row: Row, kind: Kind, key: str, currency: str) -> Result:
    """What became of a call of that kind. currency: of the amounts, which name none."""
    status, plain = word(row, "transactionStatus"), _plain(row, kind, key, currency)
    back = returned(row)
    if back is not None:
        return _returned(plain, back)
    if status in codes.ENDED:
        return _ended(row, plain, status)
    if status in codes.HELD_STATUSES:
        is_fraud = word(row, "responseReasonCode") not in codes.CODES or _reason_of(row) == Reason.FRAUD_SUSPECTED
        reason = Reason.FRAUD_SUSPECTED if is_fraud else None
        return replace(plain, outcome=Outcome.PENDING, reason=reason, state=State.AUTHORIZED, approved=None)
    if status == "approvedReview":
        return replace(plain, outcome=Outcome.PENDING, state=State.AUTHORIZED, approved=None)
    state = State.SETTLED if status == codes.RETURNED else codes.STANDING.get(status)
    if status == codes.RELEASE or state is None:
        is_part = status == codes.RELEASE
        return replace(
            plain, reason=Reason.INSUFFICIENT_FUNDS if is_part else Reason.GATEWAY_ERROR, raw_code=status[:40],
            raw_text=HELD_IN_PART if is_part else f"Its status is {status}."[:400],
        )  # fmt: skip
    return replace(plain, outcome=_standing(row, kind, state), state=state, raw_code="", raw_text="")


def _standing(row: Row, kind: Kind, state: State) -> Outcome:
    """A bank's debit or credit counts once it is settled; a card's once it is accepted. A sale is never a mere hold."""
    waits = instrument(row) == Instrument.BANK and state in (State.PENDING_SETTLEMENT, State.AUTHORIZED)
    is_hold = kind in (Kind.SALE, Kind.CAPTURE) and state == State.AUTHORIZED
    return Outcome.PENDING if waits or is_hold else Outcome.APPROVED


def _plain(row: Row, kind: Kind, key: str, currency: str) -> Result:
    """Unknown, until its status says more."""
    authorised, settles = word(row, "authAmount"), word(row, "settleAmount")
    asked = amount_of(word(row, "requestedAmount") or authorised or settles, currency)
    moved = amount_of(authorised if kind == Kind.AUTHORIZE else settles or authorised, currency)
    if kind == Kind.CAPTURE:
        asked = moved
    return Result(
        Outcome.UNKNOWN, kind, key, money=asked, approved=moved,
        ref=word(row, "transId"), related=word(row, "refTransId"), raw_code=word(row, "responseReasonCode")[:40],
        raw_text=tidy(word(row, "responseReasonDescription")),
        avs=codes.check_of(codes.AVS, word(row, "AVSResponse")),
        cvv=codes.check_of(codes.CVV, word(row, "cardCodeResponse")), auth_code=word(row, "authCode")[:40],
        view=view(mapping(row, "payment")), network_ref=word(row, "networkTransId")[:80],
        occurred_at=instant(word(row, "submitTimeUTC")), existing=True,
    )  # fmt: skip


def _reason_of(row: Row) -> Reason | None:
    return codes.verdict(word(row, "responseReasonCode"), word(row, "responseCode")).reason


def _ended(row: Row, plain: Result, status: str) -> Result:
    """Nothing moved, or it was taken back before it did; the record is the proof, whatever the code says."""
    outcome, state = codes.ENDED[status]
    reason, advice = Reason.GATEWAY_ERROR, None
    if status == "failedReview":
        reason = Reason.FRAUD_SUSPECTED
    elif status == "declined":
        found = codes.verdict(plain.raw_code, codes.DECLINED)
        reason, advice = found.reason or reason, found.advice
        if found.meaning == Meaning.ERROR:
            outcome = Outcome.ERROR
    else:
        reason = Reason.INSUFFICIENT_FUNDS if plain.raw_code == codes.PART else reason
        plain = replace(plain, raw_code=status[:40], raw_text="")
    return replace(plain, outcome=outcome, reason=reason, state=state, approved=None, network_ref="", advice=advice)


def returned(row: Row) -> Row | None:
    """The bank's last return; a notice of change is none. {} where the record says so without a code."""
    rows = row.get("returnedItems")
    items: Sequence[Row] = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    coded = [one for one in items if ach_codes.is_return(word(one, "code"))]
    if coded:
        return max(coded, key=lambda one: word(one, "dateUTC"))
    return {} if word(row, "transactionStatus") == codes.RETURNED and not items else None


def _returned(plain: Result, back: Row) -> Result:
    code = word(back, "code")
    known = ach_codes.return_of(code)
    return replace(
        plain, outcome=Outcome.DECLINED, reason=known.reason, state=State.RETURNED, return_code=code,
        raw_code=code or codes.RETURNED, raw_text=tidy(word(back, "description")), approved=None,
        advice=known.advice, occurred_at=instant(word(back, "dateUTC")) or plain.occurred_at,
    )  # fmt: skip


def instrument(row: Row) -> Instrument:
    return Instrument.BANK if mapping(mapping(row, "payment"), "bankAccount") else Instrument.CARD


def view(payment: Row) -> MethodView | None:
    """What may be shown of the card or account; None where nothing is told of it."""
    card, bank = mapping(payment, "creditCard"), mapping(payment, "bankAccount")
    if card:
        month, year = expiry(word(card, "expirationDate"))
        return MethodView(
            brand=word(card, "cardType"), last4=word(card, "cardNumber")[-4:], exp_month=month, exp_year=year
        )
    if not bank:
        return None
    return MethodView(
        last4=word(bank, "accountNumber")[-4:], bank_name=word(bank, "bankName"), holder=word(bank, "nameOnAccount")
    )


def expiry(text: str) -> tuple[int, int]:
    """2030-12 as (month, year); (0, 0) for what is masked or no date."""
    year, _dash, month = text.partition("-")
    is_date = year.isdecimal() and len(year) == 4 and month.isdecimal() and 1 <= int(month) <= 12
    return (int(month), int(year)) if is_date else (0, 0)
