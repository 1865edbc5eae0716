"""The comparison of a day with Zoho, page by page. See Note [What is compared, and what is believed]."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import structlog
from django.db import transaction
from django.db.models import QuerySet

from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.trouble import Refused, Unreachable
from payments.models import GatewayAccount
from payments.models.gateway_account import GatewayKind
from payments.services.zoho.calls import zoho_at
from reconciliation.models import ZohoComparison, ZohoDiscrepancy
from reconciliation.models.zoho_comparison import (
    COMPARISON_MOVES,
    ComparisonState,
    ZohoDiscrepancyKind,
    ZohoDiscrepancyState,
)
from reconciliation.rules.zoho_sides import JUST_NOW, Found, Judged
from reconciliation.selectors import zoho_ours
from reconciliation.services.zoho.noting import note

log = structlog.get_logger(__name__)
T = TypeVar("T")
PAGE = 200
COUNTED = ("subscriptions", "customers", "invoices", "payments")
# How far back invoices and payments are compared, and how many days of them are asked for at once: a list may have ten
# thousand rows.
LOOK_BACK, WINDOW = 368, 92
# After the n-th time that Zoho could not be read, wait this long; Zoho's own word counts where it asks for longer.
WAITS = tuple(timedelta(minutes=m) for m in (5, 15, 60))
LEASE = timedelta(minutes=30)


@dataclass(frozen=True)
class Unit:
    """A list of Zoho's, or a stretch of one. counts_as: the column of the run. missing: what of ours is not in it."""

    counts_as: str
    rows: Callable[[], Iterable[Any]]
    judge: Callable[[Sequence[Any]], Judged]
    missing: Callable[[set[str]], list[Found]]
    missing_kind: str = ""


def compare_due(*, now: datetime) -> int:
    """Begin the comparison of the day for every account at Zoho in use, and do what is due. Outside transactions."""
    for account in _accounts():
        in_transaction(partial(begin, account=account, as_of=account.organization.today(now), now=now))
    done = 0
    while (run := _claim(now)) is not None:
        compare(run=run, now=now)
        done += 1
    return done


def compare_zoho(*, account: GatewayAccount, as_of: date, now: datetime) -> ZohoComparison:
    """Compare one account now, whatever was done today already. Outside transactions."""
    run = in_transaction(partial(begin, account=account, as_of=as_of, now=now))
    return compare(run=run, now=now)


def _accounts() -> Iterable[GatewayAccount]:
    rows = GatewayAccount.objects.filter(kind=GatewayKind.ZOHO, is_active=True)
    return rows.select_related("organization").order_by("pk")


@transaction_required
def begin(*, account: GatewayAccount, as_of: date, now: datetime) -> ZohoComparison:
    """The comparison of a day, made once. Those of earlier days are not gone on with."""
    run, is_new = ZohoComparison.objects.get_or_create(
        gateway_account=account, as_of=as_of,
        defaults={"organization_id": account.organization_id, "next_at": now, "made_at": now},
    )  # fmt: skip
    if is_new:
        earlier = ZohoComparison.objects.filter(gateway_account=account, as_of__lt=as_of, next_at__isnull=False)
        earlier.update(next_at=None)
    return run


def _claim(now: datetime) -> ZohoComparison | None:
    """The next one due, kept from other workers for a while; committed before anybody is called."""
    with transaction.atomic():
        rows = ZohoComparison.objects.filter(next_at__lte=now).order_by("next_at", "id")
        rows = rows.select_related("gateway_account__organization")
        run = rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if run is not None:
            ZohoComparison.objects.filter(pk=run.pk).update(next_at=now + LEASE)
        return run


def compare(*, run: ZohoComparison, now: datetime) -> ZohoComparison:
    """Read Zoho's lists to their end and note what differs. Where Zoho cannot be read the run is incomplete and goes on
    later with the list that broke off; what had been compared stays. Outside transactions; a call for 200 rows."""
    if run.state != ComparisonState.INCOMPLETE:
        run.units_done, counts = 0, dict.fromkeys(COUNTED, 0)
    else:
        counts = {name: getattr(run, name) for name in COUNTED}
    try:
        with zoho_at(run.gateway_account, now, keep=False) as zoho:
            for unit in units_of(zoho, run.gateway_account, run.as_of)[run.units_done :]:
                counts[unit.counts_as] += _go_through(unit, run.gateway_account, now)
                run.units_done += 1
    except (Unreachable, Refused) as trouble:
        return in_transaction(partial(_broken_off, run.pk, run.units_done, counts, trouble, now))
    return in_transaction(partial(_finished, run.pk, run.units_done, counts, now))


