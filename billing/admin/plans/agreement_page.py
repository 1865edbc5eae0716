"""The page of an agreement: its schedule with the reason of every line, who pays, what changed and why (R55, R57)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.panels import panel, panels_of
from billing.admin.plans.reading import find_agreement, shown_lines
from billing.models import Agreement, Charge, Customer
from billing.models.agreement import RUNNING, AgreementState
from billing.models.installment import InstallmentState
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.priced import PricedLine
from billing.selectors.customer_traces import has
from billing.selectors.schedules import InstallmentView, schedule_of, schedules_of
from billing.services.plans.resting import pauses_on

CHANGES, CHARGES = 50, 50
SETTLED, COMING = 6, 13  # periods shown at first


@console_path("agreements/<int:pk>/", "agreement", "manage_agreements")
@require_http_methods(["GET"])
def agreement_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    today = request.organization.today(clock.now())
    schedule = schedule_of(agreement, today)
    running = agreement.state in RUNNING
    views = schedule.rows if request.GET.get("schedule") == "all" else _near(schedule.rows)
    context = console_context(
        request, agreement.number, agreement=agreement, today=today, schedule=schedule,
        look=f"agreement.{agreement.state}",
        rows=[_row(view) for view in views], hidden=len(schedule.rows) - len(views),
        terms=list(agreement.terms.select_related("plan")),
        payers=list(agreement.payers.select_related("customer")), discounts=list(agreement.discounts.select_related(
            "rule")), pauses=list(agreement.pauses.all()),
        charges=[_charge(row) for row in agreement.charges.order_by("-id")[:CHARGES]],
        changes=list(agreement.changes.select_related("made_by")[:CHANGES]),
        resting=agreement.pauses.filter(pauses_on(today)).first(),
        may_change=running and may_here(request, "manage_agreements", Mode.DO),
        may_extend=agreement.ends_on is not None and agreement.state in (*RUNNING, AgreementState.ENDED)
        and may_here(request, "manage_agreements", Mode.DO),
        panels=panels_of("agreement", request, agreement),
    )  # fmt: skip
    return render(request, "console/plans/agreement.html", context)


def _near(rows: Sequence[InstallmentView]) -> list[InstallmentView]:
    """What is owed, the last settled periods and the next planned ones: twenty years of them are too long a page."""
    owed = {view.installment.pk for view in rows if view.open_amount}
    planned = [view.installment.pk for view in rows if view.installment.state == InstallmentState.PLANNED]
    settled = [view.installment.pk for view in rows if view.installment.pk not in {*owed, *planned}]
    near = owed | set(planned[:COMING]) | set(settled[-SETTLED:])
    return [view for view in rows if view.installment.pk in near]


def _row(view: InstallmentView) -> dict[str, Any]:
    """One period with its lines explained and the word of its state."""
    currency = view.installment.currency
    return {
        "view": view, "installment": view.installment, "lines": shown_lines(view.installment.lines, currency),
        "words": state_words(view),
    }  # fmt: skip


def state_words(view: InstallmentView) -> str:
    """ "overdue 12 days", "in grace until …", "not billed: vacation"; empty where the state's own word is enough."""
    if view.state == "overdue":
        words = ngettext("overdue %(days)d day", "overdue %(days)d days", view.days_overdue)
        return words % {"days": view.days_overdue}
    if view.state == "skipped" and view.why:
        return str(_("not billed: {why}")).format(why=view.why)
    return ""


def _charge(row: Charge) -> dict[str, Any]:
    line = PricedLine.from_json(row.line)
    return {"charge": row, "amount": Decimal(row.net_amount + row.tax_amount),
            "shown": shown_lines([line], row.currency)}  # fmt: skip


@panel("customer", "console/plans/panel.html", order=30)
def customer_agreements(request: ConsoleRequest, customer: Customer) -> dict[str, Any] | None:
    """What the family agreed, running first, each with what is due next. Six queries."""
    if not may_here(request, "manage_agreements"):
        return None
    whose = Q(customer=customer) | Q(payers__customer=customer)
    if customer.household_id:
        whose |= Q(customer__household=customer.household_id)
    rows = Agreement.objects.filter(whose, organization=request.organization).distinct().order_by("-id")
    found = rows.select_related("organization", "plan", "student", "customer")[:50]
    agreements = list(found) if has(customer, "agreements") else []
    views = schedules_of(agreements, request.organization.today(clock.now()))
    agreements.sort(key=lambda row: (row.state not in RUNNING, -row.pk))
    return {
        "agreements": [
            {"agreement": row, "schedule": views[row.pk], "look": f"agreement.{row.state}"} for row in agreements
        ],
        "may_enrol": may_here(request, "manage_agreements", Mode.DO), "customer": customer,
    }  # fmt: skip
