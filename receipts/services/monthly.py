"""Statements that are made by themselves: on the organization's day those of the month before, each once (R157).

The run is an ordinary one, by a key that says the month: the worker makes it, people see it among the others. Whoever
has accounts in several organizations gets one family statement besides. It belongs to the login, not to any of the
organizations, so that no message tells of it: an organization's log would say that there are others.
"""

import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import structlog
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from billing.errors import DomainError
from billing.models import Customer
from billing.office.models import Organization, User
from billing.office.papers.errors import PdfUnavailable
from billing.office.policies import policies_for
from billing.refusals import explained
from billing.transactions import in_transaction
from receipts.models import IssuedPaper, PaperKind, PaperRun
from receipts.models.paper_run import Choice
from receipts.services.paper_files import file_of
from receipts.services.paper_periods import month_of
from receipts.services.paper_runs import RunWish, start_run
from receipts.services.statement_papers import issue_family_statement

log = structlog.get_logger(__name__)

HOUR = 4  # of the organization's day: the jobs of the night are through
CATCH_UP = 3  # days: who sets an earlier day, or comes back after a week, gets no statements unasked
SECOND = 10**9

Month = tuple[date, date]


def month_due(organization: Organization, now: datetime) -> Month | None:
    """First and last day of the month whose statements are due, from the organization's day at four on. One query."""
    day = int(policies_for(organization).text("statements.day"))
    if not day:
        return None
    local = now.astimezone(organization.zone)
    due_on = local.date().replace(day=day)
    if due_on > local.date():
        due_on = (due_on.replace(day=1) - timedelta(days=1)).replace(day=day)
    late = (local.date() - due_on).days
    if late >= CATCH_UP or (not late and local.hour < HOUR):
        return None
    return month_of(due_on.replace(day=1) - timedelta(days=1))


def months_due(now: datetime) -> Mapping[int, Month]:
    """Organization → month. One query, and one for each organization."""
    rows = Organization.objects.filter(is_active=True).order_by("pk")
    found = {one.pk: month_due(one, now) for one in rows}
    return {pk: month for pk, month in found.items() if month is not None}


def start_monthly(*, months: Mapping[int, Month], now: datetime) -> list[PaperRun]:
    """A journey: the run of each organization whose month is due, unless it was started before."""
    started = []
    for organization in Organization.objects.filter(pk__in=months).order_by("pk"):
        first, last = months[organization.pk]
        key = f"monthly:{first:%Y-%m}"
        if PaperRun.objects.filter(organization=organization, request_key=key).exists():
            continue
        told = policies_for(organization).flag("statements.tell")
        wish = RunWish(first, last, Choice.MOVED, by_email=told, request_key=key)
        try:
            started.append(_start(organization, wish, now))
        except DomainError as refusal:  # nobody to make one for, or another worker was quicker
            log.info("monthly_run_not_started", organization=organization.pk, trouble=refusal.code)
    return started


def _start(organization: Organization, wish: RunWish, now: datetime) -> PaperRun:
    with explained():
        return in_transaction(lambda: start_run(organization=organization, wish=wish, now=now, by=None))


def make_family_statements(*, months: Mapping[int, Month], now: datetime, seconds: int) -> int:
    """A journey: the family statement of each login that has none of the month yet, for about so long.

    Returns how many were made. One that cannot be issued now keeps no other waiting.
    """
    until, done = time.monotonic_ns() + seconds * SECOND, 0
    for month in sorted(set(months.values())):
        for user in across(month, [pk for pk, one in months.items() if one == month]):
            if time.monotonic_ns() >= until:
                return done
            try:
                done += _make(user, month, now)
            except PdfUnavailable:
                return done
            except Exception:  # the border between logins
                log.exception("family_statement_not_made", user=user.pk)
    return done


def _make(user: User, month: Month, now: datetime) -> int:
    """How many were made: none while the month still runs at one of the organizations."""
    schools = Organization.objects.filter(customers__users=user, is_active=True).distinct()
    if any(one.today(now) <= month[1] for one in schools):
        return 0
    try:
        with explained():
            paper = in_transaction(
                lambda: issue_family_statement(user=user, first=month[0], last=month[1], now=now, by=None)
            )
    except DomainError as refusal:  # such as a book that does not agree
        log.info("family_statement_waits", user=user.pk, trouble=refusal.code)
        return 0
    file_of(paper, now)
    return 1


def across(month: Month, organization_ids: list[int]) -> QuerySet[User]:
    """Logins with accounts in several organizations, one of these among them, without the paper of the month.

    One query.
    """
    ours = Customer.objects.filter(users=OuterRef("pk"), organization__in=organization_ids, is_active=True)
    made = IssuedPaper.objects.filter(
        user=OuterRef("pk"), kind=PaperKind.FAMILY, period_start=month[0], period_end=month[1], document__isnull=False
    )
    rows = User.objects.filter(Exists(ours), ~Exists(made), is_active=True)
    alive = Q(customers__is_active=True, customers__organization__is_active=True)
    rows = rows.annotate(schools=Count("customers__organization", filter=alive, distinct=True))
    return rows.filter(schools__gt=1).order_by("pk")
