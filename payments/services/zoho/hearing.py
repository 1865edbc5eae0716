"""Zoho's webhooks: which subscriptions they are about, and what follows once those were read (R47, R76, R106, R150)."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from payments.gateways.zoho.trouble import Refused, Unreachable
from payments.models import WebhookEvent, ZohoSubscription
from payments.services.reading_back import NoAnswer, NotYet
from payments.services.zoho.reading import Truth, read_truth
from payments.services.zoho.taking import take_in


def handle_event(event: WebhookEvent, now: datetime) -> Callable[[], str]:
    """Read back what an event is about, with nothing locked; the deed takes it in and says what it did.

    Told twice, late or in any order it comes to the same. Raises NotYet (nothing here is known of it), NoAnswer.
    """
    found = subscriptions_of(event)
    if not found:
        raise NotYet("No subscription here is known to it.")
    try:
        truths = [(pk, read_truth(pk, now=now)) for pk in found]
    except (Unreachable, Refused) as trouble:
        raise NoAnswer(str(trouble)) from None
    return lambda: _take_in_all(truths, now)


def _take_in_all(truths: list[tuple[int, Truth]], now: datetime) -> str:
    return "; ".join(take_in(link_pk=pk, truth=truth, now=now) for pk, truth in truths)


def subscriptions_of(event: WebhookEvent) -> list[int]:
    """Ours that an event names: by the subscription, our reference, an invoice, a payment, at last the customer."""
    facts, known = event.facts, Q()
    rows = ZohoSubscription.objects.filter(gateway_account__configuration=event.configuration)
    ids = {name: str(facts.get(f"{name}_id", "")) for name in ("subscription", "invoice", "payment", "customer")}
    for name, path in (
        ("subscription", "remote_id"), ("invoice", "bills__remote_id"), ("payment", "payments__remote_id"),
    ):  # fmt: skip
        if ids[name]:
            known |= Q(**{path: ids[name]})
    if event.key:
        known |= Q(key=event.key)
    found = rows.filter(known) if known else rows.none()
    if not found.exists() and ids["customer"]:
        running = Q(ended_at__isnull=True)
        found = rows.filter(Q(payer__remote_id=ids["customer"]) & running)
    return sorted(set(found.values_list("pk", flat=True)))
