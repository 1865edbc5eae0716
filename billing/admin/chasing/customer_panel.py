"""Chasing on the customer's page: how they pay, what comes next, what rests, plans and collections (R135)."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.panels import panel
from billing.models import CollectionCase, Customer, DebtPlan, DunningCase
from billing.models.dunning import CaseState, CollectionState, DebtPlanState
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.words_chasing import HOLDS, step_words
from billing.selectors.chasing.gate import standing_pauses
from billing.selectors.chasing.plans import progress_of
from billing.selectors.customer_traces import has
from billing.selectors.regularity import regularity
from billing.services.chasing.collections import COLLECT

TRENDS = {"better": _("getting better"), "worse": _("getting worse"), "same": _("unchanged")}
SHOWN = 10


@panel("customer", "console/chasing/of_customer.html", order=20)
def _of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any]:
    """Six queries, eight with a debt plan."""
    today = request.organization.today(clock.now())
    found = regularity(customer, today)
    cases = DunningCase.objects.filter(customer=customer).exclude(state=CaseState.SETTLED)
    cases = cases.select_related("invoice").order_by("next_on", "id")
    rows = list(cases[: SHOWN + 1]) if has(customer, "timelines") else []
    pauses = standing_pauses([customer.pk], today)
    collections = CollectionCase.objects.filter(customer=customer).exclude(state=CollectionState.CLOSED)
    plans = DebtPlan.objects.filter(customer=customer, state=DebtPlanState.ACTIVE)
    return {
        "regularity": found, "trend": TRENDS.get(found.trend, ""),
        "rows": [_row(case) for case in rows[:SHOWN]], "more": len(rows) > SHOWN,
        "pauses": list(pauses.select_related("invoice")) if has(customer, "pauses") else [],
        "plans": progress_of(plans, today) if has(customer, "debt_plans") else [],
        "collections": list(collections) if has(customer, "collections") else [],
        "may_chase": may_here(request, COLLECT, Mode.DO),
    }  # fmt: skip


def _row(case: DunningCase) -> dict[str, Any]:
    return {
        "case": case, "state": f"timeline.{case.state}", "held": HOLDS.get(case.held_because, ""),
        "next": step_words(case.next_step) if case.next_step else "",
    }  # fmt: skip
