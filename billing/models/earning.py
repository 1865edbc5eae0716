from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models.agreement import Agreement
from billing.models.allocation import Allocation
from billing.models.constraints import MoneyFits
from billing.models.lesson import Attendance
from billing.models.party import Provider
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class EarningKind(models.TextChoices):
    LESSON = "lesson", _("lesson")
    FIRST_YEAR = "first_year", _("first-year commission")
    RENEWAL = "renewal", _("renewal commission")
    OVERRIDE = "override", _("override commission")
    CORRECTION = "correction", _("correction")
    CLAWBACK = "clawback", _("taken back")


class PayoutBatchState(models.TextChoices):
    DRAFT = "draft", _("draft")
    APPROVED = "approved", _("approved")
    PAID = "paid", _("paid out")
    CANCELLED = "cancelled", _("cancelled")


PAYOUT_MOVES: dict[str, set[str]] = {
    PayoutBatchState.DRAFT: {PayoutBatchState.APPROVED, PayoutBatchState.CANCELLED},
    PayoutBatchState.APPROVED: {PayoutBatchState.PAID, PayoutBatchState.CANCELLED},
    PayoutBatchState.PAID: set(),
    PayoutBatchState.CANCELLED: set(),
}


class PayoutBatch(models.Model):
    """What providers earned up to a day and is paid out together. content_hash: of its payouts when approved."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="payout_batches")
    number = models.CharField(_("number"), max_length=24)
    earned_until = models.DateField(_("earned up to"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    state = models.CharField(
        _("state"), max_length=10, choices=PayoutBatchState.choices, default=PayoutBatchState.DRAFT
    )
    content_hash = models.CharField(max_length=64, blank=True)
    approval = models.OneToOneField("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    request_key = models.CharField(max_length=80)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    paid_on = models.DateField(_("paid on"), null=True, blank=True)
    bank_reference = models.CharField(_("reference"), max_length=80, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("payout batch")
        verbose_name_plural = _("payout batches")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="payout_batch_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="payout_batch_request_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="payout_batch_of_organization"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_batch_positive"),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_on__isnull=False), name="payout_batch_paid_has_day"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Payout(models.Model):
    """One provider's part of a batch: the sum of its earnings. entry: posted when it was paid out."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="payouts")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="payouts", verbose_name=_("provider"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    is_cancelled = models.BooleanField(_("cancelled"), default=False)
    entry = models.OneToOneField(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["id"]
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        constraints = [
            models.UniqueConstraint(fields=["batch", "provider"], name="payout_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="payout_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Earning(models.Model):
    """What a provider earned by one event, or lost again. Append-only but for the payout it goes into (R89, R90).

    source: the event, once for ever: "attendance:17", "allocation:9:first_year". amount below zero: taken back.
    derivation: Step as JSON, how the amount came about. entry: Dr what it costs, Cr what providers are owed.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="earnings", verbose_name=_("provider"))
    kind = models.CharField(_("kind"), max_length=12, choices=EarningKind.choices)
    source = models.CharField(max_length=80)
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("agreement")
    )
    attendance = models.ForeignKey(
        Attendance, models.PROTECT, null=True, blank=True, related_name="earnings", verbose_name=_("attendance")
    )
    allocation = models.ForeignKey(
        Allocation, models.PROTECT, null=True, blank=True, related_name="earnings", verbose_name=_("allocation")
    )
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversed_by")
    earned_on = models.DateField(_("earned on"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    derivation = models.JSONField(_("how it came about"), default=list)
    payout = models.ForeignKey(Payout, models.PROTECT, null=True, blank=True, related_name="earnings")
    entry = models.OneToOneField(JournalEntry, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("earning")
        verbose_name_plural = _("earnings")
        constraints = [
            models.UniqueConstraint(fields=["organization", "source"], name="earning_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="earning_not_zero"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="earning_fits_currency"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=True) | ~Q(reverses=F("id")), name="earning_reverses_another"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "provider", "earned_on"],
                condition=Q(payout__isnull=True),
                name="earning_to_pay",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class EarningMark(models.Model):
    """How far attendance and allocations were looked through for earnings; its row is the lock of all earnings.

    attendance_id, allocation_id: everything up to them was judged, by the rates that held when it happened.
    """

    organization = models.OneToOneField(Organization, models.PROTECT, related_name="+")
    attendance_id = models.BigIntegerField(default=0)
    allocation_id = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("mark of earnings")
        verbose_name_plural = _("marks of earnings")

    def __str__(self) -> str:
        return f"{self.attendance_id}/{self.allocation_id}"
