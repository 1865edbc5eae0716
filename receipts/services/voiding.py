"""Voiding a payment together with its paper: the receipt keeps its number and is marked void."""

from datetime import datetime
from typing import Any

from billing.models import Customer
from billing.office.models import ApprovalRequest, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.services.telling.writing import message_to
from billing.transactions import transaction_required
from payments.models import Payment, PaymentVoid
from payments.services import voiding
from receipts.models import Receipt


def receipt_follows(payment: Payment) -> dict[str, Any]:
    """What a void does to the paper, for the facts that are approved: marked, and who is told how. Two queries.

    receipt_mailed: how often it was sent out. Without an address the office tells the customer by other means.
    """
    receipt = Receipt.objects.filter(payment=payment).first()
    if receipt is None:
        return {"receipt": "", "receipt_mailed": 0, "tells": "", "office_tells": False}
    address = _address(receipt, payment.customer)
    return {
        "receipt": receipt.number,
        "receipt_mailed": receipt.copies.filter(how="email").count(),
        "tells": address,
        "office_tells": not address,
    }


@transaction_required
def void_with_receipt(*, payment: Payment, approval: ApprovalRequest, by: User, now: datetime) -> PaymentVoid:
    """Carry out an approved void, mark the receipt and tell the customer, or the office that it must."""
    void = voiding.void_payment(payment=payment, approval=approval, by=by, now=now)
    mark_receipt_void(payment=payment, customer=payment.customer, now=now)
    return void


@transaction_required
def mark_receipt_void(*, payment: Payment, customer: Customer, now: datetime) -> Receipt:
    """The receipt keeps its number and is void; the customer is told, or the office that it must."""
    receipt = Receipt.objects.select_for_update(no_key=True).get(payment=payment)
    receipt.voided_at = now
    receipt.save(update_fields=["voided_at"])
    queue_notices(customer.organization, [_message(receipt, customer)], now)
    return receipt


def _address(receipt: Receipt, customer: Customer) -> str:
    return receipt.email or customer.email


def _message(receipt: Receipt, customer: Customer) -> Message:
    address = _address(receipt, customer)
    if not address:
        return Message(
            kind="receipt_void", fact=f"receipt:{receipt.pk}", recipient="receivables", party=customer.pk,
            channel=Channel.OFFICE, subject=f"Receipt {receipt.number} is void: tell {customer.name} ({customer.code})",
            body="No e-mail address is known. Tell the customer by other means that the receipt is no longer valid.",
        )  # fmt: skip
    return message_to(
        customer, "receipt_void", f"receipt:{receipt.pk}", lambda: {"number": receipt.number}, recipient=address
    )
