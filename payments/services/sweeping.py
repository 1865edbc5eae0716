"""Asking what became of calls whose outcome is not known, until it is (invariants 30, 34; faults F10-F16, F28)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction

from billing.office import clock
from billing.office.acting import acting
from billing.office.models import User
from billing.refusals import explained
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways import base
from payments.gateways.base import Outcome, PaymentGateway, Result
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import PaymentAttempt
from payments.models.attempt import ATTEMPT_MOVES, AttemptState, Operation
from payments.services import attempts, settling
from payments.services.calling import finish, hint_of, keep_exchanges, ref_of, reread

log = structlog.get_logger(__name__)

# Nothing left within this time after it was prepared: its worker is gone.
FREE_AFTER = timedelta(minutes=2)
# Two absences at least this far apart, and older than the longest time a processor works on a call, prove it.
APART = timedelta(seconds=60)
OLDER_THAN = timedelta(seconds=60)
LEASE = timedelta(minutes=3)
ASKABLE = (AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.PENDING)


def sweep(*, now: datetime, limit: int = 200) -> int:
    """Free what was never sent and ask once about each that is due. Returns how many were looked at. Outside
    transactions."""
    looked, asked = 0, set[int]()
    for attempt in PaymentAttempt.objects.filter(
        state=AttemptState.CREATED, created_at__lt=now - FREE_AFTER
    ).exclude(operation__in=(Operation.VOID, Operation.REFUND))[:limit]:  # fmt: skip
        in_transaction(partial(attempts.free, attempt, now, "Its worker stopped before anything was sent."))
        looked += 1
    while looked < limit and (pk := _claim_next(now, asked)) is not None:
        asked.add(pk)
        try:
            ask(reread(PaymentAttempt(pk=pk)), now=now)
        except Exception:  # one that cannot be settled must not hold up the others; it is asked again
            log.exception("sweep_failed", attempt=pk)
            _hand_over(reread(PaymentAttempt(pk=pk)), now)
        looked += 1
    return looked


def _claim_next(now: datetime, asked: Collection[int]) -> int | None:
    """The next one due but for those asked, kept from other workers for a while. Committed before anybody is called."""
    with transaction.atomic():
        due = PaymentAttempt.objects.filter(ask_at__lte=now, state__in=ASKABLE).exclude(pk__in=asked)
        found = due.order_by("ask_at", "id").select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if found is None:
            return None
        PaymentAttempt.objects.filter(pk=found.pk).update(ask_at=now + LEASE, asked=found.asked + 1)
        return found.pk


def ask(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """Ask the processor about one attempt and take in what it says. Two absences prove that nothing was done."""
    try:
        gateway, wire = gateway_for(attempt.gateway_account.configuration)
    except NotConfigured as trouble:
        _put_off(attempt, f"not configured: {trouble}", now)
        return reread(attempt)
    result = _ask(gateway, attempt)
    if result is None:
        result = in_transaction(partial(_absent, attempt.pk, now))
    else:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(absences=0, absent_since=None)
    if result is None:
        in_transaction(partial(keep_exchanges, attempt=attempt, exchanges=wire.exchanges, now=now))
        attempt = reread(attempt)
    else:
        attempt = finish(attempt, result, wire.exchanges, source="sweeper")
    return _hand_over(attempt, now)


def _ask(gateway: PaymentGateway, attempt: PaymentAttempt) -> Result | None:
    """What the processor has of it; None where it has nothing it would show by now."""
    try:
        if attempt.gateway_ref and attempt.state == AttemptState.PENDING:
            return gateway.status(ref_of(attempt))
        found = gateway.find(attempt.key, hint_of(attempt))
    except Exception as trouble:  # the border to an outsider
        log.exception("inquiry_failed", attempt=attempt.number)
        return Result(
            Outcome.UNKNOWN, base.Kind(attempt.operation), attempt.key, reason=base.Reason.GATEWAY_ERROR,
            raw_text=type(trouble).__name__,
        )  # fmt: skip
    return best_of(found)


def best_of(found: list[Result]) -> Result | None:
    """Of several things a processor did with one key, the one that counts: money taken before money on its way."""
    order = [Outcome.APPROVED, Outcome.PENDING, Outcome.UNKNOWN, Outcome.DECLINED, Outcome.ERROR]
    return min(found, key=lambda result: order.index(result.outcome), default=None)


@transaction_required
def _absent(pk: int, now: datetime) -> Result | None:
    """Note an absence; the result "not carried out" once it is proven (invariant 30)."""
    attempt = settling.lock_attempt(pk)
    if attempt.state not in (AttemptState.SENT, AttemptState.UNKNOWN):
        return None
    assert attempt.sent_at is not None
    proven = (
        attempt.absences >= 1
        and attempt.absent_since is not None
        and now - attempt.absent_since >= APART
        and now - attempt.sent_at >= OLDER_THAN
    )
    if proven:
        return Result(
            Outcome.ERROR, base.Kind(attempt.operation), attempt.key, reason=base.Reason.GATEWAY_TIMEOUT,
            raw_text="The processor has nothing of it, asked twice.",
        )  # fmt: skip
    if attempt.state == AttemptState.SENT:
        move(attempt, AttemptState.UNKNOWN, ATTEMPT_MOVES)
    PaymentAttempt.objects.filter(pk=pk).update(
        absences=attempt.absences + 1, absent_since=attempt.absent_since or now,
        ask_at=max(settling.next_slot(attempt.sent_at, now), (attempt.absent_since or now) + APART),
    )  # fmt: skip
    return None


def _put_off(attempt: PaymentAttempt, trouble: str, now: datetime) -> None:
    PaymentAttempt.objects.filter(pk=attempt.pk).update(ask_at=now + settling.SLOTS[-1], raw_text=trouble[:400])


def _hand_over(attempt: PaymentAttempt, now: datetime) -> PaymentAttempt:
    """After a day without an answer a person decides; it goes on being asked meanwhile (invariant 34)."""
    long_ago = attempt.sent_at is not None and now - attempt.sent_at >= (
        settling.PENDING_PERSON_AFTER if attempt.state == AttemptState.PENDING else settling.PERSON_AFTER
    )
    if long_ago and not attempt.needs_person and attempt.state in ASKABLE:
        trouble = "Its outcome is still not known."
        in_transaction(partial(_needs_person, attempt.pk, trouble, now))
        return reread(attempt)
    return attempt


@transaction_required
def _needs_person(pk: int, trouble: str, now: datetime) -> None:
    attempt = settling.lock_attempt(pk)
    PaymentAttempt.objects.filter(pk=pk).update(needs_person=trouble)
    settling.alarm(attempt, trouble, now)


def resolve_by_person(*, attempt: PaymentAttempt, result: Result, by: User) -> PaymentAttempt:
    """A person looked at the processor's own screens and says what came of it; the door has their approval."""
    with acting(by, "console"), explained():
        in_transaction(
            partial(
                settling.settle_attempt, attempt_id=attempt.pk, result=result, source="person", now=clock.now(), by=by
            )
        )
    return reread(attempt)
