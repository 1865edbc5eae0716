from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing.money import CurrencyField


class Organization(models.Model):
    """A tenant: school, branch or company. Its currency, country, zone and policies rule its rows."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    local_name = models.CharField(_("name in Chinese"), max_length=120, blank=True)
    logo = models.ImageField(_("logo"), upload_to="logos/", blank=True)
    address = models.TextField(_("address"), blank=True)
    local_address = models.TextField(_("address in Chinese"), blank=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    website = models.CharField(_("website"), max_length=120, blank=True)
    currency = CurrencyField(_("currency"))
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166 code, for example US"))
    time_zone = models.CharField(_("time zone"), max_length=64)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(currency__regex=r"^[A-Z]{3}$"), name="organization_currency_is_iso"
            ),
        ]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        chinese = (get_language() or "").startswith("zh")
        return self.local_name if chinese and self.local_name else self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, now: datetime) -> date:
        """The calendar day of `now` where the organization is: it decides numbers, periods and aging."""
        return now.astimezone(self.zone).date()
