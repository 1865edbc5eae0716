"""Refunds leave the house together with their paper (R101)."""

from datetime import date, datetime

import structlog
from django.db import transaction

from billing.office.models import User
from billing.transactions import transaction_required
from payments.models import BankAccount, DrawerSession, Refund, RefundAttempt
from payments.models.refund import RefundState
from payments.services import paying_out
from receipts.models import RefundReceipt
from receipts.services.refund_papers import issue_refund_receipt

log = structlog.get_logger(__name__)


@transaction_required
def pay_out_refund(
    *,
    refund: Refund,
    method: str,
    reference: str,
    now: datetime,
    by: User,
    bank_account: BankAccount | None = None,
    drawer_session: DrawerSession | None = None,
) -> tuple[RefundAttempt, RefundReceipt | None]:
    """submit_refund; where the money is gone with it (cash, kept as credit), the refund receipt is issued at once.

    Raises what submit_refund raises.
    """
    attempt = paying_out.submit_refund(
        refund=refund, method=method, reference=reference, now=now, by=by, bank_account=bank_account,
        drawer_session=drawer_session,
    )  # fmt: skip
    return attempt, _paper_of(refund, now, by)


@transaction_required
def settle_refund(
    *, attempt: RefundAttempt, outcome: str, on: date, note: str, now: datetime, by: User
) -> tuple[Refund, RefundReceipt | None]:
    """settle_attempt; a refund that was paid gets its refund receipt. Raises what settle_attempt raises."""
    refund = paying_out.settle_attempt(attempt=attempt, outcome=outcome, on=on, note=note, now=now, by=by)
    return refund, _paper_of(refund, now, by)


def issue_missing_papers(*, now: datetime, limit: int = 100) -> int:
    """Refunds that were paid by another way than this module's get their papers too. Returns how many were made.

    A journey: each in a transaction of its own; one that cannot be made is logged and keeps no other from its paper.
    One query if none is missing.
    """
    missing = Refund.objects.filter(state=RefundState.PROCESSED, receipt__isnull=True).order_by("pk")
    refunds = list(missing.select_related("organization")[:limit])
    return sum(_issue_missing(refund, now) for refund in refunds)


def _issue_missing(refund: Refund, now: datetime) -> bool:
    try:
        with transaction.atomic():
            issue_refund_receipt(refund=refund, now=now, by=None)
    except Exception:  # whatever it is, one refund must not keep all others waiting for ever
        log.exception("refund_receipt_not_made", refund=refund.number)
        return False
    return True


def _paper_of(refund: Refund, now: datetime, by: User) -> RefundReceipt | None:
    if Refund.objects.get(pk=refund.pk).state != RefundState.PROCESSED:
        return None
    return issue_refund_receipt(refund=refund, now=now, by=by)
