"""What a processor did about a refund becomes the refund's own outcome (R101)."""

from datetime import datetime

from payments.gateways.base import Result
from payments.models import PaymentAttempt
from payments.models.attempt import AttemptState, Operation
from payments.services.gateway_refunds import prepare_refund
from payments.services.paying_out import AlreadySettled, settle_attempt
from payments.services.settling import alarm


def refund_follows(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """What became of the call settles the refund's attempt; a void that came too late goes on as a refund.

    What a person said of it before stays, and the office is told that the processor says otherwise.
    """
    mine = getattr(attempt, "refund_attempt", None)
    if mine is None:
        return
    if attempt.state != AttemptState.SUCCEEDED and attempt.operation == Operation.VOID:
        mine.gateway_attempt = prepare_refund(refund=mine.refund, now=now, by=None, again=True)
        mine.save(update_fields=["gateway_attempt"])
        return
    outcome = {AttemptState.SUCCEEDED: "succeeded", AttemptState.DECLINED: "declined"}.get(
        AttemptState(attempt.state), "not_sent"
    )
    note = "" if outcome == "succeeded" else f"{attempt.reason} {attempt.raw_code} {attempt.raw_text}".strip()
    try:
        settle_attempt(
            attempt=mine, outcome=outcome, on=attempt.organization.today(now), note=note[:400] or "declined", now=now,
            by=None,
        )  # fmt: skip
    except AlreadySettled:  # raised before anything is written: a person said otherwise meanwhile
        alarm(attempt, f"The processor says {outcome} of refund {mine.refund.number}, a person said otherwise.", now)
