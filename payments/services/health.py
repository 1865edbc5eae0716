"""The circuit breaker: who does not answer is left alone for a while (fault F19)."""

from datetime import datetime, timedelta

from billing.transactions import transaction_required
from payments.gateways.base import Outcome, Reason, Result
from payments.models import GatewayHealth

OPENS_AFTER = 5  # technical failures in a row
OPEN_FOR = timedelta(seconds=60)
TECHNICAL = (Reason.GATEWAY_ERROR, Reason.GATEWAY_TIMEOUT)


@transaction_required
def note(*, configuration: str, result: Result, now: datetime) -> None:
    """Count a technical failure, or start anew after an answer. A decline is an answer.

    While it is closed off one call may try again after OPEN_FOR; if that fails too it is closed off anew.
    """
    failed = result.outcome in (Outcome.ERROR, Outcome.UNKNOWN) and result.reason in TECHNICAL
    if not failed and _is_well(configuration, now):
        return  # the row is everybody's: it is not locked where there is nothing to write
    row = GatewayHealth.objects.select_for_update(no_key=True).filter(configuration=configuration).first()
    if row is None:
        GatewayHealth.objects.bulk_create([GatewayHealth(configuration=configuration)], ignore_conflicts=True)
        row = GatewayHealth.objects.select_for_update(no_key=True).get(configuration=configuration)
    if not failed:
        if row.failures or row.opened_at or row.last_success_at is None or now - row.last_success_at > OPEN_FOR:
            GatewayHealth.objects.filter(pk=row.pk).update(
                failures=0, opened_at=None, open_until=None, last_success_at=now
            )
        return
    row.failures += 1
    row.last_failure_at, row.last_trouble = now, (result.raw_text or str(result.reason))[:200]
    if row.failures >= OPENS_AFTER:
        row.opened_at, row.open_until = row.opened_at or now, now + OPEN_FOR
    row.save()


def _is_well(configuration: str, now: datetime) -> bool:
    rows = GatewayHealth.objects.filter(configuration=configuration, failures=0, opened_at__isnull=True)
    return rows.filter(last_success_at__gte=now - OPEN_FOR).exists()


def closed_off(configurations: list[str], now: datetime) -> set[str]:
    """Of these, who is not to be called at the moment. One query."""
    rows = GatewayHealth.objects.filter(configuration__in=configurations, open_until__gt=now)
    return set(rows.values_list("configuration", flat=True))
