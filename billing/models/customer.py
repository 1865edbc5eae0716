from datetime import date

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from billing.office.secrets import EncryptedTextField


class Household(models.Model):
    """A family: customers who may know of each other and share what they owe in one view."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="households")
    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")
        constraints = [models.UniqueConstraint(fields=["id", "organization"], name="household_of_organization")]

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Who owes and pays. The row is the lock of everything that moves this customer's money.

    credit_limit: in the organization's currency, empty for none. On hold: no new orders until released (R129-R131).
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="customers")
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, blank=True, related_name="customers", verbose_name=_("household")
    )
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=160)
    latin_name = models.CharField(_("name in Latin letters"), max_length=160, blank=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    address = models.TextField(_("address"), blank=True)
    language = models.CharField(
        _("language"), max_length=10, default="en", choices=[("en", "English"), ("zh-hant", "繁體中文")]
    )
    virtual_account = models.CharField(_("virtual account"), max_length=20, blank=True)
    bank_account = EncryptedTextField(_("bank account"), blank=True)
    bank_account_hash = models.CharField(max_length=64, blank=True, db_index=True)
    credit_limit = AmountField(_("credit limit"), null=True, blank=True)
    is_on_hold = models.BooleanField(_("on credit hold"), default=False)
    hold_until = models.DateField(_("hold until"), null=True, blank=True)
    users = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="customers", verbose_name=_("logins")
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="customer_code_once"),
            models.UniqueConstraint(
                fields=["organization", "virtual_account"],
                condition=~models.Q(virtual_account=""),
                name="customer_virtual_account_once",
            ),
            models.UniqueConstraint(fields=["id", "organization"], name="customer_of_organization"),
            models.CheckConstraint(
                condition=models.Q(credit_limit__isnull=True) | models.Q(credit_limit__gte=0),
                name="customer_credit_limit_not_negative",
            ),
        ]
        indexes = [
            GinIndex(
                OpClass(Upper("code"), "gin_trgm_ops"),
                OpClass(Upper("name"), "gin_trgm_ops"),
                OpClass(Upper("latin_name"), "gin_trgm_ops"),
                OpClass(Upper("phone"), "gin_trgm_ops"),
                name="customer_search",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shown_name} ({self.code})"

    @property
    def shown_name(self) -> str:
        latin = not (get_language() or "").startswith("zh") and self.latin_name
        return self.latin_name if latin else self.name

    def holds_on(self, day: date) -> bool:
        """Whether the credit hold is in force; a hold with an end date ends by itself."""
        return self.is_on_hold and (self.hold_until is None or day <= self.hold_until)


class HoldChange(models.TextChoices):
    SET = "set", _("set")
    RELEASED = "released", _("released")
    KEPT = "kept", _("kept after a payment")


class CreditHoldEvent(models.Model):
    """Why a credit hold was set, kept or released. Append-only (R130, R131)."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="hold_events")
    change = models.CharField(_("change"), max_length=10, choices=HoldChange.choices)
    cause = models.CharField(_("cause"), max_length=30)
    explanation = models.CharField(_("explanation"), max_length=400)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("credit hold event")
        verbose_name_plural = _("credit hold events")

    def __str__(self) -> str:
        return f"{self.get_change_display()}: {self.explanation}"


class PayerRecord(models.Model):
    """A past payment and who turned out to have sent it: what matching learns names and accounts from.

    fingerprint: SHA-256 of the row as loaded, so that loading twice adds nothing.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payer_records")
    paid_on = models.DateField(_("paid on"))
    payer_name = models.CharField(_("payer"), max_length=160)
    payer_account = EncryptedTextField(_("payer account"), blank=True)
    payer_account_hash = models.CharField(max_length=64, blank=True, db_index=True)
    amount = AmountField(_("amount"))
    currency = CurrencyField(_("currency"))
    fingerprint = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("payer record")
        verbose_name_plural = _("payer records")
        constraints = [models.UniqueConstraint(fields=["organization", "fingerprint"], name="payer_record_once")]

    def __str__(self) -> str:
        return f"{self.paid_on} {self.payer_name}"
