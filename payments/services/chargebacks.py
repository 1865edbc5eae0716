"""A processor tells that a cardholder's bank took a payment back: the file is opened by itself (R107, R108)."""

from datetime import datetime

from billing.transactions import transaction_required
from payments.gateways.base import SettledItem
from payments.models import Dispute, PaymentAttempt, WebhookEvent
from payments.models.dispute import DisputeReason, DisputeState
from payments.selectors.disputes import chargebacks_of
from payments.services import settling
from payments.services.disputes import DisputeOrder, NotContestable, TooMuchContested, open_dispute

OPEN = (DisputeState.OPEN, DisputeState.ANSWERED)


@transaction_required
def open_from_processor(
    *, attempt: PaymentAttempt, item: SettledItem, event: WebhookEvent | None, now: datetime
) -> Dispute | None:  # fmt: skip
    """Open the file of a chargeback; the same case told again gives the file there is.

    attempt: succeeded, with its payment. item: amount, day and case of the processor. Its money is held (posts
    "Chargeback held"). Where nothing is left to contest, a person is told instead; then None.
    """
    assert attempt.payment is not None
    payment, case = attempt.payment, (item.text or item.ref or item.batch)[:80]
    earlier = chargebacks_of(payment).filter(processor_reference=case).first()
    if earlier is not None:
        return earlier
    order = DisputeOrder(
        amount=item.money.decimal, reason_code=_reason(item.code), payment_id=payment.pk, processor_reference=case,
        description=f"Charged back at {attempt.gateway_account}: {item.code} {item.text}".strip(),
        request_key=f"chargeback:{attempt.key}:{case}"[:80], opened_on=max(item.on, payment.received_on),
    )  # fmt: skip
    try:
        return open_dispute(organization=attempt.organization, order=order, now=now, by=None)
    except (NotContestable, TooMuchContested) as refusal:
        settling.alarm(attempt, f"Charged back, and not held: {refusal}", now)
        return None


# What the networks' codes mean, as far as they agree: 10.x, 4837 fraud; 13.1 not received; 12.6, 4834 twice.
REASONS = (
    (("10.", "4837", "4863", "UA", "F"), DisputeReason.FRAUD),
    (("13.1", "4855"), DisputeReason.NOT_RECEIVED),
    (("13.3", "4853"), DisputeReason.NOT_AS_AGREED),
    (("12.6", "4834"), DisputeReason.DUPLICATE),
    (("13.2", "13.7", "4841"), DisputeReason.CANCELLED),
    (("12.5", "4831"), DisputeReason.WRONG_AMOUNT),
)


def _reason(code: str) -> DisputeReason:
    return next((reason for starts, reason in REASONS if code.startswith(starts)), DisputeReason.UNKNOWN_CHARGE)
