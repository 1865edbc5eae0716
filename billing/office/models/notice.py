from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models.organization import Organization
from billing.office.secrets import EncryptedTextField


class NoticeState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("given up")


class Channel(models.TextChoices):
    EMAIL = "email", _("e-mail")
    OFFICE = "office", _("office inbox")


class Notice(models.Model):
    """The outbox: a message written in the transaction of its fact and sent by the worker, at least once (R172).

    kind and fact name what it tells, once for ever. attachment: a reference the sender resolves, "receipt:17".
    link: what stands in the text's place {link}: by it alone one becomes a user, so it is sealed, and gone once sent.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=40)
    fact = models.CharField(_("fact"), max_length=80)
    party = models.BigIntegerField(_("customer"), null=True, blank=True, db_index=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)
    recipient = models.CharField(_("to"), max_length=254)
    language = models.CharField(_("language"), max_length=10, default="en")
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"))
    attachment = models.CharField(_("attachment"), max_length=80, blank=True)
    link = EncryptedTextField(blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=NoticeState.choices, default=NoticeState.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"))
    queued_at = models.DateTimeField(_("written at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    trouble = models.CharField(_("trouble"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [models.UniqueConstraint(fields=["kind", "fact"], name="notice_once")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(state="queued"), name="notice_due"),
        ]

    def __str__(self) -> str:
        return self.subject
