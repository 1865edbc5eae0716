"""What the sponsor bank's rows say, in our words. Pure: nothing is asked here."""

from datetime import date, datetime, time

from payments.gateways.base import Advice, Kind, MethodUpdate, MethodView, Money, Outcome, Reason, Result, State
from payments.gateways.json_line import Row, Said
from payments.gateways.nach import codes
from payments.gateways.rupees import CURRENCY, day_in_india, in_india, instant, paise
from payments.gateways.wire import scrub

MANDATE = "mandate:"  # what the reference of a registration begins with
DEAD = ("REJECTED", "CANCELLED", "EXPIRED")
# What befalls a mandate that stood.
CHANGES = {"CANCELLED": "revoked", "EXPIRED": "expired"}
REPLACED = "replaced"


def item(row: Row, key: str) -> Result:
    """A debit as it stands. Accepted is not the end: it may come back for two days."""
    amount, state, code = paise(row.get("amount")), word(row, "status"), word(row, "code")
    if amount is None or word(row, "item_ref") != key:
        return unclear(Kind.SALE, key, state)
    return debit(key, amount, state, code, word(row, "message"), word(row, "utr"), instant(row.get("changed_at")))


def debit(
    key: str, money: Money, state: str, code: str, text: str, utr: str, at: datetime | None = None
) -> Result:  # fmt: skip
    """By the bank's word, from its record or from a result file."""
    if state in ("PENDING", "EXTENDED"):
        return Result(
            Outcome.PENDING, Kind.SALE, key, money=money, ref=key, state=State.PENDING_SETTLEMENT, occurred_at=at,
            raw_code=code[:40] if state == "EXTENDED" else "", raw_text=scrub(text)[:400],
        )  # fmt: skip
    if state == "ACCEPTED":
        return Result(
            Outcome.APPROVED, Kind.SALE, key, money=money, ref=key, related=utr[:40], state=State.SETTLED,
            occurred_at=at,
        )  # fmt: skip
    if state != "RETURNED":
        return unclear(Kind.SALE, key, state)
    told = codes.return_of(code, text)
    is_final = told.outcome == Outcome.DECLINED
    return Result(
        told.outcome, Kind.SALE, key, money=money, ref=key, related=utr[:40], reason=told.reason, advice=told.advice,
        state=State.RETURNED if is_final else None, return_code=code[:40] if is_final else "", raw_code=code[:40],
        raw_text=scrub(text)[:400], occurred_at=at, retry_after=_next_month(at) if told is codes.PERIOD else None,
    )  # fmt: skip


def _next_month(at: datetime | None) -> datetime | None:
    """When the next period of a monthly mandate begins, after a refusal; a longer one will refuse again."""
    if at is None:
        return None
    day = day_in_india(at)
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return in_india(date(year, month, 1), time())


def mandate(row: Row, kind: Kind, key: str, *, existing: bool = False) -> Result:
    """Pending until the debtor's bank has taken it up; approved with its UMRN."""
    status, umrn, reference = word(row, "status"), word(row, "umrn"), word(row, "message_ref")
    view, at = view_of(row), instant(row.get("changed_at"))
    if status == "ACTIVE" and umrn and reference:
        return Result(
            Outcome.APPROVED, kind, key, ref=MANDATE + reference, related=umrn, token=umrn, payer_id=reference,
            view=view, existing=existing, occurred_at=at,
        )  # fmt: skip
    if status in ("PENDING", "REGISTERED") and reference:
        return Result(
            Outcome.PENDING, kind, key, ref=MANDATE + reference, related=umrn, view=view, existing=existing,
            redirect=word(row, "auth_url") if status == "PENDING" else "", occurred_at=at,
        )  # fmt: skip
    if status not in DEAD:
        return unclear(kind, key, status)
    code = word(row, "code")
    return Result(
        Outcome.DECLINED, kind, key, ref=MANDATE + reference, related=umrn, raw_code=code[:40] or status,
        reason=codes.REJECTIONS.get(code, Reason.AUTHORIZATION_REVOKED), advice=Advice.REAUTHORISE,
        raw_text=scrub(word(row, "message"))[:400], occurred_at=at,
    )  # fmt: skip


def view_of(row: Row) -> MethodView:
    """What may be shown of the debtor's account: four letters of the bank and four digits."""
    debtor = row.get("debtor")
    told = debtor if isinstance(debtor, dict) else {}
    return MethodView(bank_name=word(told, "bank")[:80], last4=word(told, "account_last4")[-4:], is_verified=True)


def ended(row: Row, kind: Kind, key: str, *, existing: bool = False) -> Result:
    """A mandate that was to be cancelled."""
    status = word(row, "status")
    return Result(Outcome.APPROVED, kind, key, existing=existing) if status in DEAD else unclear(kind, key, status)


def update(row: Row) -> MethodUpdate | None:
    """News of a mandate that stood and does no more; None for other rows. Whether one came to stand is the outcome of
    its registration."""
    status, umrn, at = word(row, "status"), word(row, "umrn"), instant(row.get("changed_at"))
    change = "removed" if word(row, "code") == REPLACED else CHANGES.get(status, "")
    if not change or not umrn or at is None:
        return None
    return MethodUpdate(f"{umrn}:{status}:{at:%Y%m%dT%H%M%S}", umrn, change, at, code=word(row, "code"))


# What is not a yes

REFUSALS = {
    "invalid_request": Outcome.DECLINED, "not_active": Outcome.DECLINED, "amending": Outcome.DECLINED,
    "not_found": Outcome.DECLINED,
}  # fmt: skip


def refused(said: Said, kind: Kind, key: str, money: Money | None = None) -> Result:
    """A refusal: nothing was done. Of a mandate it is mostly what the payer gave that cannot be."""
    outcome = REFUSALS.get(said.code, Outcome.ERROR) if kind != Kind.SALE else Outcome.ERROR
    is_account = outcome == Outcome.DECLINED and kind == Kind.MANDATE
    return Result(
        outcome, kind, key, money=money, reason=Reason.INVALID_ACCOUNT if is_account else Reason.GATEWAY_ERROR,
        raw_code=said.code, raw_text=said.text or said.code, retry_after=said.retry_after,
        advice=Advice.RETRY_AFTER if said.retry_after else None,
    )  # fmt: skip


def unclear(kind: Kind, key: str, status: str) -> Result:
    return Result(
        Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=status[:40],
        raw_text="The answer says neither yes nor no.",
    )  # fmt: skip


def word(row: Row, name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""


def inr(minor: int) -> Money:
    return Money(minor, CURRENCY)
