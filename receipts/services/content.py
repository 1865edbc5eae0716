"""What a receipt says, frozen when it is issued (R154)."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.models import Customer
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook
from billing.selectors.strategies import Slice
from billing.words import amount_in_words
from payments.models import Cheque, Payment, PaymentState
from receipts.papers.labels import LANGUAGES, NOTES, words

LETTER_COUNTRIES = frozenset(("US", "CA", "MX"))


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
    languages = _languages(book)
    return {
        "version": 1,
        "languages": languages,
        "paper": "letter" if organization.country in LETTER_COUNTRIES else "A4",
        "organization": _organization(organization),
        "customer": _customer(customer),
        "issued_at": issued_at.astimezone(organization.zone).isoformat(timespec="seconds"),
        "zone": organization.time_zone,
        **_payment(payment),
        "cheque": _cheque(cheque) if cheque else None,
        "words": {code: amount_in_words(payment.amount, payment.currency, code) for code in languages},
        "applied": [_applied(part) for part in slices],
        "left_over": _amount(left_over),
        "customer_open_after": _amount(customer_open_after),
        "notes": _notes(payment, cheque, languages),
        "terms": book.text("receipts.terms"),
        "signatory": book.text("receipts.signatory"),
        "issued_by": _person(issued_by) if issued_by else "",
    }


def _languages(book: PolicyBook) -> list[str]:
    chosen = [code for code in book.choices("receipts.languages") if code in LANGUAGES]
    return list(dict.fromkeys(chosen)) or ["en"]


def _organization(organization: Organization) -> dict[str, str]:
    return {
        "code": organization.code,
        "name": organization.name,
        "local_name": organization.local_name,
        "address": organization.address,
        "local_address": organization.local_address,
        "country": organization.country,
        "tax_id": organization.tax_id,
        "phone": organization.phone,
        "email": organization.email,
        "website": organization.website,
        "logo": organization.logo.name or "",
    }


def _customer(customer: Customer) -> dict[str, str]:
    return {
        "code": customer.code,
        "name": customer.name,
        "latin_name": customer.latin_name,
        "tax_id": customer.tax_id,
        "address": customer.address,
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
        "currency": payment.currency,
        "amount": _amount(payment.amount),
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
        "open_before": _amount(part.invoice.open_amount),
        "discount": _amount(part.discount),
        "write_off": _amount(part.write_off),
        "applied": _amount(part.credit),
        "open_after": _amount(part.open_after),
    }


def _notes(payment: Payment, cheque: Cheque | None, languages: list[str]) -> dict[str, list[str]]:
    """The sentences that hold for this receipt, in the wording of today."""
    holding = [("provisional", payment.state == PaymentState.PENDING), ("cheque", cheque is not None)]
    keys = [key for key, holds in holding if holds]
    return {code: [words(NOTES[key], code) for key in keys] for code in languages}


def _person(user: User) -> str:
    """As their own language writes it: family name first, without a space, in Chinese."""
    if user.last_name and not user.last_name.isascii() and "\u4e00" <= user.last_name[0] <= "\u9fff":
        return user.last_name + user.first_name
    return str(user)


def _amount(value: Decimal) -> str:
    return f"{value:.2f}"
