"""The work lists of chasing: timelines by what comes next, collection cases by their state."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from billing.models import CollectionCase, DunningCase
from billing.models.dunning import CaseState, CollectionState
from billing.office.models import Organization


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to. held: a reason, "any" or "". level: -1 for all. text: a customer or invoice."""

    held: str = ""
    level: int = -1
    text: str = ""


def open_timelines(organization: Organization, tab: str, wanted: Wanted, today: date) -> QuerySet[DunningCase]:
    """Open timelines by their next day. tab: due, held, chased, upcoming or all. One query when read."""
    rows = DunningCase.objects.filter(organization=organization).exclude(state=CaseState.SETTLED)
    rows = rows.filter(_TABS[tab](today))
    if wanted.held:
        rows = rows.exclude(held_because="") if wanted.held == "any" else rows.filter(held_because=wanted.held)
    if wanted.level >= 0:
        rows = rows.filter(level=wanted.level)
    if wanted.text:
        words = wanted.text
        rows = rows.filter(
            Q(customer__code__iexact=words) | Q(customer__name__icontains=words) | Q(invoice__number__iexact=words)
        )
    return rows.select_related("invoice", "customer", "agreement").order_by("next_on", "id")


_TABS: dict[str, Any] = {
    "due": lambda today: Q(next_on__lte=today),
    "held": lambda today: ~Q(held_because=""),
    "chased": lambda today: Q(state__in=(CaseState.CHASING, CaseState.COLLECTIONS)),
    "upcoming": lambda today: Q(state=CaseState.UPCOMING),
    "all": lambda today: Q(),
}
TABS = tuple(_TABS)


def timeline_counts(organization: Organization, today: date) -> dict[str, int]:
    """How many timelines each tab has. One query."""
    rows = DunningCase.objects.filter(organization=organization).exclude(state=CaseState.SETTLED)
    wanted = {tab: Count("pk", filter=ask(today) or None) for tab, ask in _TABS.items()}
    counts: dict[str, int] = rows.aggregate(**wanted)
    return counts


def collection_queue(organization: Organization, tab: str) -> QuerySet[Any]:
    """Collection cases of a state with what is still open of each. One query when read."""
    rows: Any = CollectionCase.objects.filter(organization=organization, state=tab)
    rows = rows.annotate(left=Sum("invoices__open_amount")).select_related("customer", "collector")
    order = ("-closed_on", "-id") if tab == CollectionState.CLOSED else ("opened_on", "id")
    ordered: QuerySet[Any] = rows.order_by(*order)
    return ordered


def collection_counts(organization: Organization) -> dict[str, int]:
    """One query."""
    rows = CollectionCase.objects.filter(organization=organization).values_list("state").annotate(n=Count("pk"))
    return dict.fromkeys(CollectionState.values, 0) | dict(rows.order_by())


def agencies(organization: Organization) -> list[str]:
    """Those that have cases now. One query."""
    rows = CollectionCase.objects.filter(organization=organization, state=CollectionState.AGENCY)
    return list(rows.values_list("agency", flat=True).distinct().order_by("agency"))
