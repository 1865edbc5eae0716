"""The inbox: what outsiders tell is kept at once and worked on afterwards, once (R47, R150, R182; invariant 41).

# Note [An event is a hint]
# The request writes one row and nothing else. A worker claims the row, reads the truth back from the outsider with
# nothing locked, and then, in one transaction, does what follows and marks the event as worked on. So a crash repeats
# the asking and never the deed, and the order in which things are told does not matter. What cannot be worked on yet
# stays, is tried again, and at last waits for a person; nothing is dropped.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain

import structlog
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.inputs import clean_text
from billing.office.models import Organization, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.refusals import explained
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Event, Topic
from payments.models import WebhookEvent, WebhookRefusal
from payments.models.webhook import EVENT_MOVES, EventState
from payments.services.inbox_facts import facts_of, identity, plain
from payments.services.inbox_topics import Deed, handler_of
from payments.services.reading_back import NoAnswer, NotYet

log = structlog.get_logger(__name__)

# After the n-th try that came to nothing, wait this long; after the last, a person has to look.
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720))
# How long one event may be worked on before another worker may take it. Longer than the slowest outsider answers.
LEASE = timedelta(minutes=3)
# Old ones are forgotten after this long, if they were worked on; the database allows no sooner.
REMEMBERED_MONTHS = 13
FORGET_AT_ONCE = 5_000

COLUMNS = (
    "configuration", "event_id", "topic", "name", "ref", "key", "facts", "body_hash", "occurred_at", "received_at",
    "next_at", "state", "repeats", "tries", "trouble", "effect",
)  # fmt: skip
KEEP = (
    f"INSERT INTO payments_webhookevent AS e ({', '.join(COLUMNS)}) VALUES {{rows}}"
    " ON CONFLICT (configuration, event_id) DO UPDATE SET repeats = e.repeats + 1"
)
ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
COUNT = (
    'INSERT INTO payments_webhookrefusal AS r (configuration, "on", why, times) VALUES (%s, %s, %s, 1)'
    ' ON CONFLICT (configuration, "on", why) DO UPDATE SET times = r.times + 1'
)


class AlreadyWorkedOn(DomainError):
    code = "already_worked_on"
    sentence = _("This was worked on already: {effect}")


# At the door


def keep_events(*, configuration: str, events: Sequence[Event], raw: bytes, now: datetime) -> None:
    """Write down proven events, in one statement; those known already are only counted (fault F23)."""
    body_hash = hashlib.sha256(raw).hexdigest()
    rows = {identity(event): event for event in events}
    values = [_values(configuration, known, event, body_hash, now) for known, event in rows.items()]
    if values:
        with connection.cursor() as cursor:
            cursor.execute(KEEP.format(rows=", ".join([ROW] * len(values))), list(chain.from_iterable(values)))


def _values(
    configuration: str, known: str, event: Event, body_hash: str, now: datetime
) -> tuple[str | int | datetime | None, ...]:
    return (
        configuration, known, str(event.topic), plain(event.name)[:120], plain(event.ref)[:200], plain(event.key)[:40],
        facts_of(event), body_hash, event.occurred_at, now, now, EventState.RECEIVED.value, 0, 0, "", "",
    )  # fmt: skip


def count_refusal(*, configuration: str, why: str, on: date) -> None:
    """Count a call that proved nothing; of the call itself nothing is kept (fault F26)."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [configuration, on, why])


# Working on it


def work_due(*, now: datetime, limit: int = 200) -> int:
    """Work on what is due, oldest first. Returns how many were looked at. Outside transactions.

    Who did not answer once is left alone for the rest of the run: waiting for each event would hold up all others.
    """
    worked, silent = 0, set[str]()
    while worked < limit and (event := _claim(now, silent)) is not None:
        if not work_on(event=event, now=now):
            silent.add(event.configuration)
        worked += 1
    return worked


def _claim(now: datetime, silent: Collection[str] = ()) -> WebhookEvent | None:
    """The next one due, kept from other workers for a while. Committed before anybody is asked."""
    with transaction.atomic():
        rows = WebhookEvent.objects.filter(next_at__lte=now).exclude(configuration__in=silent)
        rows = rows.order_by("next_at", "id")
        event = rows.select_for_update(skip_locked=True, no_key=True).first()
        if event is not None:
            event.tries += 1
            WebhookEvent.objects.filter(pk=event.pk).update(tries=event.tries, next_at=now + LEASE)
        return event


