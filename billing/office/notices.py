"""The outbox: messages are rows of their fact's transaction; the worker sends them (R172, invariant 42)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import transaction

from billing.errors import DomainError
from billing.office.models import Notice, Organization
from billing.office.models.notice import Channel, NoticeState
from billing.transactions import transaction_required

log = logging.getLogger(__name__)

# After the n-th failed try, wait this long; after the last, a person has to look.
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720))
# How long one try may take before another worker may repeat it.
LEASE = timedelta(minutes=10)
Attachment = tuple[str, bytes, str]
# Filled by the apps that own the papers: prefix of Notice.attachment → maker of (file name, bytes, media type).
ATTACHMENTS: dict[str, Callable[[int], Attachment]] = {}


@dataclass(frozen=True)
class Message:
    """What to tell whom. kind and fact name it once for ever. link: put in the place {link} of the text when sent."""

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


@transaction_required
def queue_notices(organization: Organization, messages: list[Message], now: datetime) -> None:
    """Write messages with their facts. A message already written for its fact is left alone."""
    rows = [
        Notice(
            organization=organization, kind=m.kind, fact=m.fact, party=m.party, channel=m.channel,
            recipient=m.recipient, language=m.language, subject=m.subject[:200], body=m.body,
            attachment=m.attachment, link=m.link, next_try_at=now, queued_at=now,
        )
        for m in messages
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def send_due_notices(now: datetime, limit: int = 200) -> int:
    """Send what is due; returns how many were tried.

    Each message is claimed and committed before anybody is talked to, so that no lock is held meanwhile and a crash
    repeats one message at the most, after LEASE.
    """
    tried = 0
    while tried < limit and (notice := _claim_next(now)) is not None:
        _record(notice, _try_to_send(notice), now)
        tried += 1
    return tried


@transaction_required
def try_again(*, notice: Notice, now: datetime) -> bool:
    """Put a message that was given up back in the queue with all its tries. False if it is not given up."""
    changes = {"state": NoticeState.QUEUED, "attempts": 0, "next_try_at": now}
    return bool(Notice.objects.filter(pk=notice.pk, state=NoticeState.FAILED).update(**changes))


def _claim_next(now: datetime) -> Notice | None:
    """Take the next due message: nobody else tries it before the lease ends."""
    with transaction.atomic():
        due = Notice.objects.filter(state=NoticeState.QUEUED, next_try_at__lte=now).order_by("next_try_at", "id")
        notice = due.select_for_update(skip_locked=True).first()
        if notice is not None:
            notice.attempts, notice.next_try_at = notice.attempts + 1, now + LEASE
            notice.save(update_fields=["attempts", "next_try_at"])
        return notice


def _record(notice: Notice, trouble: str, now: datetime) -> None:
    """What became of a try. A message somebody else settled meanwhile is left alone."""
    changes: dict[str, object] = {"trouble": trouble}
    if not trouble:
        changes |= {"state": NoticeState.SENT, "sent_at": now, "link": ""}
    elif notice.attempts > len(WAITS):
        changes |= {"state": NoticeState.FAILED}
    else:
        changes |= {"next_try_at": now + WAITS[notice.attempts - 1]}
    Notice.objects.filter(pk=notice.pk, state=NoticeState.QUEUED, attempts=notice.attempts).update(**changes)


def _try_to_send(notice: Notice) -> str:
    """Hand the message over. Returns what went wrong, or nothing."""
    if notice.channel == Channel.OFFICE:
        return ""
    try:
        body = notice.body.replace("{link}", notice.link) if notice.link else notice.body
        mail = EmailMessage(notice.subject, body, to=[notice.recipient])
        mail.extra_headers["Message-ID"] = f"<notice-{notice.pk}@quittance.invalid>"
        if notice.attachment:
            prefix, _colon, key = notice.attachment.partition(":")
            with transaction.atomic():
                mail.attach(*ATTACHMENTS[prefix](int(key)))
        mail.send()
    except (OSError, ValueError, LookupError, DomainError) as trouble:
        log.warning("notice %s not sent: %s", notice.pk, type(trouble).__name__)
        return f"{type(trouble).__name__}: {trouble}"[:400]
    except Exception as trouble:  # whatever it is, one message must not keep all others waiting for ever
        log.exception("notice %s cannot be made", notice.pk)
        return f"{type(trouble).__name__}: {trouble}"[:400]
    return ""
