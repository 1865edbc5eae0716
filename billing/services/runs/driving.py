"""Billing what is due, organization by organization: what the job does by the clock and the command by hand (R52)."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from django.utils.translation import override

from billing.errors import DomainError
from billing.models import BillingRun
from billing.models.billing_run import RunKind, RunState
from billing.office.models import Organization, User
from billing.office.policies import policies_for
from billing.selectors.billable import anything_due
from billing.services.runs.carrying_out import RunOutcome, carry_out_run
from billing.services.runs.preparing import RunOrder, prepare_run
from billing.transactions import in_transaction

log = structlog.get_logger(__name__)


@dataclass
class BillingReport:
    """What was done for one organization. prepared: a run made to look at. open: one that still waits for a person."""

    organization: Organization
    outcomes: list[RunOutcome] = field(default_factory=list)
    prepared: BillingRun | None = None
    open: BillingRun | None = None
    trouble: str = ""

    @property
    def has_news(self) -> bool:
        return bool(self.outcomes or self.prepared or self.open or self.trouble)


def run_billing(
    *, as_of: date | None, now: datetime, organization: Organization | None = None, by: User | None = None
) -> list[BillingReport]:
    """Bill what is due by a day, or make it ready to look at. A journey: opens transactions.

    as_of: the organization's today, if None. Approved runs are carried out first. Then, where a second person approves
    runs, what is due up to billing.preview_days later is prepared to look at; elsewhere what is due by the day goes out
    at once. Neither happens while a run is open to look at. Run twice, the second time finds nothing.
    """
    owners = [organization] if organization else Organization.objects.filter(is_active=True).order_by("code")
    reports = [_bill(owner, as_of or owner.today(now), now, by) for owner in owners]
    return [report for report in reports if report.has_news]


def carry_out_approved(
    *, now: datetime, by: User | None = None, organization: Organization | None = None
) -> list[RunOutcome]:
    """Carry out every run that was approved and is not done. One query if there is none."""
    runs = BillingRun.objects.filter(state=RunState.APPROVED, organization__is_active=True).order_by("id")
    if organization is not None:
        runs = runs.filter(organization=organization)
    return [carry_out_run(run=run, now=now, by=by) for run in runs]


def _bill(owner: Organization, day: date, now: datetime, by: User | None) -> BillingReport:
    """One organization's trouble keeps no other waiting."""
    report = BillingReport(owner)
    try:
        report.outcomes = carry_out_approved(now=now, by=by, organization=owner)
        _prepare(report, day, now, by)
    except DomainError as refusal:
        log.warning("billing_refused", organization=owner.code, trouble=refusal.code)
        with override("en"):
            report.trouble = str(refusal)
    return report


def _prepare(report: BillingReport, day: date, now: datetime, by: User | None) -> None:
    owner = report.organization
    report.open = BillingRun.objects.filter(organization=owner, state=RunState.PREVIEW).first()
    if report.open is not None:
        return
    book = policies_for(owner)
    waits = book.flag("billing.needs_approval")
    until = day + timedelta(days=book.number("billing.preview_days") if waits else 0)
    order = RunOrder(RunKind.REGULAR, until, max(day, owner.today(now)), is_approved=not waits)
    if not anything_due(owner, until, order.issue_on):
        return
    run = in_transaction(lambda: prepare_run(organization=owner, order=order, now=now, by=by))
    if run is None:
        return
    if waits:
        report.prepared = run
    else:
        report.outcomes.append(carry_out_run(run=run, now=now, by=by))
