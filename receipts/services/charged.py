"""Money that came without a counter, by a processor or a bank: its payment and receipt in one transaction (R18)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from billing.errors import DomainError
from billing.models import Customer
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook, policies_for_customers
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
    result = _take(organization, [order], now, by)[0]
    if isinstance(result, DomainError):
        raise result
    return result


@transaction_required
def take_transferred(
    *, organization: Organization, orders: Sequence[PaymentOrder], now: datetime, by: User | None
) -> list[Payment | DomainError]:
    """As take_charged, for many transfers of a bank statement; a refused one comes back as its DomainError."""
    return _take(organization, orders, now, by)


def _take(
    organization: Organization, orders: Sequence[PaymentOrder], now: datetime, by: User | None
) -> list[Payment | DomainError]:
    keys = {order.customer_id for order in orders}
    books = policies_for_customers(organization, keys)
    emails = dict(Customer.objects.filter(pk__in=keys).values_list("pk", "email"))
    wished = [(order, _wish(books, emails, order.customer_id)) for order in orders]
    results = take_payments(organization=organization, orders=wished, now=now, by=by, at_counter=False)
    return [result if isinstance(result, DomainError) else result.payment for result in results]


def _wish(books: Mapping[int, PolicyBook], emails: Mapping[int, str], customer_id: int) -> ReceiptWish:
    """By mail whatever the counter does: nobody stands there. Without an address it is told by phone where it waits."""
    if books[customer_id].text("receipts.delivery") == Delivery.NONE:
        return ReceiptWish(Delivery.NONE)
    return ReceiptWish(Delivery.EMAIL) if emails.get(customer_id) else ReceiptWish(Delivery.NONE, by_phone=True)
