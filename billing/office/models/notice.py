from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.office.models.organization import Organization
from billing.office.models.user import User
from billing.office.secrets import EncryptedTextField


class NoticeState(models.TextChoices):
    """unknown: it left, and whether it was taken is not known. merged: told in a digest. withheld: not wanted."""

    QUEUED = "queued", _("waiting")
    UNKNOWN = "unknown", _("outcome unknown")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    READ = "read", pgettext_lazy("message", "read")
    BOUNCED = "bounced", _("came back")
    FAILED = "failed", _("given up")
    MERGED = "merged", _("told in a digest")
    WITHHELD = "withheld", _("not sent")


# Still to be sent, or sent and not heard of.
WAITING = (NoticeState.QUEUED, NoticeState.UNKNOWN)
# News may come in any order and twice: a message only ever moves to a state further on.
RANKS: dict[str, int] = {
    NoticeState.QUEUED: 0, NoticeState.UNKNOWN: 1, NoticeState.SENT: 2, NoticeState.FAILED: 3,
    NoticeState.DELIVERED: 4, NoticeState.BOUNCED: 5, NoticeState.READ: 6,
}  # fmt: skip
UNDELIVERABLE = (NoticeState.BOUNCED, NoticeState.FAILED)


class Channel(models.TextChoices):
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", "WhatsApp"
    OFFICE = "office", _("office inbox")


class Relation(models.TextChoices):
    """What a message is to the one it names: the same on another channel, or sent again by a person."""

    ALSO = "also", _("also by another channel")
    AGAIN = "again", _("sent again")


class Wording(models.Model):
    """How an organization says one kind of message on one channel in one language. Append-only: the newest version
    holds, and one without a body gives the words back to the system (R172).

    registered_as: name or number of the text at the provider, where texts have to be registered there first.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=40)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=10)
    version = models.PositiveIntegerField(_("version"))
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    body = models.TextField(_("text"), blank=True)
    registered_as = models.CharField(_("registered as"), max_length=80, blank=True)
    set_at = models.DateTimeField(_("set at"))
    set_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("set by"))

    class Meta:
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "channel", "language", "version"], name="wording_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.language} {self.version}"


class Notice(models.Model):
    """The outbox: a message written in the transaction of its fact and sent by the worker, at least once (R172).

    kind and fact name what it tells, once for ever; what is sent of it besides names it as its original.
    attachment: a reference the sender resolves, "receipt:17". values: what stands for the variables of its wording.
    prepared_at: since when channel, hour and words are settled. carrier, carrier_ref: who took it, and their name
    for it. is_doubtful: it may have been sent twice.
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
    values = models.JSONField(default=dict, blank=True)
    wording = models.ForeignKey(
        Wording, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("wording")
    )
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="copies", verbose_name=_("sent before as")
    )
    relation = models.CharField(_("relation"), max_length=10, choices=Relation.choices, blank=True)
    digest = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", verbose_name=_("told in")
    )
    state = models.CharField(_("state"), max_length=10, choices=NoticeState.choices, default=NoticeState.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"))
    queued_at = models.DateTimeField(_("written at"))
    prepared_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("came back at"), null=True, blank=True)
    carrier = models.CharField(_("carried by"), max_length=40, blank=True)
    carrier_ref = models.CharField(_("reference"), max_length=120, blank=True)
    is_doubtful = models.BooleanField(_("may have been sent twice"), default=False)
    trouble = models.CharField(_("trouble"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "fact"], condition=models.Q(original__isnull=True), name="notice_once"
            ),
            models.UniqueConstraint(
                fields=["original", "channel"], condition=models.Q(relation="also"), name="notice_channel_once"
            ),
            models.CheckConstraint(
                condition=models.Q(original__isnull=True, relation="")
                | (models.Q(original__isnull=False) & ~models.Q(relation="")),
                name="notice_original_has_relation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=models.Q(state__in=["queued", "unknown"]), name="notice_due"
            ),
            models.Index(
                fields=["carrier", "carrier_ref"], condition=~models.Q(carrier_ref=""), name="notice_by_reference"
            ),
            models.Index(fields=["organization", "state", "-id"], name="notice_by_state"),
        ]

    def __str__(self) -> str:
        return self.subject or self.body[:60]

    @property
    def is_spent(self) -> bool:
        """Whether its link was used up by the first try: what would be sent now leads nowhere."""
        return "{link}" in self.body and not self.link


class News(models.TextChoices):
    """What a provider tells of a message. soft: it could not be delivered now; again later."""

    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    READ = "read", pgettext_lazy("message", "read")
    SOFT = "soft", _("not delivered yet")
    FAILED = "failed", _("not delivered")
    BOUNCED = "bounced", _("came back")


class NoticeEvent(models.Model):
    """What a provider told of a message, proven to come from it, once. Append-only.

    notice: none where nobody here knows what it speaks of. is_address: it is the address that is wrong.
    """

    carrier = models.CharField(_("from"), max_length=40)
    event_id = models.CharField(max_length=200)
    notice = models.ForeignKey(Notice, models.PROTECT, null=True, blank=True, related_name="events")
    ref = models.CharField(_("reference"), max_length=200, blank=True)
    news = models.CharField(_("news"), max_length=10, choices=News.choices)
    is_address = models.BooleanField(default=False)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    occurred_at = models.DateTimeField(_("happened at"))
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("news of a notice")
        verbose_name_plural = _("news of notices")
        constraints = [models.UniqueConstraint(fields=["carrier", "event_id"], name="notice_event_once")]

    def __str__(self) -> str:
        return f"{self.news} {self.ref}"


class DeadAddress(models.Model):
    """An address nothing is sent to any more, because what was sent came back. Another address is not touched by it.

    address: lower case, or the digits of a number. cleared_at: since when it is tried again.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)
    address = models.CharField(_("address"), max_length=254)
    since = models.DateTimeField(_("since"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    notice = models.ForeignKey(Notice, models.PROTECT, null=True, blank=True, related_name="+")
    cleared_at = models.DateTimeField(_("tried again since"), null=True, blank=True)
    cleared_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("dead address")
        verbose_name_plural = _("dead addresses")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel", "address"], condition=models.Q(cleared_at__isnull=True),
                name="dead_address_once",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.address
