"""A processor took money: its payment and receipt, in the transaction that settles the attempt (R18)."""

from datetime import datetime

from billing.errors import DomainError
from billing.models import Customer
from billing.office.models import Organization, User
from billing.office.policies import policies_for
from billing.transactions import transaction_required
from payments.models import Payment
from payments.services.orders import PaymentOrder
from receipts.models.receipt import Delivery
from receipts.services.counter import ReceiptWish, take_payments


@transaction_required
def take_charged(*, organization: Organization, order: PaymentOrder, now: datetime, by: User | None) -> Payment:
    """The payment of money that is taken already. Its receipt is mailed where the payer has an address.

    Raises DomainError where it cannot be applied as ordered; then nothing was written.
    """
    result = take_payments(
        organization=organization, orders=[(order, _wish(organization, order))], now=now, by=by, at_counter=False
    )[0]
    if isinstance(result, DomainError):
        raise result
    return result.payment


def _wish(organization: Organization, order: PaymentOrder) -> ReceiptWish:
    """By mail whatever the counter does: nobody stands there. Without an address it waits to be fetched."""
    if policies_for(organization, customer_id=order.customer_id).text("receipts.delivery") == Delivery.NONE:
        return ReceiptWish(Delivery.NONE)
    email = Customer.objects.values_list("email", flat=True).get(pk=order.customer_id)
    return ReceiptWish(Delivery.EMAIL if email else Delivery.NONE)
