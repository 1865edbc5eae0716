"""Money that is only paper until the bank has honoured it."""

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
