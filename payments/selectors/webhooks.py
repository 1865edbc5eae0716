"""Whose an event is, and what waits in the inbox (R182)."""

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from billing.office.models import Organization
from payments.models import GatewayAccount, PaymentAttempt, WebhookEvent, WebhookRefusal
from payments.models.webhook import EventState

OTHER = "other"  # of gateways.base.Topic: what means nothing here
STUCK = (EventState.PARKED, EventState.FAILED)
# What a list shows, by the name of its tab.
TABS: dict[str, Q] = {
    "person": Q(state__in=STUCK, next_at__isnull=True) & ~Q(topic=OTHER),
    "waiting": Q(next_at__isnull=False),
    "ignored": Q(state__in=STUCK, next_at__isnull=True, topic=OTHER),
    "done": Q(state=EventState.PROCESSED),
}


def events_of(organization: Organization) -> QuerySet[WebhookEvent]:
    """What was told to an organization. Of credentials that it shares, only what names a charge of its own."""
    accounts = GatewayAccount.objects.filter(organization=organization)
    own = accounts.values("configuration")
    shared = GatewayAccount.objects.filter(configuration__in=own).exclude(organization=organization)
    charges = PaymentAttempt.objects.filter(
        organization=organization, gateway_account__configuration=OuterRef("configuration")
    )
    by_key = Exists(charges.filter(key=OuterRef("key")))
    by_reference = Exists(charges.filter(gateway_ref=OuterRef("ref")).exclude(gateway_ref=""))
    rows = WebhookEvent.objects.filter(configuration__in=own)
    return rows.filter(~Q(configuration__in=shared.values("configuration")) | by_key | by_reference)


def counts_of(rows: QuerySet[WebhookEvent]) -> dict[str, int]:
    """How many there are in each tab. One query."""
    found: dict[str, int] = rows.aggregate(**{name: Count("pk", filter=where) for name, where in TABS.items()})
    return found


def refused_calls(organization: Organization, since: object) -> int:
    """Calls since a day that did not prove where they came from, at the organization's credentials. One query."""
    own = GatewayAccount.objects.filter(organization=organization).values("configuration")
    rows = WebhookRefusal.objects.filter(configuration__in=own, on__gte=since)
    return rows.aggregate(times=Sum("times"))["times"] or 0


def attempts_named(event: WebhookEvent, organization: Organization) -> list[PaymentAttempt]:
    """The organization's charges that an event names. One query."""
    named = Q(key=event.key) if event.key else Q(pk__in=[])
    if event.ref:
        named |= Q(gateway_ref=event.ref)
    mine = PaymentAttempt.objects.filter(organization=organization)
    rows = mine.filter(named, gateway_account__configuration=event.configuration)
    return list(rows.select_related("customer").order_by("pk"))
