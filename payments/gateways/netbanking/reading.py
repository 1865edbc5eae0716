"""What PayU's rows say, in our words. Pure: nothing is asked here."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from payments.gateways import base
from payments.gateways.base import Kind, Money, Outcome, Reason, Result, State
from payments.gateways.json_line import Row
from payments.gateways.netbanking import codes
from payments.gateways.netbanking.line import word
from payments.gateways.rupees import CURRENCY

REFUND = "refund:"  # what the reference of a refund begins with
OUTCOMES = {"success": Outcome.APPROVED, "failure": Outcome.DECLINED, "pending": Outcome.PENDING}
STATES = {
    Outcome.APPROVED: State.SETTLED, Outcome.DECLINED: State.FAILED, Outcome.PENDING: State.PENDING_SETTLEMENT,
}  # fmt: skip


def payment(row: Row, key: str) -> Result:
    """A payment as it stands. The amount is what we asked for: charges that the bank puts on top are not ours."""
    amount, outcome, ref = money(row.get("amt")), OUTCOMES.get(word(row, "status").lower()), word(row, "mihpayid")
    if amount is None or outcome is None or not ref or word(row, "txnid") != key:
        return unclear(Kind.SALE, key, word(row, "status"))
    is_no = outcome == Outcome.DECLINED
    code, said = word(row, "error_code"), word(row, "unmappedstatus")
    return Result(
        outcome, Kind.SALE, key, money=amount, ref=key, related=ref[:200], auth_code=word(row, "bank_ref_num")[:40],
        state=STATES[outcome], reason=codes.reason_of(code, said) if is_no else None,
        raw_code=(code or said)[:40] if is_no else "",
        raw_text=(word(row, "error_Message") or said)[:400] if outcome != Outcome.APPROVED else "",
    )  # fmt: skip


def refund(row: Row, key: str, *, existing: bool = False) -> Result:
    amount, status, request = money(row.get("amt")), word(row, "status").lower(), word(row, "request_id")
    outcome = {"queued": Outcome.PENDING, "success": Outcome.APPROVED, "failure": Outcome.DECLINED}.get(status)
    if amount is None or outcome is None or not request:
        return unclear(Kind.REFUND, key, status)
    states = {Outcome.PENDING: State.PENDING_SETTLEMENT, Outcome.APPROVED: State.REFUNDED}
    is_no = outcome == Outcome.DECLINED
    return Result(
        outcome, Kind.REFUND, key, money=amount, ref=REFUND + request, related=word(row, "mihpayid")[:200],
        state=states.get(outcome, State.FAILED), reason=Reason.GATEWAY_ERROR if is_no else None,
        raw_code=status if is_no else "", existing=existing,
    )  # fmt: skip


def unclear(kind: Kind, key: str, status: str, text: str = "The answer says neither yes nor no.") -> Result:
    return Result(Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=status[:40], raw_text=text[:400])


def money(found: object) -> Money | None:
    """ "10.00", "10" and 10.0 are ten rupees; None for what is no amount, and for a part of a paisa."""
    if not isinstance(found, str | int | Decimal) or isinstance(found, bool):
        return None
    try:
        exact = Decimal(found)
        return base.money(exact, CURRENCY) if exact.is_finite() and exact >= 0 else None
    except (InvalidOperation, ValueError):
        return None


def day(found: object) -> date | None:
    """The day of "2026-03-09 21:45:00" or "2026-03-09"."""
    try:
        return datetime.fromisoformat(str(found)).date()
    except ValueError:
        return None
