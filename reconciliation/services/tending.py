"""What became of payments that waited for a second person when they were made from a bank line (R13, R146)."""

from datetime import datetime
from functools import partial

import structlog
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.errors import DomainError
from billing.transactions import in_transaction, transaction_required
from payments.models import PaymentReconciliation, PaymentState
from payments.services.reconciling import mark_reconciled
from reconciliation.models import Match, MatchKind
from reconciliation.services.matching import reference_of
from reconciliation.services.undoing import unmatch

log = structlog.get_logger(__name__)
GONE = (PaymentState.CANCELLED, PaymentState.FAILED)


def tend_matches(*, now: datetime) -> int:
    """Mark payments that were verified since as reconciled; give lines of payments that were refused back to people.

    A journey, one transaction for each. Returns how many.
    """
    standing = Match.objects.filter(kind=MatchKind.PAYMENT, undone_at__isnull=True)
    told = PaymentReconciliation.objects.filter(payment=OuterRef("payment"), opened_at__isnull=True)
    verified = standing.filter(~Exists(told), payment__state=PaymentState.PROCESSED)
    refused = standing.filter(payment__state__in=GONE)
    done = 0
    for match in (verified | refused).select_related("payment__organization", "line__statement", "organization"):
        try:
            in_transaction(partial(_tend, match, now))
        except DomainError as refusal:
            log.info("match_left", match=match.pk, refusal=refusal.code)
            continue
        done += 1
    return done


@transaction_required
def _tend(match: Match, now: datetime) -> None:
    assert match.payment is not None
    if match.payment.state in GONE:
        with override("en"):
            unmatch(match=match, reason=_("The payment was refused by the second person."), now=now, by=None)
        return
    day = min(match.line.booked_on, match.organization.today(now))
    mark_reconciled(
        payment=match.payment, reconciled_on=day, statement_reference=reference_of(match.line), now=now, by=None
    )
