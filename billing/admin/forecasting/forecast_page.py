"""The forecast: what came in and what is expected, week by week; every week opens what it is made of (R162)."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.chart import bars
from billing.errors import DomainError, Sentence
from billing.inputs import parse_day, safe_cell
from billing.money import ZERO
from billing.office import clock
from billing.selectors.forecast import (
    KINDS,
    WEEKS_BACK,
    Forecast,
    Item,
    Week,
    forecast,
    items_of_week,
    received_in_week,
    week_of,
)

PER_PAGE = 200
LATE = "late"
NAMES: dict[str, Sentence] = {
    "invoice": gettext_lazy("Invoices"), "installment": gettext_lazy("Instalments to come"),
    "charge": gettext_lazy("Not billed yet"), "cheque": gettext_lazy("Cheques in the vault"),
}  # fmt: skip
WHAT: dict[str, Sentence] = {
    "invoice": gettext_lazy("invoice"), "installment": gettext_lazy("instalment of"),
    "charge": gettext_lazy("charge of"), "cheque": gettext_lazy("cheque in the vault"),
    "payment": gettext_lazy("payment"),
}  # fmt: skip
HEADS = ("week_from", "week_to", "currency", "received", *KINDS, "expected")
ITEM_HEADS = ("customer_code", "customer_name", "what", "reference", "due_on", "expected_on", "currency", "amount")


@console_path("forecast/", "forecast", "see_reports")
@require_GET
def forecast_page(request: ConsoleRequest) -> HttpResponse:
    """Eight weeks back, thirteen ahead, by currency. Four statements, however long the schedules."""
    today = request.organization.today(clock.now())
    found = forecast(request.organization, today)
    if request.GET.get("format") == "csv":
        return _file(request, f"forecast-{today}", HEADS, (row for one in found for row in _csv_rows(one)))
    context = console_context(
        request, _("Forecast"), today=today, forecasts=[_shown(one, today) for one in found], names=NAMES
    )
    return render(request, "console/forecasting/page.html", context)


def _shown(one: Forecast, today: date) -> dict[str, Any]:
    """The chart and the table of one currency."""
    this = week_of(today)
    series = [(week.starts_on, week.received + week.expected_amount) for week in one.weeks]
    highest = max(series, key=lambda pair: pair[1])[0]
    drawn = bars(series, one.currency, hollow=[week.starts_on for week in one.weeks[WEEKS_BACK:]], labelled=[highest])
    months = [
        (bar.middle, bar.starts_on) for before, bar in zip([None, *drawn], drawn, strict=False)
        if before is None or before.starts_on.month != bar.starts_on.month
    ]  # fmt: skip
    return {
        "of": one, "bars": drawn, "months": months[1:] if len(months) > 4 else months,
        "rows": [_row(week, this) for week in one.weeks], "late": _kinds(one.late),
        "has_any": any(amount for _day, amount in series),
        "coming": sum((week.expected_amount for week in one.weeks), ZERO),
        "received": sum((week.received for week in one.weeks), ZERO),
        "next_four": sum((week.expected_amount for week in one.weeks[WEEKS_BACK : WEEKS_BACK + 4]), ZERO),
    }  # fmt: skip


def _row(week: Week, this: date) -> dict[str, Any]:
    return {
        "week": week,
        "kinds": _kinds(week.expected),
        "is_now": week.starts_on == this,
        "is_past": week.starts_on < this,
    }


def _kinds(amounts: dict[str, Decimal]) -> list[Decimal]:
    return [amounts.get(kind, ZERO) for kind in KINDS]


def _csv_rows(one: Forecast) -> Iterable[Sequence[Any]]:
    yield ("", "", one.currency, "", *_kinds(one.late), one.late_amount)
    for week in one.weeks:
        yield (
            week.starts_on, week.ends_on, one.currency, week.received, *_kinds(week.expected), week.expected_amount
        )  # fmt: skip


@console_path("forecast/<str:week>/", "forecast_week", "see_reports")
@require_GET
def week_page(request: ConsoleRequest, week: str) -> HttpResponse:
    """What a week is made of, by customer: what came in until today, what is expected from today on."""
    today = request.organization.today(clock.now())
    day = None if week == LATE else _sunday(week)
    currency = request.GET.get("currency", request.organization.currency)
    this = week_of(today)
    coming = items_of_week(request.organization, today, currency, day) if day is None or day >= this else []
    came = received_in_week(request.organization, today, currency, day) if day is not None and day <= this else []
    items = [*came, *coming]
    if request.GET.get("format") == "csv":
        return _file(request, f"forecast-{week}-{currency}", ITEM_HEADS, (_item_cells(i, currency) for i in items))
    page, pages = _page(request, len(items))
    shown = items[(page - 1) * PER_PAGE : page * PER_PAGE]
    title = _("Past its usual day") if day is None else _("Week of {day}").format(day=day)
    context = console_context(
        request, title, day=day, week=Week(day) if day else None, today=today, currency=currency, count=len(items),
        rows=[(item, WHAT[item.kind]) for item in shown], page=page, pages=pages,
        came=sum((item.amount for item in came), ZERO), coming=sum((item.amount for item in coming), ZERO),
        has_begun=day is not None and day <= this, is_over=day is not None and day < this,
    )  # fmt: skip
    return render(request, "console/forecasting/week.html", context)


def _sunday(text: str) -> date:
    """A Sunday as 2026-03-08; anything else is a page that does not exist."""
    try:
        day = parse_day(text)
    except DomainError:
        raise Http404 from None
    if week_of(day) != day:
        raise Http404
    return day


def _page(request: ConsoleRequest, count: int) -> tuple[int, range]:
    last = max(1, -(-count // PER_PAGE))
    asked = request.GET.get("page", "1")
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    return min(max(1, wanted), last), range(1, last + 1)


def _item_cells(item: Item, currency: str) -> Sequence[Any]:
    return (
        item.customer_code, item.customer_name, item.kind, item.reference, item.due_on, item.expected_on, currency,
        item.amount,
    )  # fmt: skip


def _file(request: ConsoleRequest, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    safe = "".join(c for c in name if c.isalnum() or c == "-")
    response["Content-Disposition"] = f'attachment; filename="{request.organization.code}-{safe}.csv"'
    writer = csv.writer(response)
    writer.writerow(heads)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return response