def work_on(*, event: WebhookEvent, now: datetime) -> bool:
    """Work on one claimed event; whatever goes wrong is written on it. False if whoever was asked did not answer.

    See Note [An event is a hint].
    """
    if event.tries > len(WAITS) + 1:  # its worker died each time
        _put_off(event, EventState.FAILED, "It was tried again and again and never came to an end.", now)
        return True
    try:
        deed = handler_of(event)(event, now)
        with explained():
            in_transaction(partial(_do, event.pk, deed, now))
    except NotYet as trouble:
        _put_off(event, EventState.PARKED, str(trouble), now)
    except (NoAnswer, DomainError) as trouble:
        _put_off(event, EventState.FAILED, str(trouble), now)
        return not isinstance(trouble, NoAnswer)
    except Exception as trouble:  # the border between events: whatever one does, the next must be worked on
        log.exception("webhook_failed", webhook=event.pk)
        _put_off(event, EventState.FAILED, type(trouble).__name__, now)
    return True


@transaction_required
def _do(pk: int, deed: Deed, now: datetime) -> None:
    """The deed, and that it was done, together. The event's row is locked last, so that repeats need not wait."""
    effect = deed()
    event = WebhookEvent.objects.select_for_update(no_key=True).get(pk=pk)
    if event.state == EventState.PROCESSED:
        return  # another worker, after the lease; the deed itself told the second time does nothing
    move(
        event, EventState.PROCESSED, EVENT_MOVES, effect=effect[:200], trouble="", next_at=None, processed_at=now
    )  # fmt: skip


def _put_off(event: WebhookEvent, state: str, trouble: str, now: datetime) -> None:
    """Later, or, after the last try, never by itself."""
    is_last = event.tries > len(WAITS)
    next_at = None if is_last else now + WAITS[event.tries - 1]
    rows = WebhookEvent.objects.filter(pk=event.pk).exclude(state=EventState.PROCESSED)
    rows.update(state=state, trouble=trouble[:400], next_at=next_at)
    if is_last and event.topic != Topic.OTHER:
        in_transaction(partial(_tell_office, event, trouble, now))


@transaction_required
def _tell_office(event: WebhookEvent, trouble: str, now: datetime) -> None:
    """Tell the organization that uses these credentials; where several do, whose it is is not known."""
    mine = Organization.objects.filter(gateway_accounts__configuration=event.configuration).distinct()
    organizations = list(mine[:2])
    if len(organizations) != 1:
        log.warning("webhook_for_person", webhook=event.pk, configuration=event.configuration)
        return
    message = Message(
        kind="webhook_for_person", fact=f"webhook:{event.pk}:{event.received_at.isoformat()}", recipient="office",
        channel=Channel.OFFICE, subject=f"{event.configuration}: a webhook needs a person"[:200],
        body=f"{event.name} {event.ref}: {trouble}",
    )  # fmt: skip
    queue_notices(organizations[0], [message], now)


# By a person, and by time


@transaction_required
def replay(*, event: WebhookEvent, now: datetime) -> WebhookEvent:
    """Put an event back in the queue, with all its tries. Raises AlreadyWorkedOn."""
    _check_open(event)
    WebhookEvent.objects.filter(pk=event.pk).update(next_at=now, tries=0)
    return event


@transaction_required
def set_aside(*, event: WebhookEvent, reason: str, now: datetime, by: User) -> WebhookEvent:
    """A person says that nothing follows from an event. Raises AlreadyWorkedOn, BadInput (no reason)."""
    reason = clean_text(reason, field="reason", longest=120, required=True)
    locked = _check_open(event)
    effect = f"Set aside by {by.get_username()}: {reason}"
    move(locked, EventState.PROCESSED, EVENT_MOVES, effect=effect[:200], next_at=None, processed_at=now)
    return locked


def _check_open(event: WebhookEvent) -> WebhookEvent:
    locked = WebhookEvent.objects.select_for_update(no_key=True).get(pk=event.pk)
    if locked.state == EventState.PROCESSED:
        raise AlreadyWorkedOn(effect=locked.effect)
    return locked


@transaction_required
def forget_old(*, today: date) -> int:
    """Forget events that were worked on, and counts of refusals, older than thirteen months; a part at a time."""
    month = today.year * 12 + today.month - 1 - REMEMBERED_MONTHS
    first = date(month // 12, month % 12 + 1, 1)  # of the month: some days more, never fewer
    rows = WebhookEvent.objects.filter(received_at__date__lt=first, state=EventState.PROCESSED).order_by("received_at")
    count, _tables = WebhookEvent.objects.filter(pk__in=rows.values("pk")[:FORGET_AT_ONCE]).delete()
    WebhookRefusal.objects.filter(on__lt=first).delete()
    return count
