from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.customer import Customer
from billing.models.party import Provider
from billing.office.models import Organization


class InvitationState(models.TextChoices):
    OPEN = "open", _("sent")
    USED = "used", _("accepted")
    EXPIRED = "expired", _("lapsed")
    REVOKED = "revoked", _("withdrawn")


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, at: datetime) -> "InvitationQuerySet":
        return self.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at)


class Invitation(models.Model):
    """Somebody is asked to have a login for a customer, or for a teacher or agent; by mail, so the address is proven.

    token_hash: SHA-256 of the token of the link sent last; earlier links are dead. Its state follows from its times.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="invitations", verbose_name=_("customer")
    )
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="invitations", verbose_name=_("provider")
    )
    email = models.EmailField(_("e-mail"))
    language = models.CharField(_("language"), max_length=10, default="en")
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("invited by")
    )
    invited_at = models.DateTimeField(_("invited at"))
    sent_at = models.DateTimeField(_("sent at"))
    times_sent = models.PositiveSmallIntegerField(_("times sent"), default=1)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("accepted at"), null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=True, provider__isnull=False)
                | Q(customer__isnull=False, provider__isnull=True),
                name="invitation_to_one",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_by__isnull=True)
                | Q(used_at__isnull=False, used_by__isnull=False, revoked_at__isnull=True),
                name="invitation_used_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["customer", "email"], condition=Q(used_at__isnull=True, revoked_at__isnull=True),
                name="invitation_once_to_customer",
            ),
            models.UniqueConstraint(
                fields=["provider", "email"], condition=Q(used_at__isnull=True, revoked_at__isnull=True),
                name="invitation_once_to_provider",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.email}: {self.party}"

    @property
    def party(self) -> Any:
        """The customer or the provider."""
        return self.customer or self.provider

    def state_at(self, at: datetime) -> InvitationState:
        if self.used_at is not None:
            return InvitationState.USED
        if self.revoked_at is not None:
            return InvitationState.REVOKED
        return InvitationState.OPEN if at < self.expires_at else InvitationState.EXPIRED
