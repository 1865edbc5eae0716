"""What a receipt says, frozen when it is issued (R154)."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.models import Customer
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook
from billing.selectors.strategies import Slice
from payments.models import Cheque, Payment, PaymentState
from receipts.papers.labels import NOTES, words
from receipts.services.letterhead import amount_text, letterhead, money_facts


def receipt_content(
    *,
    organization: Organization,
    customer: Customer,
    payment: Payment,
    cheque: Cheque | None = None,
    slices: Iterable[Slice],
    left_over: Decimal,
    customer_open_after: Decimal,
    issued_at: datetime,
    issued_by: User | None,
    book: PolicyBook,
) -> dict[str, Any]:
    """Everything on the paper but its number, which is given last, and the marks, which come later. No queries.

    left_over: what stays as the customer's credit. customer_open_after: what the customer still owes in the payment's
    currency. Amounts become decimal strings, days ISO dates, issued_at the organization's wall clock with its offset.
    """
    head = letterhead(organization=organization, customer=customer, issued_at=issued_at, issued_by=issued_by, book=book)
    return {
        **head,
        **_payment(payment),
        **money_facts(payment.amount, payment.currency, head["languages"]),
        "cheque": _cheque(cheque) if cheque else None,
        "applied": [_applied(part) for part in slices],
        "left_over": amount_text(left_over),
        "customer_open_after": amount_text(customer_open_after),
        "notes": _notes(payment, cheque, head["languages"]),
    }


def _payment(payment: Payment) -> dict[str, Any]:
    period = [payment.period_from, payment.period_to]
    return {
        "payment_number": payment.number,
        "transaction_number": payment.transaction_number,
        "received_on": payment.received_on.isoformat(),
        "method": str(payment.method),
        "reference": payment.reference,
        "payer_name": payment.payer_name,
        "purpose": str(payment.purpose),
        "period": [day.isoformat() if day else None for day in period] if any(period) else None,
        "breakdown": {key: str(amount) for key, amount in payment.breakdown.items()},
    }


def _cheque(cheque: Cheque) -> dict[str, str]:
    return {
        "number": cheque.number,
        "bank": cheque.bank,
        "branch": cheque.branch,
        "drawer": cheque.drawer,
        "date": cheque.cheque_date.isoformat(),
    }


def _applied(part: Slice) -> dict[str, str]:
    return {
        "number": part.invoice.number,
        "issued_on": part.invoice.issued_on.isoformat(),
        "due_on": part.invoice.due_on.isoformat(),
        "open_before": amount_text(part.invoice.open_amount),
        "discount": amount_text(part.discount),
        "write_off": amount_text(part.write_off),
        "applied": amount_text(part.credit),
        "open_after": amount_text(part.open_after),
    }


def _notes(payment: Payment, cheque: Cheque | None, languages: list[str]) -> dict[str, list[str]]:
    """The sentences that hold for this receipt, in the wording of today."""
    holding = [("provisional", payment.state == PaymentState.PENDING), ("cheque", cheque is not None)]
    keys = [key for key, holds in holding if holds]
    return {code: [words(NOTES[key], code) for key in keys] for code in languages}
