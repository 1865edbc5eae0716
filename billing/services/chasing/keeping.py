"""Whether debt plans are kept, judged whenever money moves and when the day of a part is over (§4 row 16)."""

from collections.abc import Iterable
from datetime import date, datetime

from billing.models import DebtPlan
from billing.models.dunning import DEBT_PLAN_MOVES, DebtPlanState
from billing.money import format_money
from billing.office.models import Organization
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.selectors.chasing.plans import PlanProgress, plans_with_a_part_over, progress_of
from billing.states import move
from billing.transactions import transaction_required


@transaction_required
def judge_plans_of(*, organization: Organization, invoice_ids: Iterable[int], now: datetime) -> None:
    """Money of these invoices moved: their plans are kept, or owed again. One query where none is in a plan."""
    ids = list(invoice_ids)
    rows = DebtPlan.objects.filter(state__in=(DebtPlanState.ACTIVE, DebtPlanState.KEPT), invoices__in=ids).distinct()
    for progress in progress_of(rows, organization.today(now)) if ids else ():
        plan, today = progress.plan, organization.today(now)
        if plan.state == DebtPlanState.ACTIVE and not progress.left_amount:
            move(plan, DebtPlanState.KEPT, DEBT_PLAN_MOVES, ended_on=today)
        elif plan.state == DebtPlanState.KEPT and progress.left_amount:
            move(plan, DebtPlanState.ACTIVE, DEBT_PLAN_MOVES, ended_on=None)


@transaction_required
def break_missed_plans(
    *, organization: Organization, customer_ids: Iterable[int], today: date, now: datetime
) -> list[int]:  # fmt: skip
    """A part that was not paid by the end of its day breaks its plan; the office is told. Returns the invoices' keys.

    The customers are locked. What was in a broken plan is chased again from today on.
    """
    rows = plans_with_a_part_over(organization, today).filter(customer__in=list(customer_ids))
    invoices: list[int] = []
    for progress in progress_of(rows.select_related("customer"), today):
        if not progress.is_missed:
            continue
        plan = progress.plan
        move(plan, DebtPlanState.BROKEN, DEBT_PLAN_MOVES, ended_on=today)
        invoices += plan.invoices.values_list("pk", flat=True)
        _tell_broken(progress, now)
    return invoices


def _tell_broken(progress: PlanProgress, now: datetime) -> None:
    """Notes to the office are written in English, as all stored explanations are."""
    plan = progress.plan
    missing = format_money(progress.required_amount - progress.paid_amount, plan.currency)
    message = Message(
        kind="debt_plan_broken", fact=f"debt_plan:{plan.pk}:broken", recipient="collections", party=plan.customer_id,
        channel=Channel.OFFICE, subject=f"Debt plan {plan.number} of {plan.customer.name} is broken",
        body=f"{missing} of the parts that were due is not paid. Its invoices are chased again.",
    )  # fmt: skip
    queue_notices(plan.organization, [message], now)
