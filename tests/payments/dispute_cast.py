"""Disputes for tests: opened, worked on and ended through the real services."""

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import Invoice
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.services.locking import lock_customers
from payments.models import Dispute, Payment
from payments.services.dispute_outcomes import carry_out_loss, settle_dispute
from payments.services.dispute_steps import BY_ITSELF, tick_step
from payments.services.disputes import DisputeOrder, open_dispute
from tests.builders import NOW

Amount = str | int | Decimal
_serial = count(1)


def order(about: Invoice | Payment, amount: Amount, **details: Any) -> DisputeOrder:
    is_invoice = isinstance(about, Invoice)
    details.setdefault("reason_code", "wrong_amount")
    details.setdefault("description", "They say two lessons were never given.")
    details.setdefault("request_key", f"dispute-{next(_serial)}")
    if not is_invoice:
        details.setdefault("processor_reference", f"CB-{next(_serial)}")
    return DisputeOrder(
        amount=Decimal(amount), invoice_id=about.pk if is_invoice else None,
        payment_id=None if is_invoice else about.pk, **details,
    )  # fmt: skip


def contest(about: Invoice | Payment, amount: Amount, by: User, *, now: datetime = NOW, **details: Any) -> Dispute:
    with transaction.atomic():
        return open_dispute(organization=about.organization, order=order(about, amount, **details), now=now, by=by)


def complete(dispute: Dispute, by: User, *, now: datetime = NOW) -> Dispute:
    """Tick what is left of the checklist."""
    with transaction.atomic():
        for step in dispute.steps.filter(done_at__isnull=True).exclude(key__in=BY_ITSELF):
            tick_step(dispute=dispute, key=step.key, reference="seen", now=now, by=by)
    return dispute


def settle(
    dispute: Dispute, outcome: str, by: User, *, lost: str = "0", reason: str = "as the bank wrote", now: datetime = NOW
) -> Any:
    with transaction.atomic():
        return settle_dispute(
            dispute=dispute, outcome=outcome, lost_amount=Decimal(lost), reason=reason, now=now, by=by
        )


def approve_loss(asked: ApprovalRequest, manager: User, *, now: datetime = NOW) -> Dispute:
    """Approved and carried out, as the inbox does it."""
    rows = Dispute.objects.select_related("organization", "customer", "invoice", "payment__credit_item")
    with transaction.atomic():
        found = rows.get(pk=int(asked.subject.split(":")[1]))
        lock_customers(found.organization, [found.customer_id])
        done = approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=now)
        return carry_out_loss(dispute=found, approval=done, by=manager, now=now)


def lose(dispute: Dispute, lost: str, by: User, manager: User, *, now: datetime = NOW) -> Dispute:
    complete(dispute, by, now=now)
    return approve_loss(settle(dispute, "lost", by, lost=lost, now=now), manager, now=now)
