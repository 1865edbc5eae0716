from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import Agreement
from billing.office.models import Organization
from payments.models.payment_method import PaymentMethod


class AutopayPreference(models.Model):
    """How a family wants an agreement to be collected by itself; whether at all, the agreement says (R56).

    method: the one that is tried first, empty for the primary. pay_day: day of the month on which it is charged, 0 for
    the due day; only where the school lets families choose, and never after the due day.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.OneToOneField(Agreement, models.PROTECT, related_name="autopay")
    method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, blank=True, related_name="+")
    pay_day = models.PositiveSmallIntegerField(_("pay day"), default=0)
    changed_at = models.DateTimeField(_("changed at"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("autopay preference")
        verbose_name_plural = _("autopay preferences")
        constraints = [models.CheckConstraint(condition=Q(pay_day__lte=28), name="autopay_day_sensible")]

    def __str__(self) -> str:
        return f"autopay of {self.agreement}"


class MethodCode(models.Model):
    """The code that was mailed to prove a second time who adds a method (R26). Only its keyed hash is kept.

    code_hash: "" once it is used up. tries: wrong ones of this code. times_sent: codes of this method.
    """

    method = models.OneToOneField(PaymentMethod, models.PROTECT, related_name="code")
    code_hash = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField(_("sent at"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    times_sent = models.PositiveSmallIntegerField(_("times sent"), default=1)

    class Meta:
        verbose_name = _("code of a method")
        verbose_name_plural = _("codes of methods")
        constraints = [
            models.CheckConstraint(condition=Q(tries__lte=5, times_sent__lte=5), name="method_code_few_tries")
        ]

    def __str__(self) -> str:
        return f"code of {self.method_id}"


class UpdaterMark(models.Model):
    """Until when a processor was asked for news of stored methods. A mark, no fact."""

    configuration = models.CharField(max_length=40, unique=True)
    asked_until = models.DateTimeField(_("asked until"))

    class Meta:
        verbose_name = _("mark of the account updater")
        verbose_name_plural = _("marks of the account updater")

    def __str__(self) -> str:
        return self.configuration
