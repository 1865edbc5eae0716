from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.office.models import Organization
from payments.models import BankAccount


class SavedCsvProfile(models.Model):
    """How CSV files of one bank account are read: a version that stays, and who said that it is right.

    data: as CsvProfile.as_json. based_on: the built-in profile it began with, "" for none. Only confirmed versions
    are used, the newest of them.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="csv_profiles", verbose_name=_("bank account")
    )
    version = models.PositiveIntegerField(_("version"))
    data = models.JSONField(_("profile"))
    based_on = models.CharField(_("began with"), max_length=40, blank=True)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("CSV profile")
        verbose_name_plural = _("CSV profiles")
        constraints = [
            models.UniqueConstraint(fields=["bank_account", "version"], name="csv_profile_version_once"),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="csv_profile_confirmed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bank_account.code} {self.version}"
