from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models.customer import Customer


class MessagePreference(models.Model):
    """How a family wishes to be told: by which channels, when, and in how many pieces.

    topics: topic → channels; a topic that is not there goes by e-mail. quiet_from, quiet_until: of the family's own
    day, none for the organization's; equal means never quiet. time_zone: "" for the organization's. phone: confirmed by
    a code before anything goes to it; new_phone: to be confirmed, with the keyed hash of the code that was sent.
    """

    customer = models.OneToOneField(Customer, models.PROTECT, related_name="message_preference")
    topics = models.JSONField(_("channels"), default=dict, blank=True)
    wants_digest = models.BooleanField(_("one message a day"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    phone_confirmed_at = models.DateTimeField(_("phone confirmed at"), null=True, blank=True)
    new_phone = models.CharField(max_length=20, blank=True)
    code_hash = models.CharField(max_length=64, blank=True)
    code_sent_at = models.DateTimeField(null=True, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    codes_sent = models.PositiveSmallIntegerField(default=0)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("message preference")
        verbose_name_plural = _("message preferences")

    def __str__(self) -> str:
        return str(self.customer_id)
