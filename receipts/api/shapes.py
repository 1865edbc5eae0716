"""What the API says of a payment, in the shapes of source 2 (R178-R180). Described for the schema in schema.py."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from django.urls import reverse
from rest_framework.request import Request

from billing.api.answers import amount_text, instant_text
from billing.models import InsurancePolicy
from billing.office.calendar import business_days_between
from billing.selectors.premiums import amount_due
from payments.models import Cheque, Payment, Refund
from payments.selectors.reconciled import find_match
from payments.selectors.refunds import refund_status
from receipts.api.words import REFUND_STATUS_WORDS, REFUND_WORDS, STATUS_WORDS
from receipts.models import Receipt
from receipts.selectors.payment_facts import (
    Due,
    Share,
    breakdown_of,
    covered_by,
    next_due,
    policy_of,
    premium_parts,
    shares_of,
)
from receipts.services.updating import Changed, rest_of


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


def payment_page(payment: Payment, request: Request, today: date) -> dict[str, Any]:
    """One payment, whole. Seven queries: allocations, what is due next, refunds, cheque and match to the bank.

    Of one for an insurance policy a few more: which it is, and what falls due next of it.
    """
    shares = shares_of(payment)
    policy = policy_of(payment, shares)
    return {
        **payment_row(payment, request),
        "breakdown": _breakdown(payment, shares, policy),
        "payment_for_period": _period(payment, shares),
        "allocations": [_share(share, payment.currency) for share in shares],
        "waits_for": _waits(payment),
        "receipt": _receipt_part(payment, request),
        "cheque": _cheque(payment),
        "refund_status": REFUND_STATUS_WORDS[refund_status(payment)],
        "reconciliation": _reconciliation(payment),
        "accounting": _accounting(payment),
        **_policy(payment, policy, today),
    }


def created(payment: Payment, request: Request, today: date) -> dict[str, Any]:
    """The answer to a payment just taken. Queries as payment_page."""
    page = payment_page(payment, request, today)
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
        **{name: page[name] for name in ("policy_number", "policy_status") if name in page},
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


def _breakdown(payment: Payment, shares: Sequence[Share], policy: InsurancePolicy | None) -> dict[str, str]:
    if payment.breakdown:
        return {str(name): str(value) for name, value in payment.breakdown.items()}
    parts = premium_parts(payment, shares) if policy is not None else breakdown_of(payment, shares)
    return {name: amount_text(value, payment.currency) for name, value in parts.items()}


def _share(share: Share, currency: str) -> dict[str, str]:
    return {
        "invoice": share.invoice_number,
        "amount": amount_text(share.credit, currency),
        "discount": amount_text(share.discount, currency),
        "write_off": amount_text(share.write_off, currency),
        "open_amount": amount_text(share.open_amount, currency),
    }


def _period(payment: Payment, shares: Sequence[Share]) -> str | None:
    """As told with the payment, or else of the invoices it pays."""
    if payment.period_from is not None and payment.period_to is not None:
        return f"{payment.period_from} to {payment.period_to}"
    covered = covered_by(shares)
    return f"{covered[0]} to {covered[1]}" if covered else None


def _policy(payment: Payment, policy: InsurancePolicy | None, today: date) -> dict[str, str | None]:
    """What falls due next: of the policy, which is named and told where it stands, or else of the customer."""
    if policy is None:
        due = next_due(payment.customer_id, payment.currency)
        return _next_due(due, payment.currency)
    found = amount_due(policy.agreement, today)
    due = Due(found.next_on, found.next_amount) if found.next_on and found.next_amount is not None else None
    return {
        **_next_due(due, policy.currency),
        "policy_number": policy.policy_number,
        "policy_status": found.standing.word,
    }


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


def _waits(payment: Payment) -> list[str]:
    """What a provisional payment waits for; nothing once it is in the books."""
    return [action for action in payment.pending_for.split(",") if action and payment.credit_item_id is None]


def _cheque(payment: Payment) -> dict[str, Any] | None:
    cheque = Cheque.objects.filter(payment=payment).first()
    if cheque is None:
        return None
    return {
        "number": cheque.number, "bank": cheque.bank, "date": cheque.cheque_date.isoformat(), "status": cheque.state,
    }  # fmt: skip


def _reconciliation(payment: Payment) -> dict[str, Any]:
    match = find_match(payment)
    return {
        "reconciled": match is not None,
        "reconciled_on": match.reconciled_on.isoformat() if match else None,
        "statement_reference": match.statement_reference if match else None,
        "accounting_reference": (match.accounting_reference or None) if match else None,
        "discrepancy": (match.discrepancy or None) if match else None,
    }


# Changes and refunds


def changed(payment: Payment, before: str, done: Changed, now: datetime) -> dict[str, Any]:
    """What became of a wish. waits_for: the action a second person must approve. One query."""
    cheque = _cheque(payment)
    return {
        "status": "success",
        "payment_id": payment.number,
        "message": done.words,
        "previous_status": STATUS_WORDS[before],
        "current_status": STATUS_WORDS[payment.state],
        "updated_at": instant_text(now),
        "waits_for": [done.asked.action] if done.asked else _waits(payment),
        "refund_id": done.refund.number if done.refund else None,
        "cheque_status": cheque["status"] if cheque else None,
    }


def refund_row(refund: Refund) -> dict[str, Any]:
    """One refund. refund_amount: what the payee gets. estimated_days: business days promised. One query."""
    currency = refund.currency
    days = business_days_between(refund.organization, refund.requested_on, refund.expected_on)
    paid_at = refund.processed_at
    return {
        "refund_id": refund.number,
        "refund_amount": amount_text(refund.paid_amount, currency),
        "processing_fee": amount_text(refund.fee_amount, currency),
        "charges": amount_text(refund.charges_amount, currency),
        "currency": currency,
        "refund_reason": refund.reason_code,
        "refund_method": refund.destination,
        "estimated_days": days,
        "expected_on": refund.expected_on.isoformat(),
        "refund_status": REFUND_WORDS[refund.state],
        "state": refund.state,
        "requested_at": instant_text(refund.requested_at),
        "refunded_at": instant_text(paid_at) if paid_at else None,
    }


def refund_started(refund: Refund) -> dict[str, Any]:
    """The answer to a DELETE of money in the books."""
    payment = refund.payment
    return {"status": "success", "payment_id": payment.number if payment else None, **refund_row(refund)}


def refunds_of(payment: Payment) -> dict[str, Any]:
    """Every refund asked of a payment, the latest first, and what could still be given back. Six queries and more."""
    rows = Refund.objects.filter(payment=payment).select_related("organization", "payment").order_by("-id")
    return {
        "payment_id": payment.number,
        "refund_status": REFUND_STATUS_WORDS[refund_status(payment)],
        "left_to_refund": amount_text(rest_of(payment), payment.currency),
        "currency": payment.currency,
        "refunds": [refund_row(refund) for refund in rows],
    }
