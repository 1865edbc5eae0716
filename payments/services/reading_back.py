"""What an outsider told or reported of a charge: whose it is, what its own record says, and what follows from that.

# Note [Money that is gone]
# A charge that is a payment and whose record says voided, failed or returned, though nobody here voided it, was taken
# back before or after it was settled (faults F15, F41). Its payment is reversed the way a bank's return is.
"""

from collections.abc import Collection
from datetime import date, datetime
from functools import partial

import structlog
from django.db.models import Q

from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import LateReturns, Outcome, Result, State
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import PaymentAttempt, PaymentState, WebhookEvent
from payments.models.attempt import FINAL, LIVE, AttemptState, Operation
from payments.services.calling import hint_of, keep_exchanges, ref_of
from payments.services.debit_returns import VOIDED, record_debit_return
from payments.services.settling import TAKING, alarm, settle_attempt
from payments.services.sweeping import best_of

log = structlog.get_logger(__name__)

# What has a record of its own at the processor, to be looked at by its reference.
HAS_RECORD = (*TAKING, Operation.AUTH, Operation.REFUND)
GONE = (State.VOIDED, State.FAILED, State.RETURNED)


class NotYet(Exception):
    """Nothing here is known, so far, of what it speaks of; its words say what."""


class NoAnswer(Exception):
    """The outsider did not say; its words are why."""


def attempts_of(configuration: str, *, keys: Collection[str], refs: Collection[str]) -> list[PaymentAttempt]:
    """Ours with these credentials, by our key or by the processor's reference, customer by customer. One query."""
    named = Q(key__in=[key for key in keys if key]) | Q(gateway_ref__in=[ref for ref in refs if ref])
    rows = PaymentAttempt.objects.filter(named, gateway_account__configuration=configuration)
    return list(
        rows.select_related("gateway_account", "method", "customer", "organization", "follows").order_by(
            "customer_id", "pk"
        )
    )


def read_back(attempt: PaymentAttempt, now: datetime, *, returned: bool = False) -> Result | None:
    """What the processor's own record says; None where it has none to be looked at and nothing is open.

    Outside transactions. Raises NotYet (it is not to be seen, or was not sent by our books), NoAnswer.
    """
    if attempt.sent_at is None:
        raise NotYet(f"By our books {attempt.number} was not sent.")
    is_open = attempt.state not in FINAL
    if not is_open and attempt.operation not in HAS_RECORD:
        return None
    result = _ask(
        attempt, now, by_reference=bool(attempt.gateway_ref) and attempt.operation in HAS_RECORD, returned=returned
    )
    if result is None:
        raise NotYet(f"The processor shows nothing of {attempt.number}.")
    if result.outcome == Outcome.UNKNOWN:
        raise NoAnswer(f"The processor does not say what became of {attempt.number}: {result.raw_text}"[:400])
    return result


def _ask(attempt: PaymentAttempt, now: datetime, *, by_reference: bool, returned: bool) -> Result | None:
    try:
        gateway, wire = gateway_for(attempt.gateway_account.configuration)
    except NotConfigured as trouble:
        raise NoAnswer(f"not configured: {trouble}") from None
    try:
        if by_reference and returned and isinstance(gateway, LateReturns):
            return gateway.came_back(ref_of(attempt))
        if by_reference:
            return gateway.status(ref_of(attempt))
        return best_of(gateway.find(attempt.key, hint_of(attempt)))
    except Exception as trouble:  # the border to an outsider
        log.exception("read_back_failed", attempt=attempt.number)
        raise NoAnswer(type(trouble).__name__) from None
    finally:
        in_transaction(partial(keep_exchanges, attempt=attempt, exchanges=wire.exchanges, now=now))


@transaction_required
def take_in(
    *, attempt: PaymentAttempt, result: Result, source: str, now: datetime, event: WebhookEvent | None = None,
    code: str = "", on: date | None = None,
) -> str:  # fmt: skip
    """Settle an attempt by its record; money that is gone is reversed. See Note [Money that is gone].

    source: "webhook" or "report". code, on: of a return, as told; else as the record has them. Returns what it did.
    """
    settled = settle_attempt(attempt_id=attempt.pk, result=result, source=source, now=now)
    if settled.state == AttemptState.SUCCEEDED and result.state in GONE:
        return _gone(settled, result, now, event, code, on)
    return f"{settled.number}: {settled.state}"


def _gone(
    attempt: PaymentAttempt, result: Result, now: datetime, event: WebhookEvent | None, code: str, on: date | None
) -> str:
    if attempt.operation == Operation.REFUND:
        alarm(attempt, "A refund that counts as paid out came back.", now)
        return f"{attempt.number}: the refund came back"
    if attempt.operation not in TAKING or _is_ours(attempt):
        return f"{attempt.number}: {result.state}"
    assert attempt.payment is not None
    attempt.payment.refresh_from_db()
    # A bank may take a debit back that was refunded meanwhile: then the refund is asked back too.
    taken_back = attempt.payment.state == PaymentState.REFUNDED and result.state == State.RETURNED
    if attempt.payment.state != PaymentState.PROCESSED and not taken_back:
        return f"{attempt.number}: {attempt.payment.state} already"
    told = code or result.return_code or (VOIDED if result.state == State.VOIDED else result.raw_code)
    day = on or attempt.organization.today(now)
    record_debit_return(attempt=attempt, code=told, returned_on=day, event=event, now=now)
    return f"{attempt.number}: {result.state}, the payment is reversed"


def _is_ours(attempt: PaymentAttempt) -> bool:
    """Whether we asked for its void ourselves."""
    return attempt.followers.filter(operation=Operation.VOID, state__in=(*LIVE, AttemptState.SUCCEEDED)).exists()
