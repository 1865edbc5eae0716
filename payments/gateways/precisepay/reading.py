"""What a transaction that was looked up means for a call. No network, no state."""

from dataclasses import replace

from payments.gateways.base import Instrument, Kind, Money, Outcome, Reason, Result, State
from payments.gateways.precisepay import codes
from payments.gateways.precisepay.records import Action, Odd, Transaction
from payments.gateways.precisepay.replies import KEPT, amount_of, refusal
from payments.gateways.wire import scrub

WORDS = {
    Kind.SALE: ("sale",), Kind.AUTHORIZE: ("auth",), Kind.CAPTURE: ("capture",), Kind.VOID: ("void",),
    Kind.REFUND: ("refund", "credit"), Kind.VERIFY: ("validate",),
}  # fmt: skip
STATES = {
    "pending": State.AUTHORIZED, "pendingsettlement": State.PENDING_SETTLEMENT,
    "in_progress": State.PENDING_SETTLEMENT, "complete": State.SETTLED, "canceled": State.VOIDED,
    "failed": State.FAILED, "abandoned": State.FAILED,
}  # fmt: skip


def kind_of(found: Transaction) -> Kind | None:
    """What it is by itself: what began it, or the capture of an authorisation. None: nothing of ours."""
    captured = found.did("capture")
    if captured is not None and captured.succeeded:
        return Kind.CAPTURE
    order = (Kind.SALE, Kind.AUTHORIZE, Kind.REFUND, Kind.VERIFY)
    return next((kind for kind in order if found.did(*WORDS[kind])), None)


def read(found: Transaction, kind: Kind, key: str, currency: str) -> Result | None:
    """What became of a call of that kind; None where the transaction has nothing of it. currency: where it names none.

    Raises Odd.
    """
    action = found.did(*WORDS.get(kind, ()))
    if kind == Kind.VOID:
        return _voided(found, action, key)
    if action is None:
        return None
    plain = _plain(found, action, kind, key, found.currency or currency)
    return _done(found, plain) if action.succeeded else _not_done(found, action, plain)


def _plain(found: Transaction, action: Action, kind: Kind, key: str, currency: str) -> Result:
    moved, asked = _money(action.amount, currency), _money(action.requested or action.amount, currency)
    is_money = kind != Kind.VERIFY
    return Result(
        Outcome.UNKNOWN, kind, key, money=asked if is_money else None,
        approved=moved if is_money and action.succeeded else None, ref=found.ref, raw_code=action.code,
        raw_text=scrub(action.text)[:KEPT], avs=codes.check_of(codes.AVS, found.avs),
        cvv=codes.check_of(codes.CVV, found.cvv), auth_code=found.auth_code, occurred_at=action.at, existing=True,
    )  # fmt: skip


def _money(text: str, currency: str) -> Money:
    try:
        return amount_of(text, currency)
    except ValueError as trouble:
        raise Odd(str(trouble)) from None


def _done(found: Transaction, plain: Result) -> Result:
    """It was accepted once; where it stands now."""
    state, back = STATES.get(found.condition), found.returned
    if back is not None:
        return replace(
            plain, outcome=Outcome.DECLINED, reason=codes.return_reason(back.bank_code), state=State.RETURNED,
            return_code=back.bank_code, raw_code=back.bank_code, raw_text=scrub(back.bank_text or back.text)[:KEPT],
            approved=None, occurred_at=back.at,
        )  # fmt: skip
    if state is None:
        return replace(
            plain, reason=Reason.GATEWAY_ERROR, raw_text=f"condition {found.condition}"[:KEPT], approved=None
        )
    if state in (State.VOIDED, State.FAILED):
        return replace(
            plain, outcome=Outcome.ERROR if state == State.VOIDED else Outcome.DECLINED, reason=Reason.GATEWAY_ERROR,
            state=state, raw_text=found.condition, approved=None,
        )  # fmt: skip
    return replace(plain, outcome=_standing(found, plain.kind, state), state=state)


def _standing(found: Transaction, kind: Kind, state: State) -> Outcome:
    """A debit or a credit of a bank account counts once the bank paid it; of a card, once it was accepted."""
    is_slow = found.instrument == Instrument.BANK and kind in (Kind.SALE, Kind.REFUND)
    waits = is_slow and state != State.SETTLED
    return Outcome.PENDING if waits or (kind == Kind.SALE and state == State.AUTHORIZED) else Outcome.APPROVED


def _not_done(found: Transaction, action: Action, plain: Result) -> Result:
    """It was refused; a record that failed is proof where the reply alone was none."""
    outcome, reason = refusal(action.code, action.text, (plain.avs, plain.cvv), found.instrument)
    if outcome == Outcome.UNKNOWN and found.condition in ("failed", "abandoned") and reason != Reason.DUPLICATE:
        outcome = Outcome.DECLINED if action.code.startswith("2") else Outcome.ERROR
    state = State.FAILED if outcome != Outcome.UNKNOWN else None
    return replace(plain, outcome=outcome, reason=reason, state=state, advice=codes.ADVICE.get(action.code))


def _voided(found: Transaction, action: Action | None, key: str) -> Result | None:
    """Voided; or settled, so that it cannot be any more; or neither yet."""
    if found.condition == "canceled":
        at = action.at if action else None
        return Result(
            Outcome.APPROVED, Kind.VOID, key, ref=found.ref, related=found.ref, state=State.VOIDED, existing=True,
            occurred_at=at,
        )  # fmt: skip
    if found.condition == "complete":
        return Result(
            Outcome.DECLINED, Kind.VOID, key, related=found.ref, reason=Reason.GATEWAY_ERROR, state=State.SETTLED,
            raw_text="It is settled.",
        )  # fmt: skip
    return None
