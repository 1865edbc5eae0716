"""Handing one message to who carries it: a mail server, or a messenger. Nothing here holds a lock or a transaction."""

import logging
import re
import smtplib
from collections.abc import Callable

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from billing.errors import DomainError
from billing.office.message_kinds import is_optional
from billing.office.messengers.base import Fate, Outgoing, Reply
from billing.office.messengers.registry import NotConfigured, carrier_of, messenger_for
from billing.office.messengers.signing import sign_key
from billing.office.models import Notice
from billing.office.models.notice import Channel
from billing.office.stopping import stop_address
from billing.office.unreachable import is_dead
from billing.office.wording import parameters_of

log = logging.getLogger(__name__)

Attachment = tuple[str, bytes, str]
# Filled by the apps that own the papers: prefix of Notice.attachment → maker of (file name, bytes, media type).
ATTACHMENTS: dict[str, Callable[[int], Attachment]] = {}
# Of the mail server: there is no such mailbox. Other refusals may pass (RFC 5321 §4.2.3, RFC 3463).
NO_MAILBOX = frozenset({550, 551, 553, 521, 556})
# It is us whom the other side does not want: a block list, a signature that is missing. The mailbox may well be there.
OUR_FAULT = re.compile(r"\d{3} 5\.7\.\d")


def hand_over(notice: Notice) -> Reply:
    """Hand a claimed message over, and say what is known of it. Raises nothing."""
    try:
        if notice.channel == Channel.OFFICE:
            return Reply(Fate.SENT)
        if is_dead(notice.organization, notice.channel, notice.recipient):
            return Reply(Fate.REFUSED, reason="nothing reaches this address")
        return _mail(notice) if notice.channel == Channel.EMAIL else _message(notice)
    except (OSError, ValueError, LookupError, DomainError, NotConfigured) as trouble:
        log.warning("notice %s not sent: %s", notice.pk, type(trouble).__name__)
        return Reply(Fate.LATER, reason=f"{type(trouble).__name__}: {trouble}")
    except Exception as trouble:  # whatever it is, one message must not keep all others waiting for ever
        log.exception("notice %s cannot be made", notice.pk)
        return Reply(Fate.LATER, reason=f"{type(trouble).__name__}: {trouble}")


def key_of(notice: Notice) -> str:
    """By which whoever carries it may name it."""
    return f"notice-{notice.pk}"


def _mail(notice: Notice) -> Reply:
    """Raises OSError and what the mail backend raises; a mailbox that is not there is a Reply."""
    body = notice.body.replace("{link}", notice.link) if notice.link else notice.body
    mail = EmailMessage(notice.subject, body, to=[notice.recipient])
    mail.extra_headers["Message-ID"] = f"<{key_of(notice)}@quittance.invalid>"
    if notice.party is not None and is_optional(notice.kind) and settings.PUBLIC_URL:
        mail.extra_headers["List-Unsubscribe"] = f"<{stop_address(notice.party, notice.kind)}>"
        mail.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if notice.attachment:
        prefix, _colon, key = notice.attachment.partition(":")
        with transaction.atomic():
            mail.attach(*ATTACHMENTS[prefix](int(key)))
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, words = next(iter(refused.recipients.values()))
        reason = f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
        if code in NO_MAILBOX and not OUR_FAULT.match(reason):
            return Reply(Fate.REFUSED, reason=reason, is_address=True)
        return Reply(Fate.LATER, reason=reason)
    return Reply(Fate.SENT)


def _message(notice: Notice) -> Reply:
    """Raises NotConfigured."""
    notice.carrier = notice.carrier or carrier_of(notice.organization, notice.channel)
    messenger, _wire = messenger_for(notice.carrier)
    key = key_of(notice)
    registered_as = notice.wording.registered_as if notice.wording else ""
    return messenger.send(
        Outgoing(
            to=notice.recipient, text=notice.body, key=key, language=notice.language, registered_as=registered_as,
            parameters=parameters_of(notice) if registered_as else (), callback=_callback(notice.carrier, key),
        )
    )  # fmt: skip


def _callback(carrier: str, key: str) -> str:
    if not settings.PUBLIC_URL:
        return ""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('message_webhooks', args=[carrier])}?k={sign_key(key)}"
