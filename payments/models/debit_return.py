from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models import Invoice
from billing.office.models import Organization
from payments.models.attempt import PaymentAttempt
from payments.models.payment import Payment


class DebitReturn(models.Model):
    """The payer's bank took a payment back, or the processor undid it before it settled (R115, fault F15). Append-only.

    attempt: at the processor; empty for a transfer that our own bank's statement shows to be taken back. code: of the
    bank ("R01", NACH "04"), or "voided". reason: in our words. returned_on: the bank's day. event: of the webhook that
    told it, "" where a report, an inquiry or a statement did.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="debit_return")
    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="returns")
    code = models.CharField(_("code"), max_length=20)
    reason = models.CharField(_("reason"), max_length=24)
    returned_on = models.DateField(_("returned on"))
    event = models.CharField(max_length=200, blank=True)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="+")
    fee_invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="+")
    recovery_invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("returned debit")
        verbose_name_plural = _("returned debits")

    def __str__(self) -> str:
        return f"{self.payment} {self.code}"
