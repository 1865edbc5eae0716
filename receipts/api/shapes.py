"""What the API says of a payment, in the shapes of source 2 (R178-R180). Described for the schema in schema.py."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from django.urls import reverse
from rest_framework.request import Request

from billing.api.answers import amount_text, instant_text
from payments.models import Payment
from receipts.api.words import STATUS_WORDS
from receipts.models import Receipt
from receipts.selectors.payment_facts import Due, Share, breakdown_of, next_due, shares_of


def payment_row(payment: Payment, request: Request) -> dict[str, Any]:
    """A row of the list. No query, given payments_with_papers."""
    receipt = _receipt(payment)
    return {
        "payment_id": payment.number,
        "transaction_id": payment.transaction_number,
        "customer": payment.customer.code,
        "customer_name": payment.customer.name,
        "payer_name": payment.payer_name,
        "payment_type": payment.purpose,
        "payment_method": payment.method,
        "payment_date": instant_text(payment_instant(payment)),
        "received_on": payment.received_on.isoformat(),
        "amount": amount_text(payment.amount, payment.currency),
        "currency": payment.currency,
        "unapplied": _unapplied(payment),
        "status": STATUS_WORDS[payment.state],
        "state": payment.state,
        "reference": payment.reference,
        "receipt_number": receipt.number if receipt else None,
        "receipt_url": _receipt_url(payment, request) if receipt else None,
    }


def payment_page(payment: Payment, request: Request) -> dict[str, Any]:
    """One payment, whole. Two queries: its allocations and what is due next."""
    shares = shares_of(payment)
    return {
        **payment_row(payment, request),
        "breakdown": _breakdown(payment, shares),
        "payment_for_period": _period(payment),
        "allocations": [_share(share, payment.currency) for share in shares],
        "waits_for": [action for action in payment.pending_for.split(",") if action],
        "receipt": _receipt_part(payment, request),
        # Bank statements and processor settlements are not compared yet, so nothing is reconciled.
        "reconciliation": {"reconciled": False, "reconciled_on": None, "statement_reference": None},
        "accounting": _accounting(payment),
        **_next_due(next_due(payment.customer_id, payment.currency), payment.currency),
    }


def created(payment: Payment, request: Request) -> dict[str, Any]:
    """The answer to a payment just taken. Two queries."""
    page = payment_page(payment, request)
    kept = (
        "payment_id", "transaction_id", "customer", "customer_name", "payment_type", "payment_method",
    )  # fmt: skip
    return {
        "status": "success",
        **{name: page[name] for name in kept},
        "amount_paid": page["amount"],
        "currency": page["currency"],
        "payment_date": page["payment_date"],
        "received_on": page["received_on"],
        "payment_status": page["status"],
        "waits_for": page["waits_for"],
        "receipt_number": page["receipt_number"],
        "receipt_url": page["receipt_url"],
        "allocations": page["allocations"],
        "unapplied": page["unapplied"],
        "next_due_date": page["next_due_date"],
        "next_due_amount": page["next_due_amount"],
    }


def payment_instant(payment: Payment) -> datetime:
    """When it was recorded; for a payment of an earlier day, that day's first moment where the organization is."""
    zone = payment.organization.zone
    if payment.recorded_at.astimezone(zone).date() == payment.received_on:
        return payment.recorded_at
    return datetime.combine(payment.received_on, time.min, zone).astimezone(UTC)


def _receipt(payment: Payment) -> Receipt | None:
    receipt: Receipt | None = getattr(payment, "receipt", None)
    return receipt


def _receipt_url(payment: Payment, request: Request) -> str:
    return request.build_absolute_uri(reverse("api-payment-receipt", args=[payment.number]))


def _receipt_part(payment: Payment, request: Request) -> dict[str, Any] | None:
    receipt = _receipt(payment)
    if receipt is None:
        return None
    return {
        "number": receipt.number,
        "url": _receipt_url(payment, request),
        "issued_at": instant_text(receipt.issued_at),
        "delivery": receipt.delivery,
        "email": receipt.email or None,
        "provisional": receipt.is_provisional,
        "void": receipt.voided_at is not None,
    }


def _unapplied(payment: Payment) -> str | None:
    """None while the payment is provisional: then there is no money to apply."""
    if payment.credit_item is None:
        return None
    return amount_text(payment.credit_item.unapplied_amount, payment.currency)


def _breakdown(payment: Payment, shares: Sequence[Share]) -> dict[str, str]:
    if payment.breakdown:
        return {str(name): str(value) for name, value in payment.breakdown.items()}
    return {name: amount_text(value, payment.currency) for name, value in breakdown_of(payment, shares).items()}


def _share(share: Share, currency: str) -> dict[str, str]:
    return {
        "invoice": share.invoice_number,
        "amount": amount_text(share.credit, currency),
        "discount": amount_text(share.discount, currency),
        "write_off": amount_text(share.write_off, currency),
        "open_amount": amount_text(share.open_amount, currency),
    }


def _period(payment: Payment) -> str | None:
    if payment.period_from is None or payment.period_to is None:
        return None
    return f"{payment.period_from} to {payment.period_to}"


def _accounting(payment: Payment) -> dict[str, Any]:
    entry = payment.entry
    return {
        "posted": entry is not None,
        "journal_entry": str(entry) if entry else None,
        "entry_date": entry.entry_date.isoformat() if entry else None,
    }


def _next_due(due: Due | None, currency: str) -> dict[str, str | None]:
    return {
        "next_due_date": due.due_on.isoformat() if due else None,
        "next_due_amount": amount_text(due.open_amount, currency) if due else None,
    }
