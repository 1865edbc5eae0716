"""Debt plans as they stand: what is paid of each, and what should be (requirements §4 row 16)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum

from billing.models import DebtPlan, DebtPlanPart
from billing.models.dunning import DebtPlanState
from billing.money import ZERO
from billing.office.models import Organization


@dataclass(frozen=True)
class PlanProgress:
    """How a plan stands on a day. required_amount: of parts whose day has passed."""

    plan: DebtPlan
    paid_amount: Decimal
    required_amount: Decimal
    parts: Sequence[DebtPlanPart]

    @property
    def left_amount(self) -> Decimal:
        left: Decimal = self.plan.amount - self.paid_amount
        return left

    @property
    def is_missed(self) -> bool:
        return self.paid_amount < self.required_amount


def progress_of(plans: Iterable[DebtPlan], today: date) -> list[PlanProgress]:
    """What of each plan is paid, by what its invoices have open now. Two queries."""
    plans = list(plans)
    open_of = dict(
        DebtPlan.objects.filter(pk__in=[plan.pk for plan in plans])
        .annotate(open_now=Sum("invoices__open_amount"))
        .values_list("pk", "open_now")
    )
    parts: dict[int, list[DebtPlanPart]] = {}
    for part in DebtPlanPart.objects.filter(plan__in=[plan.pk for plan in plans]).order_by("due_on"):
        parts.setdefault(part.plan_id, []).append(part)
    return [
        PlanProgress(
            plan, max(ZERO, plan.amount - (open_of[plan.pk] or ZERO)),
            sum((part.amount for part in parts.get(plan.pk, ()) if part.due_on < today), ZERO),
            parts.get(plan.pk, []),
        )
        for plan in plans
    ]  # fmt: skip


def plans_with_a_part_over(organization: Organization, today: date) -> QuerySet[DebtPlan]:
    return DebtPlan.objects.filter(
        organization=organization, state=DebtPlanState.ACTIVE, parts__due_on__lt=today
    ).distinct()
