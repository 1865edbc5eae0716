"""The outbox: messages are rows of their fact's transaction; the worker sends them (R172, invariant 42)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import transaction

from billing.office.models import Notice, Organization
from billing.office.models.notice import Channel, NoticeState
from billing.transactions import transaction_required

log = logging.getLogger(__name__)

# After the n-th failed try, wait this long; after the last, a person has to look.
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720))
Attachment = tuple[str, bytes, str]
# Filled by the apps that own the papers: prefix of Notice.attachment → maker of (file name, bytes, media type).
ATTACHMENTS: dict[str, Callable[[int], Attachment]] = {}


@dataclass(frozen=True)
class Message:
    """What to tell whom. kind and fact name it once for ever."""

    kind: str
    fact: str
    recipient: str
    subject: str
    body: str
    party: int | None = None
    channel: Channel = Channel.EMAIL
    language: str = "en"
    attachment: str = ""


@transaction_required
def queue_notices(organization: Organization, messages: list[Message], now: datetime) -> None:
    """Write messages with their facts. A message already written for its fact is left alone."""
    rows = [
        Notice(
            organization=organization, kind=m.kind, fact=m.fact, party=m.party, channel=m.channel,
            recipient=m.recipient, language=m.language, subject=m.subject[:200], body=m.body,
            attachment=m.attachment, next_try_at=now, queued_at=now,
        )
        for m in messages
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def send_due_notices(now: datetime, limit: int = 200) -> int:
    """Send what is due, one transaction each, so that a crash repeats one message at the most. Returns how many."""
    sent = 0
    while sent < limit and _send_next(now):
        sent += 1
    return sent


def _send_next(now: datetime) -> bool:
    with transaction.atomic():
        due = Notice.objects.filter(state=NoticeState.QUEUED, next_try_at__lte=now).order_by("next_try_at", "id")
        notice = due.select_for_update(skip_locked=True).first()
        if notice is None:
            return False
        trouble = _try_to_send(notice)
        notice.attempts += 1
        if not trouble:
            notice.state, notice.sent_at, notice.trouble = NoticeState.SENT, now, ""
        elif notice.attempts > len(WAITS):
            notice.state, notice.trouble = NoticeState.FAILED, trouble
        else:
            notice.next_try_at, notice.trouble = now + WAITS[notice.attempts - 1], trouble
        notice.save(update_fields=["state", "attempts", "next_try_at", "sent_at", "trouble"])
        return True


def _try_to_send(notice: Notice) -> str:
    """Hand the message over. Returns what went wrong, or nothing."""
    if notice.channel == Channel.OFFICE:
        return ""
    try:
        mail = EmailMessage(notice.subject, notice.body, to=[notice.recipient])
        mail.extra_headers["Message-ID"] = f"<notice-{notice.pk}@quittance.invalid>"
        if notice.attachment:
            prefix, _colon, key = notice.attachment.partition(":")
            mail.attach(*ATTACHMENTS[prefix](int(key)))
        mail.send()
    except (OSError, ValueError, LookupError) as trouble:
        log.warning("notice %s not sent: %s", notice.pk, type(trouble).__name__)
        return f"{type(trouble).__name__}: {trouble}"[:400]
    return ""
