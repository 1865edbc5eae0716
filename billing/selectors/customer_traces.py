"""What a customer has at all, asked with the customer itself, so that a page does not ask for what is not there."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import (
    Agreement,
    CollectionCase,
    Customer,
    DebtPlan,
    DunningCase,
    DunningPause,
    LessonCredit,
    LessonSeat,
)
from billing.models.dunning import CollectionState

ME = OuterRef("pk")


def with_traces(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """Customers with a flag for each kind of record they may have; see has(). No query of its own."""
    family = Q(customer=ME) | Q(payers__customer=ME) | Q(customer__household=OuterRef("household"))
    return rows.annotate(
        has_agreements=Exists(Agreement.objects.filter(family)),
        has_lessons=Exists(LessonSeat.objects.filter(agreement__customer=ME))
        | Exists(LessonCredit.objects.filter(customer=ME))
        | Exists(Agreement.objects.filter(customer=ME, package_size__gt=0)),
        has_timelines=Exists(DunningCase.objects.filter(customer=ME)),
        has_pauses=Exists(DunningPause.objects.filter(customer=ME)),
        has_debt_plans=Exists(DebtPlan.objects.filter(customer=ME)),
        has_collections=Exists(CollectionCase.objects.filter(customer=ME).exclude(state=CollectionState.CLOSED)),
    )


def has(customer: Customer, what: str) -> bool:
    """Whether there is any: "agreements", "lessons", "timelines", "pauses", "debt_plans", "collections".

    Of a customer read without traces: maybe, so ask.
    """
    return bool(getattr(customer, f"has_{what}", True))
