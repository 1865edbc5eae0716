"""Ctrl+K: screens by name, records by number, of the organization worked in and nothing kept."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.dataclasses import SearchResult

from billing.admin.columns import screen_url
from billing.models import Customer, Invoice
from config.console.navigation import navigation
from payments.models import Payment
from receipts.models import Receipt

MOST = 5
SHORTEST = 2
# What is looked through, and the work screen of each.
TABLES: tuple[tuple[type[Model], str], ...] = (
    (Customer, "customer"),
    (Invoice, "invoice"),
    (Payment, "payment"),
    (Receipt, ""),
)


def find(request: HttpRequest) -> HttpResponse:
    """At most five records of each kind. Five queries."""
    term = request.GET.get("s", "").strip()[:80]
    extended = "extended" in request.GET
    if len(term) < SHORTEST:
        return HttpResponse()
    results = _screens(request, term)
    if extended:
        for model, screen in TABLES:
            results += _records(request, model, screen, term)
    template = "unfold/helpers/command_results.html" if extended else "unfold/helpers/search_results.html"
    pages = Paginator(results, max(1, len(results)))
    context = {"page_obj": pages, "results": pages.page(1), "page_counter": 0, "execution_time": 0}
    return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})


def _screens(request: HttpRequest, term: str) -> list[SearchResult]:
    items = [item for group in navigation(request) for item in group["items"]]
    return [
        SearchResult(title=str(item["title"]), description="", link=item["link"], icon=item["icon"])
        for item in items
        if term.lower() in str(item["title"]).lower()
    ]


def _records(request: HttpRequest, model: type[Model], screen: str, term: str) -> list[SearchResult]:
    page: Any = admin.site._registry.get(model)
    if page is None or not page.has_view_permission(request):
        return []
    rows, _doubled = page.get_search_results(request, page.get_queryset(request), term)
    plain = f"{model._meta.app_label}_{model._meta.model_name}_change"
    return [
        SearchResult(
            title=str(row), description=str(model._meta.verbose_name),
            link=(screen and screen_url(screen, row.pk)) or screen_url(plain, row.pk), icon="description",
        )
        for row in rows[:MOST]
    ]  # fmt: skip
