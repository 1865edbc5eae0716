"""The daily run over everything that is owed: opens timelines, takes what is due, breaks plans that were missed.

Customers are worked on in chunks, each a transaction of its own whose customers are locked with SKIP LOCKED: two
workers share the work, and a customer whom a clerk is busy with comes next time. Killed and run again, it goes on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog
from django.db import OperationalError, transaction
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import AgreementPayer, Customer, DunningCase
from billing.models.dunning import CaseState
from billing.office.models import Organization, User
from billing.refusals import explained
from billing.selectors.chasing.plans import plans_with_a_part_over
from billing.services.chasing.keeping import break_missed_plans
from billing.services.chasing.taking import Tally, take_due_steps
from billing.services.chasing.timelines import open_cases, recompute, refresh

log = structlog.get_logger(__name__)

CHUNK = 200
BUSY = ("55P03", "40P01")  # lock_not_available, deadlock_detected


class NotYet(DomainError):
    code = "future_date"
    sentence = _("{day} is still to come for {organization} (today is {today} there); reminders go out on their day.")


@dataclass
class Chased:
    """What a run did in one organization. troubles: customers that could not be worked on, and why."""

    organization: Organization
    as_of: date
    tally: Tally = field(default_factory=Tally)
    troubles: list[tuple[int, str]] = field(default_factory=list)


def chase(
    *, now: datetime, as_of: date | None = None, organization: Organization | None = None, by: User | None = None
) -> list[Chased]:  # fmt: skip
    """Chase what is due up to a day, in one organization or all. A journey: opens transactions.

    as_of: the organization's today, if None; an earlier day takes the steps of that day. Raises NotYet, before
    anything is done.
    """
    owners = [organization] if organization else list(Organization.objects.filter(is_active=True).order_by("code"))
    runs = [Chased(owner, as_of or owner.today(now)) for owner in owners]
    for run in runs:
        today = run.organization.today(now)
        if run.as_of > today:
            raise NotYet(day=run.as_of, organization=run.organization.code, today=today)
    for run in runs:
        _chase(run, now, by)
    return runs


def _chase(run: Chased, now: datetime, by: User | None) -> None:
    with transaction.atomic():
        run.tally.opened = open_cases(organization=run.organization, on=run.as_of)
    for families in _chunks(_due_customers(run)):
        try:
            with explained(), transaction.atomic():
                run.tally.add(_work_on(run, families, now, by))
        except (DomainError, OperationalError) as trouble:
            if isinstance(trouble, OperationalError) and getattr(trouble.__cause__, "sqlstate", "") not in BUSY:
                raise
            _one_by_one(run, families, now, by)


def _one_by_one(run: Chased, customers: Sequence[int], now: datetime, by: User | None) -> None:
    """A chunk was refused: each customer alone, so that only the one in trouble stays behind."""
    for customer in customers:
        try:
            with explained(), transaction.atomic():
                run.tally.add(_work_on(run, [customer], now, by))
        except (DomainError, OperationalError) as trouble:
            log.warning("not_chased", customer=customer, trouble=type(trouble).__name__)
            run.troubles.append((customer, str(trouble)))


def _due_customers(run: Chased) -> list[int]:
    """Customers with a step due or a plan to judge, families together. Two queries."""
    due = DunningCase.objects.filter(organization=run.organization, next_on__lte=run.as_of)
    keys = set(due.exclude(state=CaseState.SETTLED).values_list("customer_id", flat=True))
    keys |= set(plans_with_a_part_over(run.organization, run.as_of).values_list("customer_id", flat=True))
    rows = Customer.objects.filter(pk__in=keys).order_by("household_id", "pk")
    return list(rows.values_list("pk", flat=True))


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def _work_on(run: Chased, customers: Iterable[int], now: datetime, by: User | None) -> Tally:
    """The transaction of a chunk: whoever is free of these customers, with those who share their agreements."""
    mine = _claim(run.organization, customers)
    broken = break_missed_plans(organization=run.organization, customer_ids=mine, today=run.as_of, now=now)
    if broken:
        recompute(organization=run.organization, invoice_ids=broken, now=now, by=by)
    cases = DunningCase.objects.filter(customer__in=mine, next_on__lte=run.as_of).exclude(state=CaseState.SETTLED)
    # A timeline opened while a payment was being taken: that found none to settle.
    paid = cases.filter(invoice__open_amount=0)
    refresh(organization=run.organization, cases=paid, now=now, by=by)
    tally = take_due_steps(organization=run.organization, cases=cases, today=run.as_of, now=now, by=by)
    tally.broken_plans = len(broken)
    return tally


def _claim(organization: Organization, customers: Iterable[int]) -> list[int]:
    """Lock those customers nobody else is busy with, in key order, and all who pay for the same agreements."""
    wanted = set(customers)
    agreements = DunningCase.objects.filter(customer__in=wanted, agreement__isnull=False).values("agreement")
    payers = AgreementPayer.objects.filter(agreement__in=agreements).values_list("customer_id", flat=True)
    holders = Customer.objects.filter(agreements__in=agreements).values_list("pk", flat=True)
    rows = Customer.objects.filter(organization=organization, pk__in=wanted | set(payers) | set(holders))
    free = set(rows.order_by("pk").select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
    return [pk for pk in sorted(wanted) if pk in free]
