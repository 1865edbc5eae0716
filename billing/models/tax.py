from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.customer import Customer
from billing.office.models import Organization

EVERYWHERE, ABROAD = "", "abroad"


class TaxKind(models.TextChoices):
    GST = "gst", _("GST")
    VAT = "vat", _("VAT")
    SALES_TAX = "sales_tax", _("sales tax")
    EXEMPT = "exempt", _("exempt")


class TaxCode(models.Model):
    """How one kind of item is taxed (R39, R86). is_inclusive: prices of such items contain the tax."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="tax_codes")
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=TaxKind.choices)
    is_inclusive = models.BooleanField(_("prices include it"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("tax code")
        verbose_name_plural = _("tax codes")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="tax_code_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="tax_code_of_organization"),
        ]

    def __str__(self) -> str:
        return self.name


class TaxRate(models.Model):
    """What a tax code takes in a place from a day on. Append-only; the newest that has begun holds.

    place: region of the billing profile as ISO 3166-2 without the country ("NY", "KA"), of the organization's own
    country; "abroad": any other country; empty: everywhere else, also for a customer without a billing profile.
    rate: 0.18 for 18 %. parts: how it is made up, [{"name": "CGST", "rate": "0.09"}, …]; empty: one tax of its name.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    tax_code = models.ForeignKey(TaxCode, models.PROTECT, related_name="rates", verbose_name=_("tax code"))
    place = models.CharField(_("place"), max_length=10, blank=True)
    effective_on = models.DateField(_("from"))
    rate = models.DecimalField(_("rate"), max_digits=7, decimal_places=6)
    parts = models.JSONField(_("made up of"), default=list)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["place", "-effective_on", "-id"]
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        constraints = [
            models.CheckConstraint(condition=Q(rate__gte=0, rate__lt=1), name="tax_rate_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.tax_code_id} {self.place} {self.rate}"


class BillingProfile(models.Model):
    """Whom and where invoices of a customer are made out to, with the address checked (R39).

    region: ISO 3166-2 without the country; decides the tax rate. checked_at: when the address passed its checks.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.OneToOneField(
        Customer, models.PROTECT, related_name="billing_profile", verbose_name=_("customer")
    )
    legal_name = models.CharField(_("name on invoices"), max_length=160)
    street = models.CharField(_("street"), max_length=200)
    city = models.CharField(_("city"), max_length=80)
    region = models.CharField(_("state or region"), max_length=10, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=12, blank=True)
    country = models.CharField(_("country"), max_length=2)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    is_exempt = models.BooleanField(_("exempt from tax"), default=False)
    exempt_reason = models.CharField(_("why exempt"), max_length=200, blank=True)
    checked_at = models.DateTimeField(_("checked at"))

    class Meta:
        verbose_name = _("billing profile")
        verbose_name_plural = _("billing profiles")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_exempt=False) | ~Q(exempt_reason=""), name="billing_profile_exempt_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.legal_name
