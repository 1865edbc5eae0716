"""What the provider's rows say, in our words. Pure: nothing is asked here."""

from payments.gateways.base import Advice, Kind, MethodView, Money, Outcome, Reason, Result, State
from payments.gateways.json_line import Row, Said
from payments.gateways.rupees import CURRENCY, instant, paise
from payments.gateways.upi import codes
from payments.gateways.wire import scrub

REFUND, MANDATE = "refund:", "mandate:"  # what a reference of ours begins with, where it is no payment's
FAILED = {"FAILURE", "EXPIRED", "CANCELLED"}


def order(row: Row, kind: Kind, key: str, *, is_first: bool = False) -> Result:
    """An order as it stands. is_first: told by the call that made it; a failure whose code is in no list is looked at
    again before it is believed."""
    status, code, amount = word(row, "status"), word(row, "code"), paise(row.get("amount"))
    if amount is None or row.get("currency") != CURRENCY or word(row, "tr") != key:
        return unclear(kind, key, status)
    if status == "SUCCESS":
        return _plain(row, kind, key, amount, Outcome.APPROVED, State.SETTLED)
    if status == "PENDING" and code in ("", codes.WAITING):
        return _plain(row, kind, key, amount, Outcome.PENDING, State.PENDING_SETTLEMENT)
    if status == "CANCELLED":
        return _plain(row, kind, key, amount, Outcome.DECLINED, State.VOIDED, codes.PLAIN)
    verdict = codes.verdict(code or ("U69" if status == "EXPIRED" else ""))
    if status not in FAILED or (verdict is None and is_first):
        return _plain(row, kind, key, amount, Outcome.UNKNOWN, None, codes.CODES["UT"])
    verdict = verdict or codes.PLAIN
    state = State.FAILED if verdict.outcome == Outcome.DECLINED else None
    return _plain(row, kind, key, amount, verdict.outcome, state, verdict)


def _plain(
    row: Row, kind: Kind, key: str, money: Money, outcome: Outcome, state: State | None,
    verdict: codes.Verdict | None = None,
) -> Result:  # fmt: skip
    """related: the banks' own number, by which the payer's bank finds it."""
    return Result(
        outcome, kind, key, money=money, ref=word(row, "tr"), related=word(row, "rrn")[:40], state=state,
        reason=verdict.reason if verdict else None, advice=verdict.advice if verdict else None,
        raw_code=word(row, "code")[:40] or (word(row, "status") if verdict else ""), raw_text=text(row),
        redirect=word(row, "uri") if outcome == Outcome.PENDING else "",
        occurred_at=instant(row.get("completed_at") or row.get("created_at")),
    )  # fmt: skip


def voided(row: Row, key: str, *, existing: bool = False) -> Result:
    """An order that was to be cancelled."""
    if row.get("status") != "CANCELLED":
        return unclear(Kind.VOID, key, word(row, "status"))
    return Result(
        Outcome.APPROVED, Kind.VOID, key, money=paise(row.get("amount")), ref=word(row, "tr"), state=State.VOIDED,
        existing=existing,
    )  # fmt: skip


def refund(row: Row, key: str, *, existing: bool = False) -> Result:
    status, amount = word(row, "status"), paise(row.get("amount"))
    if amount is None or word(row, "refund_id") != key or status not in ("PENDING", "SUCCESS", "FAILURE"):
        return unclear(Kind.REFUND, key, status)
    is_no = status == "FAILURE"
    told = (codes.verdict(word(row, "code")) or codes.PLAIN) if is_no else None
    outcome = {"PENDING": Outcome.PENDING, "SUCCESS": Outcome.APPROVED}.get(status, Outcome.DECLINED)
    return Result(
        told.outcome if told else outcome, Kind.REFUND, key, money=amount, ref=REFUND + key,
        related=word(row, "rrn")[:40], reason=told.reason if told else None, raw_code=word(row, "code") if told else "",
        raw_text=text(row), existing=existing,
        state={"PENDING": State.PENDING_SETTLEMENT, "SUCCESS": State.REFUNDED}.get(status, State.FAILED),
        occurred_at=instant(row.get("completed_at") or row.get("created_at")),
    )  # fmt: skip


def mandate(row: Row, kind: Kind, key: str, *, existing: bool = False) -> Result:
    """Pending until the payer agrees in their app, and while they have it paused; approved with its UMN."""
    status, code, umn = word(row, "status"), word(row, "code"), word(row, "umn")
    view = MethodView(bank_name=word(row, "payer_vpa")[:80])
    at = instant(row.get("activated_at") or row.get("created_at"))
    if status == "ACTIVE" and umn and word(row, "mandate_ref"):
        return Result(
            Outcome.APPROVED, kind, key, ref=MANDATE + word(row, "mandate_ref"), token=umn, view=view, occurred_at=at,
            payer_id=word(row, "mandate_ref"), related=umn[:200], existing=existing,
        )  # fmt: skip
    if status in ("PENDING", "PAUSED"):
        uri = word(row, "uri") if status == "PENDING" else ""
        return Result(
            Outcome.PENDING, kind, key, ref=MANDATE + word(row, "mandate_ref"), redirect=uri, view=view,
            raw_code=codes.PAUSED if status == "PAUSED" else "", raw_text=text(row), occurred_at=at, existing=existing,
        )  # fmt: skip
    if status not in ("REVOKED", "REJECTED", "EXPIRED"):
        return unclear(kind, key, status)
    told = codes.verdict(code)
    reason = told.reason if told is not None and told.outcome == Outcome.DECLINED else Reason.AUTHORIZATION_REVOKED
    return Result(
        Outcome.DECLINED, kind, key, ref=MANDATE + word(row, "mandate_ref"), reason=reason, raw_code=code or status,
        raw_text=text(row), advice=Advice.REAUTHORISE, occurred_at=at,
    )  # fmt: skip


# What is not a yes


def refused(said: Said, kind: Kind, key: str, money: Money | None = None) -> Result:
    """A refusal: nothing was done, whatever its code."""
    told = codes.of_refusal(said.code, said.bank_code)
    return Result(
        told.outcome, kind, key, money=money, reason=told.reason, advice=told.advice, raw_text=said.text or said.code,
        raw_code=said.bank_code if told.outcome == Outcome.DECLINED and said.bank_code else said.code,
        retry_after=said.retry_after,
    )  # fmt: skip


def unclear(kind: Kind, key: str, status: str) -> Result:
    """An answer that says neither yes nor no."""
    return Result(
        Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=status[:40],
        raw_text="The answer says neither yes nor no.",
    )  # fmt: skip


def declined(kind: Kind, key: str, why: str, reason: Reason, code: str = "", money: Money | None = None) -> Result:
    """We know that it cannot be, and did not ask for it."""
    return Result(
        Outcome.DECLINED, kind, key, money=money, reason=reason, raw_code=code, raw_text=why,
        advice=Advice.DO_NOT_RETRY,
    )  # fmt: skip


def word(row: Row, name: str) -> str:
    """A field as text; "" for none."""
    found = row.get(name)
    return found if isinstance(found, str) else ""


def text(row: Row) -> str:
    return scrub(word(row, "message"))[:400]
