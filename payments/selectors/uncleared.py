"""Money that is only paper or a word until somebody has honoured it."""

from collections.abc import Iterable

from payments.models import Payment, PaymentState
from payments.models.cheque import ChequeState


def uncleared_credit_items(customer_id: int) -> Iterable[int]:
    """Credit items of a customer that cheques brought which have not cleared. One query, run when read."""
    rows = Payment.objects.filter(
        customer_id=customer_id,
        state=PaymentState.PROCESSED,
        cheque__state__in=(ChequeState.DUE, ChequeState.DEPOSITED),
    )
    return rows.values_list("credit_item_id", flat=True)


def pending_payments(customer_ids: Iterable[int]) -> dict[int, str]:
    """Customers with a payment that still waits for a second person or for the bank. One query."""
    rows = Payment.objects.filter(customer__in=list(customer_ids), state=PaymentState.PENDING)
    return dict.fromkeys(rows.values_list("customer_id", flat=True), "payment_pending")
