from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class CreditUse(models.Model):
    """A family set free credit against its own invoices, on its own page; the allocations say what went where.

    amount: of credit, without discount and write-off. invoice_ids: what it chose. request_key: of the form that was
    confirmed; one key, one use.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, db_index=False, related_name="+")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    invoice_ids = ArrayField(models.BigIntegerField())
    request_key = models.CharField(max_length=40)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")

    class Meta:
        verbose_name = _("use of credit")
        verbose_name_plural = _("uses of credit")
        constraints = [
            models.UniqueConstraint(fields=["customer", "request_key"], name="credit_use_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_use_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="credit_use_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} · {self.made_at:%Y-%m-%d}"
