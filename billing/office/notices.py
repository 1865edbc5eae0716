"""The outbox: messages are rows of their fact's transaction; the worker sends them (R172, invariant 42)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from billing.office.messengers.base import Fate, Reply
from billing.office.models import Notice, Organization, User
from billing.office.models.notice import WAITING, Channel, NoticeState, Relation
from billing.office.sending import ATTACHMENTS, Attachment, hand_over
from billing.office.unreachable import note_dead, tell_undelivered
from billing.transactions import transaction_required

__all__ = ["ATTACHMENTS", "Attachment", "Message", "queue_notices", "send_again", "send_due_notices", "try_again"]

# After the n-th failed try, wait this long; after the last, a person has to look.
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720))
# How long one try may take before another worker may repeat it.
LEASE = timedelta(minutes=10)
# So long news is waited for where it is not known whether a message was taken; then it is sent once more.
ANSWER_WITHIN = timedelta(hours=1)
# Filled by who knows families: settles channel, hour and words of what was queued.
PREPARING: list[Callable[[datetime], object]] = []


@dataclass(frozen=True)
class Message:
    """What to tell whom. kind and fact name it once for ever. values: of its wording's variables, if it has any.

    link: put in the place {link} of the text when it is sent.
    """

    kind: str
    fact: str
    recipient: str
    subject: str
    body: str
    party: int | None = None
    channel: Channel = Channel.EMAIL
    language: str = "en"
    attachment: str = ""
    link: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@transaction_required
def queue_notices(organization: Organization, messages: list[Message], now: datetime) -> None:
    """Write messages with their facts. A message already written for its fact is left alone."""
    rows = [
        Notice(
            organization=organization, kind=m.kind, fact=m.fact, party=m.party, channel=m.channel,
            recipient=m.recipient, language=m.language, subject=m.subject[:200], body=m.body,
            attachment=m.attachment, link=m.link, values=dict(m.values), next_try_at=now, queued_at=now,
        )
        for m in messages
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def send_due_notices(now: datetime, limit: int = 200) -> int:
    """Send what is due; returns how many were tried.

    Each message is claimed and committed before anybody is talked to, so that no lock is held meanwhile and a crash
    repeats one message at the most, after LEASE.
    """
    for prepare in PREPARING:
        prepare(now)
    tried = 0
    while tried < limit and (notice := _claim_next(now)) is not None:
        _record(notice, hand_over(notice), now)
        tried += 1
    return tried


@transaction_required
def try_again(*, notice: Notice, now: datetime) -> bool:
    """Put a message that was given up back in the queue with all its tries. False if it is not given up, or if what
    it has to say is gone: its link was used up, or it was erased."""
    locked = Notice.objects.select_for_update(no_key=True).get(pk=notice.pk)
    if locked.state != NoticeState.FAILED or locked.is_spent or not locked.recipient:
        return False
    changes = {"state": NoticeState.QUEUED, "attempts": 0, "next_try_at": now}
    return bool(Notice.objects.filter(pk=locked.pk).update(**changes))


@transaction_required
def send_again(*, notice: Notice, recipient: str, now: datetime, by: User) -> Notice:
    """The same message once more, as a row of its own that names the first; by a person. recipient: where to now.

    While one to there still waits, it is that one: whoever clicks twice sends one.
    """
    first = notice.original if notice.original and notice.relation == Relation.AGAIN else notice
    Notice.objects.select_for_update(no_key=True).get(pk=first.pk)
    copies = Notice.objects.filter(original=first, relation=Relation.AGAIN, recipient=recipient, state__in=WAITING)
    return copies.first() or Notice.objects.create(
        organization=notice.organization, kind=notice.kind, fact=notice.fact, party=notice.party,
        channel=notice.channel, recipient=recipient, language=notice.language, subject=notice.subject,
        body=notice.body, attachment=notice.attachment, values=notice.values, wording=notice.wording,
        original=first, relation=Relation.AGAIN,
        next_try_at=now, queued_at=now, prepared_at=now, trouble=f"sent again by {by.get_username()}"[:400],
    )  # fmt: skip


def _claim_next(now: datetime) -> Notice | None:
    """Take the next due message: nobody else tries it before the lease ends.

    From here until its fate is recorded it is not known whether it was sent; so it stays where we die meanwhile.
    """
    with transaction.atomic():
        due = Notice.objects.filter(state__in=WAITING, next_try_at__lte=now, prepared_at__isnull=False)
        rows = due.select_related("organization", "wording").order_by("next_try_at", "id")
        notice = rows.select_for_update(skip_locked=True, of=("self",)).first()
        if notice is not None:
            notice.attempts, notice.next_try_at = notice.attempts + 1, now + LEASE
            notice.is_doubtful = notice.is_doubtful or notice.state == NoticeState.UNKNOWN
            notice.state = NoticeState.UNKNOWN
            notice.save(update_fields=["state", "attempts", "next_try_at", "is_doubtful"])
        return notice


def _record(notice: Notice, reply: Reply, now: datetime) -> None:
    """What became of a try. A message somebody else settled meanwhile is left alone."""
    with transaction.atomic():
        rows = Notice.objects.filter(pk=notice.pk, state__in=WAITING, attempts=notice.attempts)
        changes = _changes(notice, reply, now)
        if not rows.update(**changes):
            if reply.fate == Fate.SENT:  # news was faster than the answer
                Notice.objects.filter(pk=notice.pk, carrier_ref="").update(
                    carrier=notice.carrier, carrier_ref=reply.ref[:120], sent_at=Coalesce("sent_at", Value(now))
                )
            return
        notice.state = str(changes.get("state", notice.state))
        if reply.is_address and reply.fate == Fate.REFUSED:
            note_dead(notice, reply.reason, now)
        if notice.state in (NoticeState.FAILED, NoticeState.BOUNCED):
            tell_undelivered(notice, reply.reason, now)


def _changes(notice: Notice, reply: Reply, now: datetime) -> dict[str, object]:
    changes: dict[str, object] = {"trouble": reply.reason[:400], "carrier": notice.carrier}
    is_last = notice.attempts > len(WAITS)
    if reply.fate == Fate.SENT:
        return changes | {"state": NoticeState.SENT, "sent_at": now, "link": "", "carrier_ref": reply.ref[:120]}
    if reply.fate == Fate.REFUSED and reply.is_address:
        return changes | {"state": NoticeState.BOUNCED, "bounced_at": now}
    if reply.fate == Fate.UNKNOWN and not notice.is_doubtful:
        return changes | {"state": NoticeState.UNKNOWN, "next_try_at": now + ANSWER_WITHIN}
    if reply.fate in (Fate.REFUSED, Fate.UNKNOWN) or is_last:
        return changes | {"state": NoticeState.FAILED}
    state = NoticeState.UNKNOWN if notice.is_doubtful else NoticeState.QUEUED
    return changes | {"state": state, "next_try_at": now + WAITS[notice.attempts - 1]}
