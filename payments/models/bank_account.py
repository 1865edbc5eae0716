from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import LedgerAccount
from billing.money import CurrencyField
from billing.office.models import Organization
from billing.office.secrets import EncryptedTextField


class BankAccount(models.Model):
    """Our account at a bank. Without a number, the first statement sets it."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="bank_accounts")
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    currency = CurrencyField(_("currency"))
    number = EncryptedTextField(_("account number"), blank=True)
    number_hash = models.CharField(max_length=64, blank=True)
    number_tail = models.CharField(_("ends in"), max_length=4, blank=True)
    csv_profile = models.CharField(_("CSV profile"), max_length=40, blank=True)
    ledger_account = models.OneToOneField(LedgerAccount, models.PROTECT, related_name="+")
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("bank account")
        verbose_name_plural = _("bank accounts")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="bank_account_code_once"),
            models.UniqueConstraint(
                fields=["organization", "number_hash"],
                condition=~models.Q(number_hash=""),
                name="bank_account_number_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"
