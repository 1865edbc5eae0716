from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models.organization import Organization
from billing.office.models.user import User


class Scope(models.TextChoices):
    """Where a setting holds; the later overrides the earlier (R58)."""

    SYSTEM = "system", _("system")
    ORGANIZATION = "organization", _("organization")
    PROVIDER = "provider", _("provider")
    CUSTOMER = "customer", _("customer")
    AGREEMENT = "agreement", _("agreement")


class PolicySetting(models.Model):
    """One decision about one setting. Append-only: the newest row of a scope holds, a null value gives it back."""

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    scope = models.CharField(_("scope"), max_length=12, choices=Scope.choices)
    scope_key = models.BigIntegerField(_("scope key"), default=0)
    key = models.CharField(_("setting"), max_length=80)
    value = models.JSONField(_("value"), null=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    set_at = models.DateTimeField(_("set at"))
    set_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("set by"))

    class Meta:
        verbose_name = _("policy setting")
        verbose_name_plural = _("policy settings")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope="system", organization__isnull=True)
                | (~models.Q(scope="system") & models.Q(organization__isnull=False)),
                name="policy_scope_has_organization",
            ),
        ]
        indexes = [models.Index(fields=["organization", "scope", "scope_key", "key", "-id"], name="policy_newest")]

    def __str__(self) -> str:
        return f"{self.key} = {self.value} ({self.scope})"
