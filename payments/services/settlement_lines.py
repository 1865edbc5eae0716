"""What follows from a line of a processor's report, and where it and our books differ (R151; faults F15, F28)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

import structlog
from django.db.models import Count

from billing.errors import DomainError
from billing.money import format_money
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.refusals import explained
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Kind, Moved, Outcome, Result, SettledItem, State
from payments.models import Dispute, PaymentAttempt, SettlementLine
from payments.models.attempt import FINAL, AttemptState
from payments.models.dispute import DisputeKind
from payments.selectors.disputes import OPEN
from payments.services.calling import reread
from payments.services.chargebacks import open_from_processor
from payments.services.reading_back import NoAnswer, NotYet, read_back, take_in
from payments.services.settling import lock_attempt

log = structlog.get_logger(__name__)

NOT_OURS = {
    Moved.CAPTURE: "Money was taken that nothing here asked for.",
    Moved.REFUND: "Money was given back that nothing here asked for.",
    Moved.RETURN: "A debit came back that is not in our books.",
    Moved.CHARGEBACK: "Money was charged back that is not in our books.",
    Moved.CHARGEBACK_WON: "Charged-back money came back that is not in our books.",
}


@dataclass(frozen=True)
class Seen:
    """A line with the attempt it is about, locked. record: the processor's own of it, where it was looked at."""

    line: SettlementLine
    item: SettledItem
    attempt: PaymentAttempt
    record: Result | None


Row = tuple[SettlementLine, SettledItem]
# How far money is that a report may call settled; what went further is not called back.
WAITING = ("", State.AUTHORIZED, State.PENDING_SETTLEMENT)


def follow_lines(*, rows: Sequence[Row], now: datetime) -> None:
    """Do what the lines of a settlement say, once however often, and write on each what differs.

    A charge of which we did not know what became is settled by its line; one that counts as failed is taken back; a
    return and a chargeback are booked. Whatever cannot be is a difference on the line, told to the office. What is as
    our books have it, nearly all, is marked as settled together. Outside transactions.
    """
    twice = _told_twice([line for line, _item in rows])
    plain = [line for line, item in rows if _is_as_booked(line, item) and (line.attempt_id, line.moved) not in twice]
    PaymentAttempt.objects.filter(
        pk__in=[line.attempt_id for line in plain], state=AttemptState.SUCCEEDED, money_state__in=WAITING
    ).update(money_state=State.SETTLED)
    as_booked = {line.pk for line in plain}
    for line, item in rows:
        if line.pk not in as_booked:
            _follow_one(line, item, now)


def _is_as_booked(line: SettlementLine, item: SettledItem) -> bool:
    attempt = line.attempt
    return (
        line.moved in (Moved.CAPTURE, Moved.REFUND)
        and attempt is not None
        and not line.trouble
        and attempt.state == AttemptState.SUCCEEDED
        and attempt.money_state != State.VOIDED
        and (item.money.currency, line.amount) == (attempt.currency, _booked(attempt))
    )


def _booked(attempt: PaymentAttempt) -> Decimal:
    amount: Decimal = attempt.amount if attempt.approved_amount is None else attempt.approved_amount
    return amount


def _told_twice(lines: Sequence[SettlementLine]) -> set[tuple[int | None, str]]:
    """Invariant 27, by the processor's own count: one attempt, one movement of money. One query."""
    counted = SettlementLine.objects.filter(attempt__in={line.attempt_id for line in lines if line.attempt_id})
    rows = counted.order_by().values_list("attempt_id", "moved").annotate(times=Count("pk")).filter(times__gt=1)
    return {(attempt_id, moved) for attempt_id, moved, _times in rows}


def _follow_one(line: SettlementLine, item: SettledItem, now: datetime) -> None:
    try:
        record = _record(line, now)
        with explained():
            trouble = in_transaction(partial(_follow, line, item, record, now))
    except (DomainError, NotYet, NoAnswer) as refusal:
        trouble = str(refusal)
    except Exception as failure:  # the border between lines: whatever one does, the next must be looked at
        log.exception("settlement_line_failed", line=line.pk)
        trouble = type(failure).__name__
    if trouble[:200] != line.trouble:
        in_transaction(partial(_note, line, trouble[:200], now))


def _record(line: SettlementLine, now: datetime) -> Result | None:
    """Of a return that we did not wait for any more the report is enough; else the record says why it came back."""
    attempt = line.attempt
    if line.moved != Moved.RETURN or attempt is None or attempt.state in FINAL:
        return None
    return read_back(reread(attempt), now)


