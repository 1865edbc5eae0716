"""What timelines and reminders are told of charges that are made by themselves (requirements §3 row 19)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from billing.models import Invoice
from payments.models import AttemptClaim, PaymentMethod, RetryDecision
from payments.models.attempt import LIVE
from payments.models.payment_method import MethodState

# No reminder goes out on the day before a planned try.
BEFORE_A_TRY = timedelta(hours=36)


def charges_around(invoice_ids: Iterable[int], now: datetime) -> Mapping[int, str]:
    """Invoices that are being charged, will be tried again soon, or are not due yet and collected by themselves. Three
    queries."""
    keys = list(invoice_ids)
    methods = PaymentMethod.objects.filter(customer=OuterRef("customer"), state=MethodState.ACTIVE, place__gt=0)
    collected = Invoice.objects.filter(
        Exists(methods), pk__in=keys, agreement__collects_itself=True, agreement__backend="native",
        due_on__gte=now.date() - timedelta(days=1),
    ).exclude(Exists(AttemptClaim.objects.filter(invoice=OuterRef("pk"), attempt__channel="autopay")))  # fmt: skip
    found = dict.fromkeys(collected.values_list("pk", flat=True), "autopay")
    planned = RetryDecision.objects.filter(
        Q(invoice__in=keys) | Q(failed__claims__invoice__in=keys), done_at__isnull=True, try_at__lte=now + BEFORE_A_TRY
    )
    found |= dict.fromkeys(planned.values_list("failed__claims__invoice", flat=True), "retry_planned")
    live = AttemptClaim.objects.filter(invoice__in=keys, holds=True, attempt__state__in=LIVE)
    return found | dict.fromkeys(live.values_list("invoice_id", flat=True), "charge_confirmed")
