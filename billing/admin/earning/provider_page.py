"""A provider's page: what they are owed and why, their lessons, figures and years (R89, R90, R165)."""

import csv
from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.earning.rights import SEE, may_keep_providers, visible_providers
from billing.admin.panels import panels_of
from billing.admin.working import REFUSED, Field, Form
from billing.errors import DomainError, Sentence
from billing.inputs import parse_period, safe_cell
from billing.models import Earning
from billing.office import clock
from billing.rules.explaining import explanation, sentences
from billing.selectors.earnings import Statement, lessons_of, performance, statements, year_totals

MOST_LESSONS = 200
PAYMENT_WORDS: dict[str, tuple[str, Sentence]] = {
    "free": ("invoice.void", gettext_lazy("nothing to pay")),
    "unbilled": ("charge.unbilled", ""),
    "open": ("invoice.open", gettext_lazy("not paid yet")),
    "part_paid": ("invoice.part_paid", ""),
    "paid": ("invoice.paid", ""),
}


@console_path("providers/<int:pk>/", "provider", SEE)
@require_GET
def provider_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The statement of a period with every amount explained; ?format=csv gives it as a file. About fifteen queries."""
    provider = get_object_or_404(visible_providers(request).select_related("manager", "organization"), pk=pk)
    today = request.organization.today(clock.now())
    form, first, last = _period(request, today)
    accounts = statements(provider, first, last)
    if request.GET.get("format") == "csv" and not form.errors:
        return _statement_csv(provider.code, accounts, first, last)
    lessons = lessons_of(provider, first, last, most=MOST_LESSONS + 1)
    context = console_context(
        request, provider.name, provider=provider, form=form, first=first, last=last, today=today,
        accounts=[_shown(account) for account in accounts],
        lessons=[(row, *PAYMENT_WORDS[row.payment.state]) for row in lessons[:MOST_LESSONS]],
        more_lessons=len(lessons) > MOST_LESSONS, most=MOST_LESSONS, figures=performance(provider, first, last),
        years=year_totals(request.organization, provider=provider), may_change=may_keep_providers(request),
        sees_invoices=may_here(request, "see_receivables"), agents=list(provider.agents.order_by("name")),
        panels=panels_of("provider", request, provider),
    )  # fmt: skip
    return render(request, "console/earning/provider.html", context, status=REFUSED if form.errors else 200)


def _period(request: ConsoleRequest, today: date) -> tuple[Form, date, date]:
    """The days asked for; this month and the last unless told otherwise."""
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    form = Form([
        Field("from", gettext_lazy("From"), "date", request.GET.get("from") or first.isoformat()),
        Field("to", gettext_lazy("To"), "date", request.GET.get("to") or today.isoformat()),
    ])  # fmt: skip
    try:
        return form, *parse_period(form.typed("from"), form.typed("to"), months=24)
    except DomainError as refusal:
        form.refuse(refusal)
        return form, first, today


def _shown(account: Statement) -> dict[str, Any]:
    return {
        "of": account,
        "rows": [(row, sentences(row.derivation, row.currency), _about(row)) for row in account.earned],
    }


def _about(row: Earning) -> tuple[str, str]:
    """What an earning is about, and where that is: the invoice that was paid, or the lesson."""
    if row.allocation is not None:
        return row.allocation.invoice.number, reverse("admin:invoice", args=[row.allocation.invoice_id])
    return (row.attendance.seat.lesson.title, "") if row.attendance is not None else ("", "")


def _statement_csv(code: str, accounts: list[Statement], first: date, last: date) -> HttpResponse:
    response = csv_answer(f"statement-{code}-{first}-{last}.csv")
    writer = csv.writer(response)
    writer.writerow(("day", "what", "currency", "amount", "how it came about"))
    for account in accounts:
        writer.writerow((first, "opening", account.currency, account.opening, ""))
        for row in account.earned:
            why = safe_cell(explanation(row.derivation, row.currency))
            writer.writerow((row.earned_on, row.kind, row.currency, row.amount, why))
        for paid in account.paid:
            assert paid.entry is not None
            writer.writerow((paid.entry.entry_date, "paid out", paid.currency, -paid.amount, paid.batch.number))
        writer.writerow((last, "closing", account.currency, account.closing, ""))
    return response


def csv_answer(name: str) -> HttpResponse:
    """An empty file to download, which a spreadsheet reads as UTF-8."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@console_path("providers/years/", "provider_years", SEE)
@require_GET
def provider_years(request: ConsoleRequest) -> HttpResponse:
    """What everyone was paid in a calendar year, for tax papers; ?format=csv gives it as a file."""
    today = request.organization.today(clock.now())
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else today.year
    visible = set(visible_providers(request))
    rows = [row for row in year_totals(request.organization) if row.provider in visible]
    years = sorted({row.year for row in rows} | {today.year, year}, reverse=True)
    rows = [row for row in rows if row.year == year]
    if request.GET.get("format") == "csv":
        response = csv_answer(f"paid-{request.organization.code}-{year}.csv")
        writer = csv.writer(response)
        writer.writerow(("year", "code", "name", "tax_id", "email", "currency", "paid", "payouts"))
        for row in rows:
            who = row.provider
            cells = [safe_cell(text) for text in (who.code, who.name, who.tax_id, who.email)]
            writer.writerow((row.year, *cells, row.currency, row.amount, row.payouts))
        return response
    title = _("Paid out in {year}").format(year=year)
    context = console_context(request, title, year=year, years=years, rows=rows)
    return render(request, "console/earning/years.html", context)
