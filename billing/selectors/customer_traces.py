"""What a customer has at all, asked with the customer itself, so that a page does not ask for what is not there."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import (
    Agreement,
    CollectionCase,
    Customer,
    DebtPlan,
    DunningCase,
    DunningPause,
    Invitation,
    LessonCredit,
    LessonSeat,
    MessagePreference,
)
from billing.models.dunning import CollectionState
from billing.office.models import DeadAddress, Notice

ME = OuterRef("pk")
# What apps above keep of customers: the word for has() → whether there is any, with ME. Filled where it is shown.
FURTHER: dict[str, Exists] = {}


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
        has_users=Exists(Customer.users.through.objects.filter(customer=ME)),
        has_invitations=Exists(Invitation.objects.filter(customer=ME)),
        has_messages=Exists(Notice.objects.filter(organization=OuterRef("organization"), party=ME)),
        has_preferences=Exists(MessagePreference.objects.filter(customer=ME)),
        has_dead_addresses=Exists(DeadAddress.objects.filter(organization=OuterRef("organization"), cleared_at=None)),
        **{f"has_{what}": there for what, there in FURTHER.items()},
    )


def has(customer: Customer, what: str) -> bool:
    """Whether there is any: "agreements", "lessons", "timelines", "pauses", "debt_plans", "collections", "users",
    "invitations", "messages", "preferences", "dead_addresses" (of the whole organization), or a word of FURTHER.

    Of a customer read without traces: maybe, so ask.
    """
    return bool(getattr(customer, f"has_{what}", True))
