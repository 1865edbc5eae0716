"""The words of source 2 for a payment's state (requirements §2 row 35). The one place that maps them."""

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from payments.models import PaymentState
from payments.models.refund import RefundState

STATUS_WORDS = {
    PaymentState.PENDING.value: "Pending",
    PaymentState.PROCESSED.value: "Success",
    PaymentState.REFUNDED.value: "Refunded",
    PaymentState.FAILED.value: "Failed",
    # No word of their own there: the money does not count. Our own word stands beside it, as "state".
    PaymentState.CANCELLED.value: "Failed",
    PaymentState.VOIDED.value: "Failed",
    PaymentState.RETURNED.value: "Failed",
}

# What a system may wish of a payment; retry is of a failed one.
WISHED_STATUSES = ("pending", "success", "failed", "refunded", "retry")
REFUND_WORDS = {
    RefundState.REQUESTED.value: "Initiated",
    RefundState.APPROVED.value: "Initiated",
    RefundState.SUBMITTED.value: "Initiated",
    RefundState.PROCESSED.value: "Processed",
    RefundState.FAILED.value: "Failed",
    RefundState.REJECTED.value: "Rejected",
    RefundState.WITHDRAWN.value: "Rejected",
}
# Of a payment (requirements §2 row 5).
REFUND_STATUS_WORDS = {"": None, "pending": "Pending", "processed": "Processed"}


def states_of(word: str) -> tuple[str, ...]:
    """The states behind a status word, or the one state named by our own word. Raises BadInput."""
    states = tuple(state for state, status in STATUS_WORDS.items() if word.lower() in (status.lower(), state))
    if not states:
        known = ", ".join(dict.fromkeys(STATUS_WORDS.values()))
        raise BadInput(_("Write one of: {known}."), field="status", code="unknown_status", known=known)
    return states
