"""Papers of a teacher or agent: the earnings statement of a month, the tax paper of a year (R89, R158, R168)."""

from collections.abc import Callable
from datetime import date
from functools import partial

from django.contrib.auth.decorators import login_required
from django.db.models.functions import TruncMonth
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.models import Earning, Payout, Provider
from billing.models.earning import PayoutBatchState
from billing.office import clock
from billing.office.papers.answers import is_fetched_ahead, nothing_yet, pdf_answer
from billing.office.papers.errors import PdfUnavailable
from billing.pages.own import user_of
from billing.pages.teaching import chosen_month, chosen_provider
from billing.transactions import in_transaction
from receipts.models import IssuedPaper
from receipts.services.paper_files import file_name, hand_out_paper, paper_page_of
from receipts.services.paper_periods import month_of, tax_year
from receipts.services.provider_papers import issue_earnings_paper, issue_provider_year

MOST_MONTHS = 36


@require_GET
@login_required
def papers(request: HttpRequest) -> HttpResponse:
    """The months and years with anything in them, a school at a time. Six queries."""
    provider, own = chosen_provider(request)
    today = provider.organization.today(clock.now())
    months = _months(provider)
    context = {
        "provider": provider, "organization": provider.organization, "own": own, "today": today,
        "school": provider.organization.code, "months": [(one, one == today.replace(day=1)) for one in months],
        "years": [(year, *_year(provider, year, today)) for year in _years(provider, months, today)],
    }  # fmt: skip
    return render(request, "pages/teacher/papers.html", context)


def _months(provider: Provider) -> list[date]:
    """First days of months in which something was earned or paid out, the newest first. Two queries."""
    earned = Earning.objects.filter(provider=provider).order_by().annotate(month=TruncMonth("earned_on"))
    paid = Payout.objects.filter(provider=provider, batch__state=PayoutBatchState.PAID).order_by()
    found = set(earned.values_list("month", flat=True).distinct())
    found |= set(paid.annotate(month=TruncMonth("entry__entry_date")).values_list("month", flat=True).distinct())
    return sorted(found, reverse=True)[:MOST_MONTHS]


def _years(provider: Provider, months: list[date], today: date) -> list[int]:
    """The calendar years in which a tax year with anything in it begins, the newest first. One query."""
    start = tax_year(provider.organization, today.year)[0].month
    return sorted({one.year if one.month >= start else one.year - 1 for one in months}, reverse=True)


def _year(provider: Provider, year: int, today: date) -> tuple[date, date, bool]:
    """First and last day, and whether the year is over."""
    first, last = tax_year(provider.organization, year)
    return first, min(last, today), last < today


@require_GET
@login_required
def month_paper(request: HttpRequest) -> HttpResponse:
    """?month=2026-03, of this month up to today. While nothing changes it is the same paper."""
    provider, _own = chosen_provider(request)
    today = provider.organization.today(clock.now())
    first = chosen_month(request, today)
    if first not in _months(provider):
        raise Http404
    last = min(month_of(first)[1], today)
    return _handed_out(request, partial(issue_earnings_paper, provider=provider, first=first, last=last))


@require_GET
@login_required
def year_paper(request: HttpRequest) -> HttpResponse:
    """?year=2026: what was earned and paid out in a tax year, before any tax; of this year up to today."""
    provider, _own = chosen_provider(request)
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else 0
    today = provider.organization.today(clock.now())
    if year not in _years(provider, _months(provider), today):
        raise Http404
    first, last, _over = _year(provider, year, today)
    return _handed_out(request, partial(issue_provider_year, provider=provider, first=first, last=last))


def _handed_out(request: HttpRequest, issue: Callable[..., IssuedPaper]) -> HttpResponse:
    """The signed file; where no PDF can be made, the paper as a page. A browser that fetches ahead gets nothing."""
    if is_fetched_ahead(request):
        return nothing_yet()
    now, user = clock.now(), user_of(request)
    paper: IssuedPaper = in_transaction(lambda: issue(now=now, by=user))
    try:
        data = hand_out_paper(paper, how="download", now=now, by=user)
    except PdfUnavailable:
        return HttpResponse(paper_page_of(paper))
    return pdf_answer(data, file_name(paper))
