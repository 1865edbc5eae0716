"""What Dwolla's rows say, in our words. Pure: nothing is asked here."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from payments.gateways import base
from payments.gateways.ach_codes import is_return, return_of
from payments.gateways.base import Advice, Kind, MethodView, Money, Outcome, Reason, Result, State
from payments.gateways.dwolla import codes
from payments.gateways.dwolla.hub import Row, Said, Unanswered, link, mapping
from payments.gateways.wire import scrub

CURRENCY = "USD"
# Calls that move money or stop it: what is not known of them must be found out.
MOVES_MONEY = {Kind.SALE, Kind.VOID, Kind.REFUND}
REFUND_OF = "refundOf"  # in the metadata of a refund: which transfer it gives back


def transfer(row: Row, kind: Kind, key: str, failure: Row | None = None) -> Result:
    """A transfer as it stands. failure: why it failed, where it did and that is told.

    Processed is not the end: a bank may send a debit back for sixty days, and it is failed from then on.
    """
    status, amount, ref = str(row.get("status") or ""), money(row), link(row, "self")
    if amount is None or not ref:
        return unclear(kind, key, status, ref)
    if status == "failed":
        return _failed(row, kind, key, failure or {})
    if status == "cancelled":
        return _plain(
            row, kind, key, Outcome.DECLINED, State.VOIDED, reason=Reason.GATEWAY_ERROR, raw_code=status,
            raw_text="Cancelled before it was processed.",
        )  # fmt: skip
    if status == "pending":
        return _plain(row, kind, key, Outcome.PENDING, State.PENDING_SETTLEMENT)
    if status != "processed":
        return unclear(kind, key, status, ref)
    state = State.REFUNDED if kind == Kind.REFUND else State.SETTLED
    return _plain(row, kind, key, Outcome.APPROVED, state)


def _failed(row: Row, kind: Kind, key: str, failure: Row) -> Result:
    """By the bank's return code, if there is one."""
    code = str(failure.get("code") or "")[:40]
    returned = is_return(code)
    known = return_of(code)
    return _plain(
        row, kind, key, Outcome.DECLINED, State.RETURNED if returned else State.FAILED, reason=known.reason,
        advice=known.advice if returned else None, return_code=code if returned else "", raw_code=code or "failed",
        raw_text=scrub(str(failure.get("description") or "The transfer failed."))[:400],
    )  # fmt: skip


def _plain(row: Row, kind: Kind, key: str, outcome: Outcome, state: State, **more: Any) -> Result:
    """related: the number by which it is found on the bank's statement."""
    return Result(
        outcome, kind, key, money=money(row), ref=link(row, "self")[:200], state=state,
        related=str(row.get("individualAchId") or "")[:40], occurred_at=instant(row.get("created")), **more,
    )  # fmt: skip


def voided(row: Row, key: str, *, existing: bool = False) -> Result:
    """A transfer that was to be cancelled."""
    if row.get("status") != "cancelled":
        return unclear(Kind.VOID, key, str(row.get("status") or ""))
    return Result(
        Outcome.APPROVED, Kind.VOID, key, money=money(row), ref=link(row, "self")[:200], state=State.VOIDED,
        existing=existing,
    )  # fmt: skip


def bank(row: Row, kind: Kind, key: str, *, last4: str = "", holder: str = "", existing: bool = False) -> Result:
    """A stored bank account, verified or not. Dwolla tells no digits of it: they are what the payer's page told."""
    token = link(row, "self")
    if not token:
        return unclear(kind, key, "")
    return Result(
        Outcome.APPROVED, kind, key, view=view(row, last4, holder), token=token, payer_id=link(row, "customer"),
        existing=existing, occurred_at=instant(row.get("created")),
    )  # fmt: skip


def view(row: Row, last4: str = "", holder: str = "") -> MethodView:
    return MethodView(
        bank_name=str(row.get("bankName") or "")[:80], fingerprint=str(row.get("fingerprint") or "")[:64],
        last4=last4, holder=holder[:120], is_verified=row.get("status") == "verified",
    )  # fmt: skip


# What is not a yes


def refused(said: Said, kind: Kind, key: str, money: Money | None = None) -> Result:
    """An answer with an error. Decided by its code; a code nobody has heard of does not prove that nothing moved."""
    verdict = codes.verdict(said.code, said.troubles, kind)
    first = said.troubles[0] if said.troubles else None
    if verdict is None:
        is_unsure = kind in MOVES_MONEY or said.status >= 500 or said.status < 400
        verdict = codes.Verdict(Outcome.UNKNOWN if is_unsure else Outcome.ERROR, Reason.GATEWAY_ERROR)
    return Result(
        verdict.outcome, kind, key, money=money, reason=verdict.reason, advice=verdict.advice,
        raw_code=(f"{first.code} {first.path}".strip() if first else said.code or f"HTTP {said.status}")[:40],
        raw_text=said.text or f"HTTP {said.status}", retry_after=said.retry_after,
    )  # fmt: skip


def unclear(kind: Kind, key: str, status: str, ref: str = "") -> Result:
    """An answer that says neither yes nor no."""
    return Result(
        Outcome.UNKNOWN, kind, key, ref=ref[:200], reason=Reason.GATEWAY_ERROR, raw_code=status[:40],
        raw_text="The answer says neither yes nor no.",
    )  # fmt: skip


def not_done(kind: Kind, key: str, trouble: Unanswered) -> Result:
    """What had to be known before was not told, so nothing was asked for."""
    return Result(
        Outcome.ERROR, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=trouble.code, raw_text=trouble.text[:400],
        advice=Advice.RETRY_AFTER if trouble.retry_after else None, retry_after=trouble.retry_after,
    )  # fmt: skip


def unanswered(kind: Kind, key: str, trouble: Unanswered) -> Result:
    """A question that was not answered."""
    return Result(
        Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=trouble.code, raw_text=trouble.text[:400],
        retry_after=trouble.retry_after,
    )  # fmt: skip


def declined(
    kind: Kind, key: str, text: str, reason: Reason = Reason.GATEWAY_ERROR, money: Money | None = None,
    advice: Advice | None = None,
) -> Result:  # fmt: skip
    """We know that it cannot be, and did not ask for it."""
    return Result(Outcome.DECLINED, kind, key, money=money, reason=reason, raw_text=text, advice=advice)


# Parts


def money(row: Row) -> Money | None:
    """None for what is no amount, and for one with a fraction of a cent."""
    amount = mapping(row, "amount")
    value, currency = amount.get("value"), amount.get("currency")
    if not isinstance(value, str | Decimal | int) or isinstance(value, bool) or not isinstance(currency, str):
        return None
    try:
        exact = Decimal(value)
        return base.money(exact, currency) if exact.is_finite() and exact >= 0 else None
    except (InvalidOperation, ValueError):
        return None


def amount(money: Money) -> Row:
    """As the wire has it: "12.34"."""
    return {"value": f"{money.decimal:f}", "currency": money.currency}


def instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def last_status(row: Row) -> str:
    return str(row.get("status") or "")
