from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.money import AmountField, CurrencyField
from billing.office.models.organization import Organization
from billing.office.models.user import User


class ApprovalState(models.TextChoices):
    REQUESTED = "requested", _("waiting")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")
    USED = "used", _("carried out")


APPROVAL_MOVES: dict[str, set[str]] = {
    ApprovalState.REQUESTED: {ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.WITHDRAWN},
    ApprovalState.APPROVED: {ApprovalState.USED},
    ApprovalState.REJECTED: set(),
    ApprovalState.WITHDRAWN: set(),
    ApprovalState.USED: set(),
}


class ApprovalRequest(models.Model):
    """One person asks, another decides on exactly what was shown (invariant 37).

    action: a row of the permission matrix. subject: what it is about, "payment:17". shown: the facts and
    consequences as the checker reads them; shown_hash is what is approved, and must still be true when carried out.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    action = models.CharField(_("action"), max_length=60)
    subject = models.CharField(_("subject"), max_length=80, db_index=True)
    title = models.CharField(_("title"), max_length=200)
    shown = models.JSONField(_("shown"))
    shown_hash = models.CharField(max_length=64)
    amount = AmountField(_("amount"), null=True, blank=True)
    currency = CurrencyField(_("currency"), blank=True)
    reason = models.CharField(_("reason"), max_length=400)
    state = models.CharField(_("state"), max_length=10, choices=ApprovalState.choices, default=ApprovalState.REQUESTED)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    requested_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("expires at"))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.CharField(_("reason of the decision"), max_length=400, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("approval request")
        verbose_name_plural = _("approval requests")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("requested_by")),
                name="approval_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["requested", "withdrawn"]) | models.Q(decided_by__isnull=False),
                name="approval_decision_has_decider",
            ),
            models.UniqueConstraint(
                fields=["subject", "action"], condition=models.Q(state="requested"), name="approval_asked_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "-id"], name="approval_inbox")]

    def __str__(self) -> str:
        return self.title