def units_of(zoho: Gateway, account: GatewayAccount, as_of: date) -> list[Unit]:
    """What is read, in this order: what is judged by the state of a subscription comes after it."""
    ours = zoho_ours
    units = [
        Unit("subscriptions", zoho.billing.subscriptions, partial(ours.judge_subscriptions, account),
             partial(ours.missing_subscriptions, account), ZohoDiscrepancyKind.SUBSCRIPTION_NOT_THERE),
        Unit("customers", zoho.books.contacts, partial(ours.judge_customers, account), lambda _seen: []),
    ]  # fmt: skip
    for first, last in windows_until(as_of):
        units.append(
            Unit("invoices", partial(zoho.books.invoices, first, last), partial(ours.judge_invoices, account, as_of),
                 partial(ours.missing_invoices, account, first, last), ZohoDiscrepancyKind.INVOICE_NOT_THERE)
        )  # fmt: skip
        units.append(
            Unit("payments", partial(zoho.books.payments, first, last), partial(ours.judge_payments, account),
                 partial(ours.missing_payments, account, first, last), ZohoDiscrepancyKind.PAYMENT_NOT_THERE)
        )  # fmt: skip
    return units


def _go_through(unit: Unit, account: GatewayAccount, now: datetime) -> int:
    """Compare page by page, each kept at once; then, the list being read to its end, what of ours was not in it."""
    counted, seen = 0, set[str]()
    for page in in_pages(unit.rows()):
        judged = unit.judge(page)
        in_transaction(partial(note, account=account, subjects=judged.subjects, found=judged.found, now=now))
        counted += len(judged.subjects)
        seen |= {row.id for row in page}
    if unit.missing_kind:
        found = unit.missing(seen)
        work = partial(
            note, account=account, subjects={one.subject for one in found}, found=found, now=now,
            kinds=(unit.missing_kind,),
        )  # fmt: skip
        in_transaction(work)
    return counted


def windows_until(last: date) -> Iterator[tuple[date, date]]:
    """The days that are compared, in stretches, the oldest first."""
    day = last - timedelta(days=LOOK_BACK - 1)
    while day <= last:
        end = min(day + timedelta(days=WINDOW - 1), last)
        yield day, end
        day = end + timedelta(days=1)


def in_pages(rows: Iterable[T]) -> Iterator[list[T]]:
    them = iter(rows)
    while page := list(islice(them, PAGE)):
        yield page


@transaction_required
def _finished(pk: int, units_done: int, counts: dict[str, int], now: datetime) -> ZohoComparison:
    run = _lock(pk)
    standing = _standing(run)
    just_seen = standing.filter(state=ZohoDiscrepancyState.SEEN).exists()
    move(
        run, ComparisonState.COMPLETE, COMPARISON_MOVES, **counts, units_done=units_done, differing=standing.count(),
        tries=0,
        trouble="", finished_at=now, next_at=now + JUST_NOW if just_seen else None,
    )  # fmt: skip
    return run


@transaction_required
def _broken_off(pk: int, units_done: int, counts: dict[str, int], trouble: Exception, now: datetime) -> ZohoComparison:
    run = _lock(pk)
    log.warning("zoho_not_compared", account=str(run.gateway_account), trouble=str(trouble))
    wait = WAITS[min(run.tries, len(WAITS) - 1)]
    wait = max(wait, timedelta(seconds=getattr(trouble, "wait", 0)))
    move(
        run, ComparisonState.INCOMPLETE, COMPARISON_MOVES, **counts, units_done=units_done,
        differing=_standing(run).count(), tries=run.tries + 1, trouble=str(trouble)[:300], next_at=now + wait,
    )  # fmt: skip
    return run


def _lock(pk: int) -> ZohoComparison:
    rows = ZohoComparison.objects.select_related("gateway_account__organization")
    return rows.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def _standing(run: ZohoComparison) -> QuerySet[ZohoDiscrepancy]:
    rows = ZohoDiscrepancy.objects.filter(gateway_account=run.gateway_account)
    return rows.exclude(state=ZohoDiscrepancyState.RESOLVED)
