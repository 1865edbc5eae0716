"""A returned debit and its paper: the receipt keeps its number and is marked (F41)."""

from datetime import datetime

from billing.transactions import transaction_required
from payments.models import DebitReturn
from receipts.models import Receipt


@transaction_required
def mark_returned(*, made: DebitReturn, now: datetime) -> None:
    """Mark the receipt with the bank's day."""
    receipt = Receipt.objects.select_for_update(no_key=True).get(payment_id=made.payment_id)
    receipt.returned_on = made.returned_on
    receipt.save(update_fields=["returned_on"])
