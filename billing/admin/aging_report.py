"""Aging: what each customer owed on a day, by how late it was (R132)."""

import csv
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.forms import day
from billing.errors import BadInput
from billing.inputs import parse_day, safe_cell
from billing.money import ZERO
from billing.office import clock
from billing.selectors.aging import AgingRow, AgingTotals, aging, totals
from billing.selectors.covered import CoveredRow, with_covered

PER_PAGE = 200
HEADS = ("code", "name", "currency", "current", "1-30", "31-60", "61-90", "90+", "total", "unapplied")


class DayForm(forms.Form):
    as_of = day(gettext_lazy("As of"), help_text=gettext_lazy("Any past day gives what was true then."))


@console_path("aging/", "aging", "see_reports")
def aging_report(request: ConsoleRequest) -> HttpResponse:
    """One statement, whatever the day, and for today one more a currency: what cheques in the vault cover.

    ?format=csv gives all rows as a file.
    """
    today = request.organization.today(clock.now())
    form = DayForm({"as_of": request.GET.get("as_of") or today.isoformat()})
    as_of = _read(form, today)
    rows = aging(request.organization, as_of) if as_of else []
    if request.GET.get("format") == "csv" and as_of:
        return _csv(request, rows, as_of)
    page = _page(request, len(rows))
    is_now = as_of == today
    found = with_covered(rows) if is_now else [CoveredRow(row, ZERO) for row in rows]
    context = console_context(
        request, _("Aging"), form=form, as_of=as_of, rows=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        sums=_sums(found), count=len(rows), page=page, pages=range(1, 1 + -(-len(rows) // PER_PAGE)), is_now=is_now,
    )  # fmt: skip
    return render(request, "console/office/aging.html", context, status=422 if form.errors else 200)


def _sums(rows: list[CoveredRow]) -> list[tuple[AgingTotals, Decimal]]:
    """The sums of each currency, with what is covered in it."""
    return [
        (sums, sum((row.covered for row in rows if row.owed.currency == sums.currency), ZERO))
        for sums in totals([row.owed for row in rows])
    ]


def _read(form: DayForm, today: date) -> date | None:
    if not form.is_valid():
        return None
    try:
        as_of = parse_day(form.cleaned_data["as_of"])
    except BadInput as trouble:
        form.add_error("as_of", str(trouble))
        return None
    if as_of > today:
        form.add_error("as_of", _("Aging looks back: the latest day is today, %(today)s.") % {"today": today})
        return None
    return as_of


def _page(request: ConsoleRequest, count: int) -> int:
    asked = request.GET.get("page", "1")
    return min(int(asked), max(1, -(-count // PER_PAGE))) if asked.isdecimal() and int(asked) else 1


def _csv(request: ConsoleRequest, rows: list[AgingRow], as_of: date) -> HttpResponse:
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="aging-{request.organization.code}-{as_of}.csv"'
    writer = csv.writer(response)
    writer.writerow(HEADS)
    for row in rows:
        cells: list[Any] = [safe_cell(row.customer_code), safe_cell(row.customer_name), row.currency, *row[4:]]
        writer.writerow(cells)
    return response
