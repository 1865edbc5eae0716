"""A school that gives money back: who asks, who decides, who pays out, and the deeds in between."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import CreditItem, Customer
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from payments.models import Payment, Refund, RefundAttempt
from payments.services.eligibility import RefundOrder, RefundPreview, preview_refund
from payments.services.paying_out import retry_refund, settle_attempt, submit_refund
from payments.services.refunding import (
    approve_refund,
    put_forward,
    reject_refund,
    request_refund,
    subject_of,
    withdraw_refund,
)
from tests.builders import NOW, TODAY, user

Credit = Payment | CreditItem
Amount = str | int | Decimal
_serial = count(1)


@dataclass
class Office:
    """Each tier of the matrix once. finance decides on other ways back; teller pays out."""

    clerk: User
    supervisor: User
    manager: User
    finance: User
    teller: User


def office(org: Organization) -> Office:
    return Office(
        clerk=user(org, "clerk"), supervisor=user(org, "supervisor"), manager=user(org, "manager"),
        finance=user(org, "finance_manager"), teller=user(org, "clerk"),
    )  # fmt: skip


def order(credit: Credit, amount: Amount, **details: Any) -> RefundOrder:
    item = credit.credit_item if isinstance(credit, Payment) else credit
    assert item is not None
    details.setdefault("reason_code", "wrong_customer")
    details.setdefault("reason", "meant for the sister's school")
    details.setdefault("request_key", f"refund-{next(_serial)}")
    if "charges_amount" in details:
        details["charges_amount"] = Decimal(details["charges_amount"])
    return RefundOrder(customer_id=item.customer_id, credit_item_id=item.pk, gross_amount=Decimal(amount), **details)


def look(credit: Credit, amount: Amount, *, now: datetime = NOW, **details: Any) -> RefundPreview:
    return preview_refund(organization=credit.organization, order=order(credit, amount, **details), now=now)


def failing(found: RefundPreview) -> dict[str, str]:
    return {check.code: check.sentence for check in found.failed}


def ask(credit: Credit, amount: Amount, by: User, *, now: datetime = NOW, **details: Any) -> Refund:
    with transaction.atomic():
        return request_refund(organization=credit.organization, order=order(credit, amount, **details), now=now, by=by)


def forward(refund: Refund, by: User, *, now: datetime = NOW, **way: Any) -> ApprovalRequest:
    with transaction.atomic():
        return put_forward(refund=refund, now=now, by=by, **way)


def waiting(refund: Refund) -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject=subject_of(refund), state="requested")


def approve(refund: Refund, by: User, *, now: datetime = NOW) -> Refund:
    """As the inbox does it: decide on what was shown and carry it out, all or nothing."""
    with transaction.atomic():
        asked = waiting(refund)
        decided = approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=by, now=now)
        return approve_refund(refund=refund, approval=decided, by=by, now=now)


def reject(refund: Refund, by: User, reason: str = "not agreed", *, now: datetime = NOW) -> Refund:
    with transaction.atomic():
        return reject_refund(refund=refund, reason=reason, now=now, by=by)


def withdraw(refund: Refund, by: User, reason: str = "a mistake", *, now: datetime = NOW) -> Refund:
    with transaction.atomic():
        return withdraw_refund(refund=refund, reason=reason, now=now, by=by)


def send(refund: Refund, by: User, method: str = "card", *, now: datetime = NOW, **details: Any) -> RefundAttempt:
    details.setdefault("reference", "" if method in ("cash", "credit") else "T-1")
    with transaction.atomic():
        return submit_refund(refund=refund, method=method, now=now, by=by, **details)


def settle(
    attempt: RefundAttempt,
    by: User,
    outcome: str = "succeeded",
    *,
    on: date = TODAY,
    note: str = "",
    now: datetime = NOW,
) -> Refund:
    note = note or ("" if outcome == "succeeded" else "The processor says no.")
    with transaction.atomic():
        return settle_attempt(attempt=attempt, outcome=outcome, on=on, note=note, now=now, by=by)


def again(refund: Refund, by: User, *, now: datetime = NOW) -> Refund:
    with transaction.atomic():
        return retry_refund(refund=refund, now=now, by=by)


def approved(credit: Credit, amount: Amount, desk: Office, **details: Any) -> Refund:
    """Asked by the clerk, or where the clerk may not put it forward by the supervisor; decided by who may."""
    refund = ask(credit, amount, desk.clerk, **details)
    if not ApprovalRequest.objects.filter(subject=subject_of(refund), state="requested").exists():
        forward(refund, desk.supervisor)
    decider = desk.finance if waiting(refund).action == "refund_elsewhere" else desk.manager
    return approve(refund, decider)


def paid(credit: Credit, amount: Amount, desk: Office, method: str = "card", **details: Any) -> Refund:
    attempt = send(approved(credit, amount, desk, **details), desk.teller, method)
    return attempt.refund if attempt.state == "succeeded" else settle(attempt, desk.teller)


def owner(customer: Customer, name: str = "") -> User:
    """A login of the customer's own."""
    login = user(customer.organization, "parent", name=name)
    customer.users.add(login)
    return login
