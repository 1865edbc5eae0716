"""How processors performed, from a day to a day: rates, reasons, recovery, speed and cost, and as a file (R51, R160,
R163)."""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.facts import said_code
from billing.errors import BadInput
from billing.inputs import parse_period, safe_cell
from billing.office import clock
from payments.selectors.performance import Line, Performance, performance_of

DAYS = 30
PERIODS = {"day": gettext_lazy("by day"), "week": gettext_lazy("by week"), "month": gettext_lazy("by month")}
HEAD = (
    "period", "gateway", "processor", "instrument", "currency", "succeeded", "tried", "success_percent", "declined",
    "not_carried_out", "unknown", "taken", "cost", "cost_percent", "average_seconds",
)  # fmt: skip


@console_path("gateway-performance/", "gateway_performance", "see_reports")
@require_GET
def performance(request: ConsoleRequest) -> HttpResponse:
    """?from, ?to, ?by; ?format=csv gives the periods as a file. Six queries."""
    today = request.organization.today(clock.now())
    typed = {name: request.GET.get(name, "") for name in ("from", "to", "by")}
    period = typed["by"] if typed["by"] in PERIODS else "week"
    first, last, problem = _days(typed, today)
    found = performance_of(request.organization, first, last, period)
    if request.GET.get("format") == "csv" and not problem:
        return _file(found, f"gateways-{first}-{last}.csv")
    context = console_context(
        request, _("Gateway performance"), found=found, first=first, last=last, period=period, problem=problem,
        periods=list(PERIODS.items()), reasons=[(said_code("reason", one.reason), one) for one in found.reasons],
        is_empty=not found.lines,
    )  # fmt: skip
    return render(request, "console/online/performance.html", context, status=422 if problem else 200)


def _days(typed: dict[str, str], today: date) -> tuple[date, date, str]:
    """The span asked for; the last thirty days where it cannot be read, with why."""
    usual = (today - timedelta(days=DAYS - 1), today)
    if not typed["from"] and not typed["to"]:
        return *usual, ""
    try:
        return *parse_period(typed["from"] or usual[0].isoformat(), typed["to"] or today.isoformat()), ""
    except BadInput as refusal:
        return *usual, str(refusal)


def _file(found: Performance, name: str) -> HttpResponse:
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(HEAD)
    writer.writerows(_cells(line) for line in found.periods)
    return response


def _cells(line: Line) -> Sequence[Any]:
    account = line.account
    return (
        line.starts_on, safe_cell(account.name), account.kind, line.instrument, account.currency, line.rate.won,
        line.rate.tries, line.rate.percent, line.declined, line.not_carried_out, line.unknown, line.taken, line.cost,
        line.cost_percent, line.seconds,
    )  # fmt: skip
