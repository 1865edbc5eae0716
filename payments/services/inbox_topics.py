"""What follows from an event, by what it is about and whose it is.

A handler asks outsiders, with nothing locked, and gives the deed that follows from what they say: it runs in the
transaction that marks the event as worked on, and says in a few words what it did.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from billing.transactions import in_transaction
from payments.gateways.base import GatewayDown, Outcome, Result, SettledItem, State, Topic
from payments.gateways.registry import NotConfigured, settings_of
from payments.models import GatewayAccount, PaymentAttempt, WebhookEvent
from payments.models.attempt import AttemptState
from payments.services.chargebacks import open_from_processor
from payments.services.inbox_facts import items_of, update_of
from payments.services.methods.updating import apply_update
from payments.services.reading_back import NoAnswer, NotYet, attempts_of, read_back, take_in
from payments.services.settlements import fetch_settlements
from payments.services.settling import TAKING

Deed = Callable[[], str]
Handler = Callable[[WebhookEvent, datetime], Deed]


def handler_of(event: WebhookEvent) -> Handler:
    """By the kind of processor and topic, then by the kind alone, then by the topic alone. Raises NotYet."""
    try:
        kind = settings_of(event.configuration).get("kind", "")
    except NotConfigured:
        kind = ""
    for place in ((kind, event.topic), (kind, ""), ("", event.topic)):
        if place in HANDLERS:
            return HANDLERS[place]
    raise NotYet(f"Nothing here follows from {event.name}.")


# Charges, refunds, voids


def transaction(event: WebhookEvent, now: datetime) -> Deed:
    """The charge it speaks of is looked at and settled by its own record, whatever the event says of it."""
    known = _looked_at(event, now)
    return partial(_settle, known, event, now)


def returned(event: WebhookEvent, now: datetime) -> Deed:
    """A bank took a debit back: only if the charge's own record says so as well. Raises NotYet."""
    known = _looked_at(event, now, returned=True)
    if not any(_came_back(attempt, result) for attempt, result in known):
        raise NotYet("The processor's own record does not say that it came back.")
    return partial(_settle, known, event, now)


def _came_back(attempt: PaymentAttempt, result: Result) -> bool:
    return attempt.operation in TAKING and (result.state == State.RETURNED or result.outcome == Outcome.DECLINED)


def _looked_at(event: WebhookEvent, now: datetime, *, returned: bool = False) -> list[tuple[PaymentAttempt, Result]]:
    """Ours that it speaks of, each with its record. Raises NotYet, NoAnswer."""
    items = items_of(event)
    refs = {event.ref, *(ref for item in items for ref in (item.ref, item.related))}
    found = attempts_of(event.configuration, keys={event.key, *(item.key for item in items)}, refs=refs)
    if not found:
        raise NotYet("Nothing of ours has this key or reference.")
    known = [(attempt, read_back(attempt, now, returned=returned)) for attempt in found]
    return [(attempt, result) for attempt, result in known if result is not None]


def _settle(known: list[tuple[PaymentAttempt, Result]], event: WebhookEvent, now: datetime) -> str:
    item = next(iter(items_of(event)), None)
    code, on = (item.code, item.on) if item is not None and event.topic == Topic.RETURN else ("", None)
    did = [
        take_in(attempt=attempt, result=result, source="webhook", now=now, event=event, code=code, on=on)
        for attempt, result in known
    ]
    return "; ".join(did) or "known already"


# Chargebacks


def disputed(event: WebhookEvent, now: datetime) -> Deed:
    """Cardholders' banks took money back, each for one charge; what nobody here knows waits, the rest is opened."""
    items = items_of(event)
    if not items:
        raise NotYet("It names no charge.")
    found = [(item, _charged(event, item)) for item in items]
    known = [(attempt, item) for item, attempt in found if attempt is not None]
    deed = partial(_open, known, event, now)
    unknown = [item for item, attempt in found if attempt is None]
    if unknown:
        in_transaction(deed)
        raise NotYet(f"Not known whose charge it is: {', '.join(f'{i.ref} {i.text}'.strip() for i in unknown)}."[:400])
    return deed


def _charged(event: WebhookEvent, item: SettledItem) -> PaymentAttempt | None:
    """The one charge of ours that an item names."""
    found = attempts_of(event.configuration, keys=[item.key], refs=[item.ref, item.related])
    taken = [one for one in found if one.operation in TAKING and one.state == AttemptState.SUCCEEDED]
    return taken[0] if len(taken) == 1 else None


def _open(known: list[tuple[PaymentAttempt, SettledItem]], event: WebhookEvent, now: datetime) -> str:
    for attempt, item in known:
        open_from_processor(attempt=attempt, item=item, event=event, now=now)
    return "; ".join(f"{attempt.number}: charged back" for attempt, _item in known)


# The rest


def method_told(event: WebhookEvent, now: datetime) -> Deed:
    """News of a stored method: the account updater, a bank account that was verified, a mandate's life."""
    update = update_of(event)
    if update is None:
        raise NotYet("It says nothing of a method that we could follow.")

    def deed() -> str:
        changed = apply_update(configuration=event.configuration, update=update, now=now)
        return f"{changed} methods changed" if changed else "known already"

    return deed


def settled(event: WebhookEvent, now: datetime) -> Deed:
    """A batch was settled: the report of its day is fetched, for every account that uses the credentials."""
    day = (event.occurred_at or event.received_at).date()
    accounts = GatewayAccount.objects.filter(configuration=event.configuration).select_related("organization")
    try:
        made = [one for account in accounts for one in fetch_settlements(gateway_account=account, day=day, now=now)]
    except (GatewayDown, NotConfigured) as trouble:
        raise NoAnswer(str(trouble)) from None
    return lambda: f"{len(made)} settlements of {day:%Y-%m-%d}"


# ("", topic) for all processors; (kind, topic) or (kind, "") where one has its own way.
HANDLERS: dict[tuple[str, str], Handler] = {
    ("", Topic.TRANSACTION): transaction,
    ("", Topic.RETURN): returned,
    ("", Topic.DISPUTE): disputed,
    ("", Topic.METHOD): method_told,
    ("", Topic.SETTLEMENT): settled,
}
