"""What a refund receipt says, frozen when it is issued (R101)."""

from datetime import datetime
from typing import Any

from billing.office.models import User
from billing.office.policies import PolicyBook
from payments.models import Payment, Refund, RefundAttempt
from payments.models.refund import Destination
from receipts.models import Receipt
from receipts.services.letterhead import amount_text, letterhead, money_facts


def refund_content(
    *,
    refund: Refund,
    attempt: RefundAttempt | None,
    receipt: Receipt | None,
    issued_at: datetime,
    issued_by: User | None,
    book: PolicyBook,
) -> dict[str, Any]:
    """Everything on the paper. No queries if what the refund points at was fetched with it.

    attempt: the one that paid it out; None where the money stays as credit. receipt: of the payment refunded.
    """
    head = letterhead(
        organization=refund.organization, customer=refund.customer, issued_at=issued_at, issued_by=issued_by, book=book
    )
    assert refund.processed_on is not None
    return {
        **head,
        **money_facts(refund.paid_amount, refund.currency, head["languages"]),
        "number": refund.number,
        "refunded": amount_text(refund.gross_amount),
        "charges": amount_text(refund.charges_amount),
        "fee": amount_text(refund.fee_amount),
        "way": str(attempt.method if attempt else Destination.CREDIT),
        "reference": attempt.reference if attempt else "",
        "payee_name": refund.payee_name,
        "account_tail": refund.payee_account_tail,
        "cause": str(refund.reason_code),
        "reason": refund.reason,
        "requested_on": refund.requested_on.isoformat(),
        "paid_on": refund.processed_on.isoformat(),
        "payment": _payment(refund.payment, receipt) if refund.payment else None,
        "credit_number": "" if refund.payment else refund.credit_item.number,
        "invoice_number": refund.invoice.number if refund.invoice else "",
        "credit_memo_number": refund.credit_memo.number if refund.credit_memo else "",
        "notes": {},
    }


def _payment(payment: Payment, receipt: Receipt | None) -> dict[str, str]:
    return {
        "number": payment.number,
        "receipt_number": receipt.number if receipt else "",
        "received_on": payment.received_on.isoformat(),
        "method": str(payment.method),
        "amount": amount_text(payment.amount),
    }
