"""UPI AutoPay: a payer allows debits once, each is announced a day before, and then carried out.

# Note [Why a notice stops at nine tries]
# One notice covers ten tries, and the tenth that fails revokes the mandate for good. Nine are made; the next debit
# has a notice of its own.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from billing.office import clock
from payments.gateways.base import (
    Kind,
    MandateTerms,
    MethodRef,
    Money,
    OrderRef,
    Outcome,
    Reason,
    Result,
)
from payments.gateways.json_line import Line, Row, Unanswered, not_done, unanswered
from payments.gateways.rupees import CURRENCY, in_india, paise, rupees
from payments.gateways.upi import links, orders, reading

MANDATES = "/v1/mandates"
FREQUENCIES = {
    "monthly": "MONTHLY", "quarterly": "QUARTERLY", "half_yearly": "HALFYEARLY", "annual": "YEARLY",
    "any": "ASPRESENTED",
}  # fmt: skip
# Between a notice and its debit; the slack is for a call that takes its time, and for clocks that differ.
SOONEST, LATEST, SLACK = timedelta(hours=24), timedelta(hours=48), timedelta(minutes=2)
FAR = timedelta(days=30 * 365)  # an end for a mandate that has none
DEAD = ("REVOKED", "REJECTED", "EXPIRED")


def create(line: Line, terms: MandateTerms, key: str, note: str) -> Result:
    """Pending until the payer agrees in their app."""
    frequency = FREQUENCIES.get(terms.frequency)
    if not links.HANDLE.fullmatch(terms.handle):
        return reading.declined(Kind.MANDATE, key, "That is no UPI id.", Reason.INVALID_ACCOUNT)
    if frequency is None or terms.most.currency != CURRENCY:
        return not_done(Kind.MANDATE, key, Unanswered("UPI has no such frequency or currency."))
    body: Row = {
        "mandate_ref": key, "vpa": terms.handle, "max_amount": rupees(terms.most), "currency": CURRENCY,
        "frequency": frequency, "start_on": terms.starts_on.isoformat(), "note": links.note(note),
        "end_on": (terms.ends_on or terms.starts_on + FAR).isoformat(),
    }  # fmt: skip
    said = line.carry_out(Kind.MANDATE, key, "POST", MANDATES, body)
    if isinstance(said, Result):
        return said
    if said.code == "duplicate_mandate":
        return status(line, key, key, existing=True)
    return reading.refused(said, Kind.MANDATE, key) if said.code else reading.mandate(said.body, Kind.MANDATE, key)


def status(line: Line, reference: str, key: str, *, existing: bool = False) -> Result:
    """How a mandate stands. reference: ours, of its creation."""
    try:
        row = line.must_read(f"{MANDATES}/{reference}")
    except Unanswered as trouble:
        return unanswered(Kind.MANDATE, key, trouble)
    return reading.mandate(row, Kind.MANDATE, key, existing=existing)


def revoke(line: Line, method: MethodRef, key: str) -> Result:
    """End a mandate. One that has ended already counts as ended."""
    said = line.carry_out(Kind.DELETE, key, "POST", f"{MANDATES}/{method.payer_id}/revoke", None)
    if isinstance(said, Result):
        return said
    if said.code == "mandate_not_active" or said.code == "not_found":
        return replace(_ended(line, method.payer_id, key), existing=True)
    if said.code:
        return reading.refused(said, Kind.DELETE, key)
    return _dead(said.body, key)


def _ended(line: Line, reference: str, key: str) -> Result:
    try:
        row = line.read(f"{MANDATES}/{reference}")
    except Unanswered as trouble:
        return unanswered(Kind.DELETE, key, trouble)
    return _dead(row or {"status": "REVOKED"}, key)


def _dead(row: Row, key: str) -> Result:
    told = reading.word(row, "status")
    return Result(Outcome.APPROVED, Kind.DELETE, key) if told in DEAD else reading.unclear(Kind.DELETE, key, told)


def find_ended(line: Line, reference: str, key: str) -> list[Result]:
    """Whether a mandate has ended; [] where it stands. Raises Unanswered."""
    row = line.read(f"{MANDATES}/{reference}")
    is_dead = row is not None and reading.word(row, "status") in DEAD
    return [Result(Outcome.APPROVED, Kind.DELETE, key, existing=True)] if is_dead else []


# Notices


def notify(line: Line, method: MethodRef, money: Money, on: date, key: str) -> Result:
    """Announce a debit for a day. It may be carried out from then on, for three days."""
    at = debit_at(on, clock.now())
    if at is None:
        begins = in_india(on, time()) - LATEST + SLACK
        trouble = Unanswered("A debit is announced at most two days before.", "notice_window", begins)
        return replace(not_done(Kind.NOTIFY, key, trouble, money), reason=Reason.LIMIT_EXCEEDED)
    body: Row = {"notification_ref": key, "amount": rupees(money), "debit_at": at.isoformat(timespec="seconds")}
    said = line.carry_out(Kind.NOTIFY, key, "POST", f"{MANDATES}/{method.payer_id}/notifications", body, money)
    if isinstance(said, Result):
        return said
    if said.code == "duplicate_notification":
        found = _found_notice(line, method.payer_id, key)
        return found or reading.refused(said, Kind.NOTIFY, key, money)
    return reading.refused(said, Kind.NOTIFY, key, money) if said.code else notice(said.body, key)


def debit_at(on: date, now: datetime) -> datetime | None:
    """When on a day a debit may be: from its first minute in India, a day from now at least. None: too far away."""
    at = max(in_india(on, time()), now + SOONEST + SLACK)
    return at if at <= now + LATEST - SLACK else None


def notice(row: Row, key: str) -> Result:
    amount = paise(row.get("amount"))
    if amount is None or reading.word(row, "notification_ref") != key:
        return reading.unclear(Kind.NOTIFY, key, reading.word(row, "status"))
    return Result(Outcome.APPROVED, Kind.NOTIFY, key, money=amount, ref=key)


def _found_notice(line: Line, reference: str, key: str) -> Result | None:
    try:
        found = find_notice(line, reference, key)
    except Unanswered as trouble:
        return unanswered(Kind.NOTIFY, key, trouble)
    return replace(found[0], existing=True) if found else None


def find_notice(line: Line, reference: str, key: str) -> list[Result]:
    """Raises Unanswered."""
    row = line.read(f"{MANDATES}/{reference}/notifications/{key}")
    return [notice(row, key)] if row is not None else []


# Debits


def debit(line: Line, method: MethodRef, money: Money, key: str, order: OrderRef) -> Result:
    """Carry out what was announced; the very first debit may go without, within minutes of the payer's consent.

    See Note [Why a notice stops at nine tries].
    """
    body: Row = {"tr": key, "amount": rupees(money)}
    if order.notice:
        try:
            left = _tries_left(line, method.payer_id, order.notice)
        except Unanswered as trouble:
            return not_done(Kind.SALE, key, trouble, money)
        if left <= 1:
            why = "Nine tries of this notice are used; the tenth would end the mandate."
            return reading.declined(Kind.SALE, key, why, Reason.LIMIT_EXCEEDED, "tries_used", money)
        body["notification_ref"] = order.notice
    said = line.carry_out(Kind.SALE, key, "POST", f"{MANDATES}/{method.payer_id}/executions", body, money)
    return orders.taken(line, said, Kind.SALE, key, money)


def _tries_left(line: Line, reference: str, notice_key: str) -> int:
    """Raises Unanswered also where there is no such notice, and for an answer that names no number."""
    found: Any = line.must_read(f"{MANDATES}/{reference}/notifications/{notice_key}").get("tries_left")
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unanswered("a notice without the number of its tries")
    return found
