from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.money import AmountField, CurrencyField


class PromiseToPay(models.Model):
    """A customer said: this much, by that day."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="promises")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    promised_on = models.DateField(_("promised for"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    taken_at = models.DateTimeField(_("taken at"))
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")

    class Meta:
        ordering = ["-promised_on"]
        verbose_name = _("promise to pay")
        verbose_name_plural = _("promises to pay")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="promise_amount_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="promise_amount_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.promised_on}"
