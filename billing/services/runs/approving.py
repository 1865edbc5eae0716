"""Who lets a run go out: a second person where the setting asks for one, else whoever may prepare it."""

from datetime import datetime
from typing import Any

from billing.models import BillingRun
from billing.models.billing_run import RUN_MOVES, RunState
from billing.office import approvals
from billing.office.access import require
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.selectors.run_facts import approval_facts, content_hash, run_figures
from billing.services.runs.changing import check_bills, lock_preview, subject_of
from billing.states import move
from billing.transactions import transaction_required

ACTION = "billing_run"


def needs_second_person(organization: Organization) -> bool:
    return policies_for(organization).flag("billing.needs_approval")


@transaction_required
def ask_for_run(*, run: BillingRun, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask another person to let exactly these bills go out. Raises RunFrozen, NotPermitted, BadInput."""
    run = lock_preview(run)
    check_bills(run)
    figures = run_figures(run)
    single = figures.totals[0] if len(figures.totals) == 1 else None
    return approvals.ask(
        organization=run.organization, action=ACTION, subject=subject_of(run), title=f"Billing run {run.number}",
        shown=approval_facts(run), reason=reason, by=by, now=now, amount=single.amount if single else None,
        currency=single.currency if single else "",
    )  # fmt: skip


def facts_now(request: ApprovalRequest) -> dict[str, Any]:
    """What the facts of a request would be now."""
    return approval_facts(run_of(request))


def run_of(request: ApprovalRequest) -> BillingRun:
    return BillingRun.objects.get(organization=request.organization_id, pk=int(request.subject.split(":")[1]))


@transaction_required
def carry_out_approval(*, request: ApprovalRequest, now: datetime) -> BillingRun:
    """Freeze the run that was approved, exactly as it was shown; it goes out with the next round of the job.

    Raises RunFrozen and what approvals.use raises.
    """
    run = lock_preview(run_of(request))
    approvals.use(request=request, action=ACTION, subject=subject_of(run), shown=approval_facts(run), now=now)
    return _freeze(run, now, approval=request)


@transaction_required
def approve_alone(*, run: BillingRun, shown_hash: str, by: User, now: datetime) -> BillingRun:
    """Freeze a run where no second person is asked for. shown_hash: content_hash of the bills that were looked at.

    Raises RunFrozen, NotPermitted, ApprovalNeeded, BadInput, ShownChanged.
    """
    run = lock_preview(run)
    require(by, run.organization, ACTION, Mode.MAKE, Mode.DO, Mode.CHECK)
    if needs_second_person(run.organization):
        raise approvals.ApprovalNeeded()
    check_bills(run)
    if content_hash(run) != shown_hash:
        raise approvals.ShownChanged()
    return _freeze(run, now)


def _freeze(run: BillingRun, now: datetime, **more: Any) -> BillingRun:
    move(run, RunState.APPROVED, RUN_MOVES, content_hash=content_hash(run), approved_at=now, **more)
    return run
