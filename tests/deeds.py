"""Deeds that take two people, as the doors carry them out: ask, decide on what was shown, do."""

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from payments.models import Payment, PaymentVoid
from payments.services.voiding import ask_for_void
from receipts.services.counter import Taken, accept_pending
from receipts.services.voiding import void_with_receipt
from tests.builders import NOW


def waiting_for(payment: Payment) -> list[ApprovalRequest]:
    return list(ApprovalRequest.objects.filter(subject=f"payment:{payment.pk}", state="requested").order_by("action"))


def decide(
    request: ApprovalRequest, by: User, *, approve: bool = True, now: datetime = NOW, **more: Any
) -> ApprovalRequest:
    more.setdefault("shown_hash", request.shown_hash)
    with transaction.atomic():
        return approvals.decide(request=request, approve=approve, by=by, now=now, **more)


def accept(payment: Payment, by: User, *, now: datetime = NOW) -> Taken | None:
    """One person approves all that a payment waits for, and books it."""
    for request in waiting_for(payment):
        decide(request, by, now=now)
    with transaction.atomic():
        return accept_pending(payment=payment, now=now, by=by)


def ask_to_void(payment: Payment, by: User, *, reason: str = "entered twice", now: datetime = NOW) -> ApprovalRequest:
    with transaction.atomic():
        return ask_for_void(payment=payment, reason=reason, by=by, now=now)


def carry_out_void(payment: Payment, request: ApprovalRequest, by: User, *, now: datetime = NOW) -> PaymentVoid:
    with transaction.atomic():
        return void_with_receipt(payment=payment, approval=request, by=by, now=now)


def void(payment: Payment, asker: User, manager: User, *, now: datetime = NOW, **asked: Any) -> PaymentVoid:
    """Asked, approved and carried out."""
    request = decide(ask_to_void(payment, asker, now=now, **asked), manager, now=now)
    return carry_out_void(payment, request, manager, now=now)
