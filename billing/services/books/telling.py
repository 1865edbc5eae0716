"""Telling accounting: at once that a batch is suspended, once a day what was posted (R140, R142)."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from billing.ledger.models import GlBatch, GlBatchState, GlMark
from billing.money import format_money
from billing.office.access import people_who
from billing.office.models import Organization
from billing.office.models.notice import Channel
from billing.office.models.user import Mode
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required

EXPORT = "export_accounting"
MOST_DAYS = 31  # days caught up on after a stand-still


@transaction_required
def alarm(*, organization: Organization, batches: Sequence[GlBatch], now: datetime) -> None:
    """A note and a letter to every accountant and finance manager for each suspended batch and its trouble, once."""
    messages = []
    for batch in batches:
        body = (
            f"{batch.entry_count} entries of {batch.day}, {batch.payment_type}: {batch.get_trouble_display()}"
            f" ({batch.detail}). They are not in the general ledger. Put right what is wrong, then try the batch again"
            " on its page."
        )
        messages += _to_accounting(
            organization, "gl_suspended", f"gl_batch:{batch.pk}:{batch.trouble}",
            f"GL batch {batch.number} is suspended", body,
        )  # fmt: skip
    if messages:
        queue_notices(organization, messages, now)


@transaction_required
def tell_what_was_posted(*, organization: Organization, mark: GlMark, now: datetime) -> None:
    """One message for each day that is over on which something was posted. mark: locked."""
    yesterday = organization.today(now) - timedelta(days=1)
    if mark.told_until is not None and mark.told_until >= yesterday:
        return
    first = _first_untold(organization, mark, yesterday)
    messages = []
    for offset in range((yesterday - first).days + 1):
        messages += _digest(organization, first + timedelta(days=offset))
    if messages:
        queue_notices(organization, messages, now)
    mark.told_until = yesterday
    mark.save(update_fields=["told_until"])


def _first_untold(organization: Organization, mark: GlMark, yesterday: date) -> date:
    """The day after the last that was told, no more than a month back."""
    earliest = yesterday - timedelta(days=MOST_DAYS - 1)
    return earliest if mark.told_until is None else max(earliest, mark.told_until + timedelta(days=1))


def _digest(organization: Organization, day: date) -> list[Message]:
    begins = datetime.combine(day, time.min, organization.zone)
    ends = datetime.combine(day + timedelta(days=1), time.min, organization.zone)
    posted = list(
        GlBatch.objects.filter(organization=organization, posted_at__gte=begins, posted_at__lt=ends).order_by("id")
    )
    if not posted:
        return []
    waiting = GlBatch.objects.filter(organization=organization, state=GlBatchState.SUSPENDED).count()
    lines = [
        f"{one.number}  {one.day}  {one.payment_type}  {one.entry_count} entries  "
        f"{format_money(one.debit_amount, one.currency)}"
        for one in posted
    ]
    entries = sum(one.entry_count for one in posted)
    body = "\n".join([f"{len(posted)} batches, {entries} entries:", *lines, "", f"Suspended now: {waiting}."])
    return _to_accounting(
        organization, "gl_posted", f"gl:{organization.pk}:{day}", f"Posted to the general ledger on {day}", body
    )


def _to_accounting(organization: Organization, kind: str, fact: str, subject: str, body: str) -> list[Message]:
    """A note in the office, and a letter to each who keeps the accounts. Written in English, as all notes to the
    office are."""
    note = Message(kind=kind, fact=fact, recipient="accounting", channel=Channel.OFFICE, subject=subject, body=body)
    people = sorted(people_who(organization, EXPORT, Mode.DO), key=lambda one: one.pk)
    letters = [
        Message(kind=kind, fact=f"{fact}:{one.pk}", recipient=one.email, subject=subject, body=body)
        for one in people if one.email
    ]  # fmt: skip
    return [note, *letters]
