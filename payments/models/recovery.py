from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import Invoice
from billing.money import AmountField
from payments.models.attempt import PaymentAttempt
from payments.models.payment_method import PaymentMethod


class Verdict(models.TextChoices):
    """What is done about a charge that failed."""

    RETRY = "retry", _("try again")
    BACKUP = "backup", _("try another method")
    FAILOVER = "failover", _("try another processor")
    ASK_PAYER = "ask_payer", _("ask the payer")
    PERSON = "person", _("a person decides")
    STOP = "stop", _("no more tries")
    WAIT = "wait", _("wait for the outcome")


class RetryDecision(models.Model):
    """Why a failed charge is or is not tried again, and when: one a failure, kept for ever (R62-R71).

    because: the steps of the decision, as codes with their facts, told in the reader's language. try_at: the slot.
    chosen_by: the payer, where they picked the day. used: the attempt that came of it.
    """

    failed = models.OneToOneField(PaymentAttempt, models.PROTECT, related_name="retry_decision")
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="retry_decisions")
    verdict = models.CharField(_("decision"), max_length=10, choices=Verdict.choices)
    try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, blank=True, related_name="+")
    value = AmountField(_("retry value"), null=True, blank=True)
    because = models.JSONField(_("because"), default=list)
    decided_at = models.DateTimeField(_("decided at"))
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    chosen_at = models.DateTimeField(_("chosen at"), null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    used = models.OneToOneField(PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="retried_by")
    outcome = models.CharField(_("what came of it"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("retry decision")
        verbose_name_plural = _("retry decisions")
        constraints = [
            models.CheckConstraint(
                condition=~Q(verdict__in=["retry", "backup", "failover"]) | Q(try_at__isnull=False),
                name="retry_has_slot",
            )
        ]
        indexes = [
            models.Index(fields=["try_at"], condition=Q(done_at__isnull=True, try_at__isnull=False), name="retry_due"),
        ]

    def __str__(self) -> str:
        return f"{self.failed}: {self.get_verdict_display()}"
