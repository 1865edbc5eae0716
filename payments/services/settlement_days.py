"""Fetching the reports of days gone by until they are there, and asking after what no report names (R151, F15, F28)."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import partial

import structlog
from django.db import transaction

from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways import base
from payments.gateways.base import GatewayDown
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import GatewayAccount, PaymentAttempt, SettlementDay
from payments.models.attempt import AttemptState
from payments.services.reading_back import NoAnswer, NotYet, read_back, take_in
from payments.services.settlements import fetch_settlements
from payments.services.settling import TAKING, alarm

log = structlog.get_logger(__name__)

# How many days back a day is looked for that was never fetched.
LOOK_BACK = 14
# A day is fetched so many times, a day apart: reports grow, and our days end before or after the processor's.
TIMES, APART = 3, timedelta(days=1)
# After the n-th try that failed, wait this long; then as long again each time.
WAITS = tuple(timedelta(minutes=m) for m in (15, 60, 240))
LEASE = timedelta(minutes=10)
# Money that no report named this long after it was taken is asked after; this long after, a person must look.
ASK_AFTER, PERSON_AFTER = timedelta(days=2), timedelta(days=10)


def fetch_due(*, now: datetime, limit: int = 20) -> int:
    """Fetch the days that are due. Returns how many were tried. Outside transactions.

    Who did not answer once is left alone for the rest of the run.
    """
    tried, silent = 0, set[str]()
    while tried < limit and (day := _claim(now, silent)) is not None:
        if not _fetch(day, now):
            silent.add(day.gateway_account.configuration)
        tried += 1
    return tried


def plan_days(*, now: datetime) -> None:
    """Note every day that is over, in its organization's calendar, for each account in use. Two queries, an insert."""
    accounts = list(GatewayAccount.objects.filter(is_active=True).select_related("organization"))
    reporting = [account for account in accounts if _reports(account.configuration)]
    known = set(SettlementDay.objects.filter(gateway_account__in=reporting).values_list("gateway_account_id", "day"))
    SettlementDay.objects.bulk_create(
        (
            SettlementDay(gateway_account=account, day=day, ask_at=now)
            for account in reporting for day in _days_over(account, now) if (account.pk, day) not in known
        ),
        ignore_conflicts=True,
    )  # fmt: skip


def _days_over(account: GatewayAccount, now: datetime) -> list[date]:
    """From the day the account was opened to yesterday, not more than LOOK_BACK."""
    yesterday = account.organization.today(now) - timedelta(days=1)
    first = max(account.organization.today(account.made_at), yesterday - timedelta(days=LOOK_BACK - 1))
    return [first + timedelta(days=n) for n in range((yesterday - first).days + 1)]


def _reports(configuration: str) -> bool:
    try:
        return base.SETTLEMENT in gateway_for(configuration)[0].capabilities
    except (NotConfigured, ModuleNotFoundError):
        return False


def _claim(now: datetime, silent: Collection[str]) -> SettlementDay | None:
    """The next day due, kept from other workers for a while. Committed before anybody is asked."""
    with transaction.atomic():
        rows = SettlementDay.objects.filter(ask_at__lte=now).exclude(gateway_account__configuration__in=silent)
        rows = rows.select_related("gateway_account__organization").order_by("ask_at", "id")
        day = rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if day is not None:
            day.tries += 1
            SettlementDay.objects.filter(pk=day.pk).update(ask_at=now + LEASE, tries=day.tries)
        return day


def _fetch(day: SettlementDay, now: datetime) -> bool:
    """False if the processor did not answer."""
    account, row = day.gateway_account, SettlementDay.objects.filter(pk=day.pk)
    try:
        fetch_settlements(gateway_account=account, day=day.day, now=now)
    except (GatewayDown, NotConfigured) as trouble:
        row.update(trouble=str(trouble)[:200], ask_at=now + WAITS[min(day.tries, len(WAITS)) - 1])
        return False
    except Exception as trouble:  # the border between days: whatever one does, the next must be fetched
        log.exception("settlement_failed", day=str(day))
        row.update(trouble=type(trouble).__name__, ask_at=now + WAITS[-1])
        return True
    times = day.times + 1
    row.update(fetched_at=now, times=times, tries=0, trouble="", ask_at=now + APART if times < TIMES else None)
    ask_after_unsettled(gateway_account=account, now=now)
    return True


def ask_after_unsettled(*, gateway_account: GatewayAccount, now: datetime) -> int:
    """Look at charges that no report has named: settled elsewhere, still waiting, or void (fault F15).

    What is gone is reversed, as a return is. Returns how many were looked at. Outside transactions.
    """
    rows = PaymentAttempt.objects.filter(
        gateway_account=gateway_account, operation__in=TAKING, state=AttemptState.SUCCEEDED,
        money_state__in=("", base.State.PENDING_SETTLEMENT), settled_at__lt=now - ASK_AFTER,
        settled_at__gt=now - PERSON_AFTER - timedelta(days=LOOK_BACK),
    ).select_related("gateway_account", "method", "customer", "organization", "follows").order_by("pk")  # fmt: skip
    looked = 0
    for attempt in rows:
        looked += 1
        try:
            result = read_back(attempt, now)
            if result is not None:
                with explained():
                    in_transaction(partial(take_in, attempt=attempt, result=result, source="report", now=now))
        except NotYet as trouble:
            log.warning("unsettled", attempt=attempt.number, trouble=str(trouble))
        except NoAnswer as trouble:
            log.warning("unsettled", attempt=attempt.number, trouble=str(trouble))
            break
        _alarm_if_old(attempt, now)
    return looked


def _alarm_if_old(attempt: PaymentAttempt, now: datetime) -> None:
    attempt.refresh_from_db(fields=["money_state"])
    waits = attempt.money_state in ("", base.State.PENDING_SETTLEMENT)
    if waits and attempt.settled_at is not None and now - attempt.settled_at > PERSON_AFTER:
        trouble = "It was approved and no report of the processor has named it since."
        in_transaction(partial(alarm, attempt, trouble, now))
