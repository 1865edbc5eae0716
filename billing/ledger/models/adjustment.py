"""Corrections of the books as documents: made by one person, approved by another, posted by the system (R141)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.ledger.models.journal import JournalEntry, LedgerAccount
from billing.money import AmountField, CurrencyField


class AdjustmentState(models.TextChoices):
    WAITING = "waiting", _("waits for approval")
    POSTED = "posted", pgettext_lazy("adjustment", "posted")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


ADJUSTMENT_MOVES: dict[str, set[str]] = {
    AdjustmentState.WAITING: {AdjustmentState.POSTED, AdjustmentState.REJECTED, AdjustmentState.WITHDRAWN},
    AdjustmentState.POSTED: set(),
    AdjustmentState.REJECTED: set(),
    AdjustmentState.WITHDRAWN: set(),
}


class AdjustmentEntry(models.Model):
    """What a finance manager wants put right, before and after it is posted. Its lines never change.

    reverses: the document this one takes back, line by line. entry: what was posted.
    """

    organization = models.ForeignKey("office.Organization", models.PROTECT, db_index=False, related_name="+")
    number = models.CharField(_("number"), max_length=24)
    entry_date = models.DateField(_("date"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    memo = models.CharField(_("memo"), max_length=200)
    reason = models.CharField(_("reason"), max_length=400)
    state = models.CharField(
        _("state"), max_length=10, choices=AdjustmentState.choices, default=AdjustmentState.WAITING
    )
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals", verbose_name=_("reverses")
    )
    request_key = models.CharField(max_length=80)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    approval = models.OneToOneField("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    entry = models.OneToOneField(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="adjustment_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="adjustment_request_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="adjustment_of_organization"),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(state__in=["waiting", "posted"]), name="adjustment_reversed_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="adjustment_positive"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=True) | ~Q(reverses=F("id")), name="adjustment_reverses_another"
            ),
            models.CheckConstraint(
                condition=Q(state="posted", entry__isnull=False, approval__isnull=False)
                | ~Q(state="posted") & Q(entry__isnull=True),
                name="adjustment_posted_is_approved",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class AdjustmentLine(models.Model):
    """A debit or a credit to one ledger account, in the adjustment's currency."""

    adjustment = models.ForeignKey(AdjustmentEntry, models.PROTECT, related_name="lines")
    ordinal = models.PositiveSmallIntegerField()
    organization = models.ForeignKey("office.Organization", models.PROTECT, db_index=False, related_name="+")
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="+", verbose_name=_("account"))
    debit = AmountField(_("debit"), default=0)
    credit = AmountField(_("credit"), default=0)
    department = models.CharField(_("department"), max_length=40, blank=True)
    project = models.CharField(_("project"), max_length=40, blank=True)

    class Meta:
        ordering = ["ordinal"]
        verbose_name = _("line of an adjustment")
        verbose_name_plural = _("lines of adjustments")
        constraints = [
            models.UniqueConstraint(fields=["adjustment", "ordinal"], name="adjustment_line_once"),
            models.CheckConstraint(
                condition=Q(debit__gt=0, credit=0) | Q(debit=0, credit__gt=0), name="adjustment_line_one_side"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} Dr {self.debit} Cr {self.credit}"
