"""What was posted to the general ledger: entries in batches of a day and a payment type (R138)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.ledger.models.journal import JournalEntry
from billing.money import AmountField, CurrencyField


class GlBatchState(models.TextChoices):
    POSTED = "posted", pgettext_lazy("GL batch", "posted")
    SUSPENDED = "suspended", pgettext_lazy("GL batch", "suspended")


# A posted batch stays as it is for ever; a suspended one is tried again once its cause is gone.
GL_BATCH_MOVES: dict[str, set[str]] = {
    GlBatchState.SUSPENDED: {GlBatchState.POSTED},
    GlBatchState.POSTED: set(),
}


class GlTrouble(models.TextChoices):
    """Why a batch is suspended. In the order in which they are looked for."""

    UNBALANCED = "unbalanced", _("does not balance")
    NO_ACCOUNT = "no_account", _("a ledger account is missing")
    CLOSED_ACCOUNT = "closed_account", _("a ledger account is no longer used")
    CLOSED_PERIOD = "closed_period", _("the month is closed")


class GlBatch(models.Model):
    """Journal entries of one day, payment type and currency, posted together; made by the system only (R141).

    payment_type: the method of money in, else the group of the event. content_hash: SHA-256 over the lines in order.
    detail: for a suspended one, the entries or accounts it is about.
    """

    organization = models.ForeignKey("office.Organization", models.PROTECT, db_index=False, related_name="+")
    number = models.CharField(_("number"), max_length=24)
    day = models.DateField(_("day"))
    payment_type = models.CharField(_("payment type"), max_length=24)
    currency = CurrencyField(_("currency"))
    state = models.CharField(_("state"), max_length=10, choices=GlBatchState.choices)
    trouble = models.CharField(_("trouble"), max_length=16, choices=GlTrouble.choices, blank=True)
    detail = models.CharField(_("detail"), max_length=400, blank=True)
    entry_count = models.PositiveIntegerField(_("entries"))
    line_count = models.PositiveIntegerField(_("lines"))
    debit_amount = AmountField(_("debits"))
    credit_amount = AmountField(_("credits"))
    content_hash = models.CharField(_("hash"), max_length=64)
    made_at = models.DateTimeField(_("made at"))
    posted_at = models.DateTimeField(_("posted at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("GL batch")
        verbose_name_plural = _("GL batches")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="gl_batch_number_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="gl_batch_of_organization"),
            models.CheckConstraint(
                condition=Q(state="suspended", posted_at__isnull=True) & ~Q(trouble="")
                | Q(state="posted", posted_at__isnull=False, trouble="", debit_amount=F("credit_amount")),
                name="gl_batch_posted_is_balanced",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "day"], name="gl_batch_by_day"),
            models.Index(fields=["organization", "posted_at"], name="gl_batch_by_posting"),
        ]

    def __str__(self) -> str:
        return self.number


class GlBatchEntry(models.Model):
    """An entry's place in the one batch it belongs to, for ever."""

    organization = models.ForeignKey(
        "office.Organization", models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    batch = models.ForeignKey(GlBatch, models.PROTECT, db_constraint=False, related_name="members")
    entry = models.OneToOneField(JournalEntry, models.PROTECT, db_constraint=False, related_name="gl")

    class Meta:
        verbose_name = _("entry of a GL batch")
        verbose_name_plural = _("entries of GL batches")

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.entry_id}"


class GlMark(models.Model):
    """How far an organization was posted; its row is the lock of all posting to the general ledger.

    as_of, run_at: the last run that looked at everything up to that day. told_until: the last day accounting was
    told of.
    """

    organization = models.OneToOneField("office.Organization", models.PROTECT, related_name="+")
    as_of = models.DateField(null=True, blank=True)
    run_at = models.DateTimeField(null=True, blank=True)
    told_until = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("mark of GL posting")
        verbose_name_plural = _("marks of GL posting")

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.as_of}"
