"""All that voiding a payment would do, as plain facts in no language: what is shown is approved (R102)."""

from typing import Any

from billing.models import Allocation, CreditItem, CreditTransfer
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.selectors.moved import chain_of
from payments.models import Method, Payment
from payments.models.cash import SessionState
from payments.selectors.reconciled import find_match


def void_facts(payment: Payment) -> dict[str, Any]:
    """Who, how much, what reopens here and there, what is fetched back, what lies in the drawer. Eight queries."""
    item = payment.credit_item
    chain = chain_of(item) if item is not None else []
    here = _standing([item]) if item is not None else []
    there = _standing([transfer.to_item for transfer in chain])
    entries = {row.entry_id for row in [*here, *there]}
    return {
        "deed": "void_payment",
        "payment": payment.number,
        "customer": f"{payment.customer.code} {payment.customer.name}",
        "amount": f"{payment.amount:.2f}",
        "currency": payment.currency,
        "method": payment.method,
        "received_on": payment.received_on.isoformat(),
        "state": payment.state,
        "reopens": [_row(row) for row in here],
        "reopens_there": [{"customer": f"{row.customer.code} {row.customer.name}", **_row(row)} for row in there],
        "transfers_undone": [_transfer(transfer) for transfer in chain],
        "entries_reversed": len(entries) + len(chain) + 1 if item is not None else 0,
        **_where_it_lies(payment),
        **_match(payment),
        "processor": payment.gateway_account.name if payment.gateway_account else "",
        "withdrawn": _waiting(payment) if item is None else [],
    }


def _standing(items: list[CreditItem]) -> list[Allocation]:
    rows = Allocation.objects.filter(credit_item__in=items, reverses__isnull=True, reversed_by__isnull=True)
    return list(rows.select_related("invoice", "customer").order_by("invoice__number", "kind", "id")) if items else []


def _row(row: Allocation) -> dict[str, Any]:
    return {"invoice": row.invoice.number, "kind": row.kind, "amount": f"{row.amount:.2f}"}


def _transfer(transfer: CreditTransfer) -> dict[str, Any]:
    customer = transfer.to_item.customer
    return {
        "transfer": transfer.number, "customer": f"{customer.code} {customer.name}", "amount": f"{transfer.amount:.2f}",
    }  # fmt: skip


def _where_it_lies(payment: Payment) -> dict[str, Any]:
    """A cheque becomes free to be entered again; cash of a closed drawer lies in the safe, which is to be counted."""
    cheque = getattr(payment, "cheque", None)
    session = payment.drawer_session
    closed = session is not None and session.state == SessionState.CLOSED
    return {
        "cheque_free": str(cheque) if cheque is not None else "",
        "drawer": session.cash_point.name if session is not None else "",
        "drawer_state": session.state if session is not None else "",
        "count_safe": payment.method == Method.CASH and payment.credit_item_id is not None and (
            session is None or closed
        ),
    }  # fmt: skip


def _match(payment: Payment) -> dict[str, Any]:
    match = find_match(payment)
    return {
        "reconciled_on": match.reconciled_on.isoformat() if match else "",
        "statement_reference": match.statement_reference if match else "",
    }


def _waiting(payment: Payment) -> list[str]:
    """What was asked about a provisional payment and is withdrawn with it."""
    subject = f"payment:{payment.pk}"
    rows = ApprovalRequest.objects.filter(subject=subject, state=ApprovalState.REQUESTED)
    return list(rows.exclude(action__startswith="void").order_by("action").values_list("action", flat=True))
