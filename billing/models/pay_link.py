from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.customer import Customer
from billing.office.models import Organization


class PayLink(models.Model):
    """An address by which anybody who has it may pay for a customer, and do nothing else.

    The address is signed and kept nowhere; this row says until when it holds. invoice_ids: what may be paid; empty:
    whatever is open. made_by: empty where a message carries it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="pay_links", verbose_name=_("customer"))
    invoice_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    expires_at = models.DateTimeField(_("holds until"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("pay link")
        verbose_name_plural = _("pay links")
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="pay_link_holds_a_while"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=False) | Q(revoked_by__isnull=True), name="pay_link_revoked_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} · {self.made_at:%Y-%m-%d}"

    def holds_at(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now
