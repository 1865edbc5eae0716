"""A charge that had worked came back: it is decided on like one that failed (ach-returns.md §1; invariant 33)."""

from datetime import datetime

from billing.transactions import transaction_required
from payments.models import DebitReturn, RetryDecision
from payments.services.recovery.failing import decide_on


@transaction_required
def follow_return(*, made: DebitReturn, now: datetime) -> None:
    """For debit_returns.FOLLOWS: the same debit again where its code allows it, else the payer or a person is asked."""
    attempt = made.attempt
    if attempt is None or attempt.method is None or RetryDecision.objects.filter(failed=attempt).exists():
        return
    claims = attempt.claims.select_related("invoice", "invoice__organization", "invoice__agreement__plan")
    invoices = [claim.invoice for claim in claims.order_by("pk")]
    if invoices:
        decide_on(attempt=attempt, invoices=invoices, now=now)
