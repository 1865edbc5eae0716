from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models.organization import Organization
from billing.office.models.user import User


class ApiClient(models.Model):
    """Another system with a token for one organization. Only the token's SHA-256 is kept."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="api_clients")
    name = models.CharField(_("name"), max_length=80)
    token_prefix = models.CharField(_("token starts with"), max_length=12)
    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", help_text=_("The acting user; its roles rule."))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")

    def __str__(self) -> str:
        return f"{self.name} ({self.token_prefix}…)"


class ApiRequest(models.Model):
    """An Idempotency-Key with the answer it got; the same key and body get the same answer again."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    client = models.ForeignKey(ApiClient, models.PROTECT, null=True, related_name="+")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="api_request_once")]

    def __str__(self) -> str:
        return self.key
