"""Charging a stored method, from the order to what became of it (R48, R52, R62)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import structlog

from billing.money import ZERO
from billing.office.models import User
from billing.refusals import explained
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Authentication, Result
from payments.models import AttemptClaim, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState, Operation
from payments.services import fraud, settling
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.calling import Extra, send_attempt

# Voids of money that must go back whatever it takes: of a success that came late, of a payment the office voided.
TAKEN_BACK = ("airbag", "void")
# How often such a void or refund is tried, a minute apart, while nothing of it reaches the processor.
TRIES = 10
log = structlog.get_logger(__name__)


def charge(
    *, method: PaymentMethod, invoices: Sequence[tuple[int, Decimal]], request_key: str, now: datetime,
    by: User | None, by_payer: bool, channel: str, decision: dict[str, Any], follows: PaymentAttempt | None = None,
    operation: str = Operation.SALE, authentication: Authentication | None = None,
) -> PaymentAttempt:  # fmt: skip
    """Charge invoices to a method: committed attempt, call, outcome. Called outside any transaction.

    invoices: (key, amount) in the method's gateway currency. authentication: what the payer's bank said of them just
    now. The same request_key gives the same attempt, which is not sent again. One that seems fraudulent is not sent at
    all: it comes back as not carried out, for a person (R49).
    Raises BeingConfirmed, NotChargeable, MethodUnusable, KeyReused, BadInput, Busy.
    """
    order = AttemptOrder(
        gateway_account=method.gateway_account, customer_id=method.customer_id, operation=operation,
        currency=method.gateway_account.currency, request_key=request_key, method=method, claims=tuple(invoices),
        amount=sum((amount for _pk, amount in invoices), ZERO), by_payer=by_payer, channel=channel,
        decision=decision, follows=follows,
    )  # fmt: skip
    with explained():
        attempt = in_transaction(partial(_prepare_charge, order, now, by))
    return send_attempt(attempt, Extra(authentication=authentication))


@transaction_required
def _prepare_charge(order: AttemptOrder, now: datetime, by: User | None) -> PaymentAttempt:
    attempt = prepare_attempt(order, now=now, by=by)
    fraud.hold_suspect(attempt=attempt, now=now)
    return attempt


def follow_up(
    *, attempt: PaymentAttempt, operation: str, amount: Decimal, request_key: str, now: datetime, by: User | None,
    channel: str = "office",
) -> PaymentAttempt:  # fmt: skip
    """Capture, void or refund what a processor did. amount: of the operation. Called outside any transaction."""
    with explained():
        prepared = in_transaction(
            partial(
                prepare_follow_up,
                attempt=attempt,
                operation=operation,
                amount=amount,
                request_key=request_key,
                now=now,
                by=by,
                channel=channel,
            )
        )
    return send_attempt(prepared)


@transaction_required
def prepare_follow_up(
    *, attempt: PaymentAttempt, operation: str, amount: Decimal, request_key: str, now: datetime, by: User | None,
    channel: str = "office",
) -> PaymentAttempt:  # fmt: skip
    """Write down a capture, void or refund of an earlier attempt; the dispatcher sends it if nobody else does."""
    order = AttemptOrder(
        gateway_account=attempt.gateway_account, customer_id=attempt.customer_id, operation=operation,
        currency=attempt.currency, request_key=request_key, amount=amount, method=attempt.method, follows=attempt,
        channel=channel,
    )  # fmt: skip
    return prepare_attempt(order, now=now, by=by)


def take_back_late(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Money came for an attempt that counts as failed: it is voided at once, and the payer told (moonshot 8)."""
    amount = result.approved.decimal if result.approved else attempt.amount
    prepare_follow_up(
        attempt=attempt, operation=Operation.VOID, amount=amount, request_key=f"late:{attempt.key}", now=now, by=None,
        channel="airbag",
    )  # fmt: skip
    settling.alarm(attempt, "It counted as failed and succeeded late; the money goes back.", now)


def void_released(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """An authorisation that was voided claims nothing any more."""
    followed = attempt.follows
    assert followed is not None
    if attempt.state == AttemptState.SUCCEEDED and followed.operation == Operation.AUTH:
        AttemptClaim.objects.filter(attempt=followed, holds=True).update(holds=False)


def take_back_again(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Money that must go back and did not. What never reached the processor is tried again, a void that came too late
    becomes a refund, and in the end a person is told: it is never forgotten (fault F22)."""
    followed = attempt.follows
    if followed is None or attempt.channel not in TAKEN_BACK or attempt.state == AttemptState.SUCCEEDED:
        return
    operation, key = Operation(attempt.operation), f"again:{attempt.key}"
    if attempt.state == AttemptState.DECLINED:
        operation, key = Operation.REFUND, f"refund-instead:{attempt.key}"
    is_same = operation == attempt.operation
    if is_same and (attempt.state == AttemptState.DECLINED or attempt.ordinal >= TRIES):
        settling.alarm(attempt, f"The money of {followed.number} could not be given back; do it at the processor.", now)
        return
    prepare_follow_up(
        attempt=followed, operation=operation, amount=attempt.amount, request_key=key, now=now, by=None,
        channel=attempt.channel,
    )  # fmt: skip


def send_prepared(*, now: datetime, limit: int = 50) -> int:
    """Send voids and refunds that were written down and whose worker has not sent them. Outside any transaction."""
    rows = PaymentAttempt.objects.filter(
        state=AttemptState.CREATED, operation__in=(Operation.VOID, Operation.REFUND), created_at__lte=now
    )
    found = list(rows.select_related("gateway_account").order_by("pk")[:limit])
    for attempt in found:
        try:
            send_attempt(attempt)
        except Exception:  # one that cannot be settled must not hold up the others; it is asked about later
            log.exception("prepared_not_sent", attempt=attempt.number)
    return len(found)