@transaction_required
def _follow(line: SettlementLine, item: SettledItem, record: Result | None, now: datetime) -> str:
    moved = Moved(line.moved)
    if moved == Moved.ADJUSTMENT:
        return "The processor changed its own sums; see why."
    if moved not in EFFECTS:
        return ""
    if line.attempt is None:
        return NOT_OURS.get(moved, "")
    if item.money.currency != line.attempt.currency:
        return f"It is in {item.money.currency}, asked was {line.attempt.currency}."
    return EFFECTS[moved](Seen(line, item, lock_attempt(line.attempt.pk), record), now)


@transaction_required
def _note(line: SettlementLine, trouble: str, now: datetime) -> None:
    SettlementLine.objects.filter(pk=line.pk).update(trouble=trouble)
    line.trouble = trouble
    if not trouble:
        return
    settlement = line.settlement
    amount = format_money(line.amount, settlement.currency)
    message = Message(
        kind="settlement_differs", fact=f"settlement_line:{line.pk}:{trouble}"[:200], recipient="office",
        channel=Channel.OFFICE, subject=f"{settlement.gateway_account}: {settlement} differs from the books"[:200],
        body=f"{line.moved} {line.gateway_ref}, {amount}: {trouble}",
    )  # fmt: skip
    queue_notices(settlement.organization, [message], now)


# By what moved. Each returns what differs, "" for nothing.


def _moved_as_asked(seen: Seen, now: datetime) -> str:
    """A capture or a refund: settle what is open by it, compare what is not."""
    attempt, line = seen.attempt, seen.line
    if SettlementLine.objects.filter(attempt=attempt, moved=line.moved, pk__lt=line.pk).exists():
        return "The processor has it twice."
    if attempt.sent_at is None:
        return f"By our books {attempt.number} was not sent."
    failed = attempt.state in (AttemptState.DECLINED, AttemptState.NOT_SENT)
    if attempt.state not in FINAL or failed or attempt.money_state in WAITING:
        take_in(attempt=attempt, result=_result(seen), source="report", now=now)
        attempt.refresh_from_db()
    if failed:
        return f"{attempt.number} counts as {attempt.state}; the money goes back."
    if attempt.state != AttemptState.SUCCEEDED:
        return attempt.needs_person[:200] or f"{attempt.number} is {attempt.state}."
    if attempt.money_state == State.VOIDED:
        return f"{attempt.number} counts as void."
    if _booked(attempt) != line.amount:
        words = [format_money(amount, attempt.currency) for amount in (line.amount, _booked(attempt))]
        return f"It settled {words[0]}, booked is {words[1]}."
    return ""


def _result(seen: Seen) -> Result:
    """What a report says, as if the processor had been asked."""
    item, attempt = seen.item, seen.attempt
    return Result(
        Outcome.APPROVED, Kind(attempt.operation), attempt.key, money=item.money,
        approved=item.money if attempt.state in FINAL else None, ref=attempt.gateway_ref or item.ref,
        state=State.SETTLED, raw_text=item.text,
    )  # fmt: skip


def _came_back(seen: Seen, now: datetime) -> str:
    """A bank took a debit back, all of it."""
    attempt, item = seen.attempt, seen.item
    if seen.line.amount != _booked(attempt):
        words = [format_money(amount, attempt.currency) for amount in (seen.line.amount, _booked(attempt))]
        return f"{words[0]} came back, taken were {words[1]}."
    told = Result(
        Outcome.DECLINED, Kind(attempt.operation), attempt.key, ref=attempt.gateway_ref, state=State.RETURNED,
        raw_code=item.code, raw_text=item.text, return_code=item.code,
    )  # fmt: skip
    take_in(attempt=attempt, result=seen.record or told, source="report", now=now, code=item.code, on=item.on)
    return ""


def _charged_back(seen: Seen, now: datetime) -> str:
    open_from_processor(attempt=seen.attempt, item=seen.item, event=None, now=now)
    return ""


def _won(seen: Seen, now: datetime) -> str:
    """The processor gave charged-back money back. Closing the file takes a person's word; until then it differs."""
    held = Dispute.objects.filter(payment=seen.attempt.payment_id, kind=DisputeKind.CHARGEBACK, state__in=OPEN)
    numbers = ", ".join(held.order_by("pk").values_list("number", flat=True))
    return f"The chargeback was won; {numbers} is still open." if seen.attempt.payment_id and numbers else ""


EFFECTS: dict[Moved, Callable[[Seen, datetime], str]] = {
    Moved.CAPTURE: _moved_as_asked,
    Moved.REFUND: _moved_as_asked,
    Moved.RETURN: _came_back,
    Moved.CHARGEBACK: _charged_back,
    Moved.CHARGEBACK_WON: _won,
}
