"""A returned cheque tried once more: a payment and a receipt of its own, the chain kept (requirements §2 row 38)."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.office.models import User
from billing.office.policies import policies_for
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import Cheque, Method
from payments.models.cheque import ChequeState
from payments.services.orders import ChequeOrder, PaymentOrder
from receipts.services.counter import ReceiptWish, Taken, take_payment


class NotRedepositable(DomainError):
    code = "not_redepositable"
    sentence = _("{cheque} is {state}; only a returned cheque is presented again.")


class PresentedTooOften(DomainError):
    code = "presented_too_often"
    sentence = _("{cheque} was presented {times} times, the most allowed. Ask {customer} for another payment.")


@transaction_required
def redeposit(*, cheque: Cheque, now: datetime, by: User | None) -> Taken:
    """Take a returned cheque as money anew, dated today: a new payment, allocated anew, and a new receipt.

    Then it is in hand and waits for a deposit slip. At most `cheques.presentations` times in all. Raises
    NotRedepositable, PresentedTooOften, BadInput (stale) and what a counter payment raises.
    """
    organization = cheque.organization
    customer = lock_customers(organization, [cheque.customer_id])[cheque.customer_id]
    cheque = Cheque.objects.select_for_update(no_key=True).get(pk=cheque.pk)
    if cheque.state != ChequeState.RETURNED:
        raise NotRedepositable(cheque=cheque, state=cheque.get_state_display())
    times = cheque.presentations.count()
    if times >= policies_for(organization, customer_id=customer.pk).number("cheques.presentations"):
        raise PresentedTooOften(cheque=cheque, times=times, customer=customer.name)
    order = PaymentOrder(
        customer_id=customer.pk, method=Method.CHEQUE, amount=cheque.amount, currency=cheque.currency,
        received_on=organization.today(now), request_key=f"cheque:{cheque.pk}:{times + 1}",
        payer_name=cheque.drawer, reference=cheque.reference, strategy=cheque.strategy,
        first=tuple(cheque.for_invoices),
        lookalike_reason=f"Cheque {cheque} presented again ({times + 1})",
        cheque=ChequeOrder(
            number=cheque.number, bank=cheque.bank, cheque_date=cheque.cheque_date, drawer=cheque.drawer,
            branch=cheque.branch, kind=cheque.kind, figures_amount=cheque.figures_amount, held_id=cheque.pk,
        ),
    )  # fmt: skip
    return take_payment(organization=organization, order=order, wish=ReceiptWish(), now=now, by=by)
