"""Voiding a payment together with its paper: the receipt keeps its number and is marked void."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Customer
from billing.office.models import ApprovalRequest, User
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import Payment, PaymentVoid
from payments.services import voiding
from receipts.models import Receipt


@transaction_required
def void_with_receipt(*, payment: Payment, approval: ApprovalRequest, by: User, now: datetime) -> PaymentVoid:
    """Carry out an approved void, mark the receipt and tell the customer, if it was e-mailed to them."""
    void = voiding.void_payment(payment=payment, approval=approval, by=by, now=now)
    receipt = Receipt.objects.select_for_update(no_key=True).get(payment=payment)
    receipt.voided_at = now
    receipt.save(update_fields=["voided_at"])
    if receipt.email:
        queue_notices(payment.organization, [_message(receipt, payment.customer)], now)
    return void


def _message(receipt: Receipt, customer: Customer) -> Message:
    with override(customer.language):
        return Message(
            kind="receipt_void", fact=f"receipt:{receipt.pk}", recipient=receipt.email, party=customer.pk,
            language=customer.language, subject=_("Receipt {number} is void").format(number=receipt.number),
            body=_("Receipt {number} is no longer valid. Please contact us if you have questions.").format(
                number=receipt.number
            ),
        )  # fmt: skip
