"""The receipts that say what of a schedule was paid."""

from collections.abc import Iterable

from billing.models import Allocation
from receipts.models import Receipt


def receipts_of(invoice_ids: Iterable[int]) -> dict[int, str]:
    """Invoice key → number of the receipt of the last payment that stands against it. Two queries."""
    standing = Allocation.objects.filter(
        invoice_id__in=list(invoice_ids), reverses__isnull=True, reversed_by__isnull=True,
        credit_item__payment__isnull=False,
    )  # fmt: skip
    last = dict(standing.order_by("id").values_list("invoice_id", "credit_item__payment"))
    numbers = dict(Receipt.objects.filter(payment__in=last.values()).values_list("payment_id", "number"))
    return {invoice_id: numbers[payment_id] for invoice_id, payment_id in last.items() if payment_id in numbers}
