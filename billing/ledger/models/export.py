"""Files for the accountant's own books: numbered, hashed and kept (R143)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ExportLayout(models.TextChoices):
    CSV = "csv", _("journal lines (CSV)")
    QUICKBOOKS = "quickbooks", "QuickBooks Online"
    XERO = "xero", "Xero"
    ZOHO = "zoho", "Zoho Books"
    BEANCOUNT = "beancount", "Beancount"


class GlExport(models.Model):
    """A file of the journal of some days in the layout of a program. Append-only.

    totals: currency → {"debit", "credit", "lines"}, amounts as text. content_hash: SHA-256 of the file.
    proof: the batches it holds, and where the audit trail stood. supersedes: the file of the same days and layout
    that it takes the place of, since more was posted for them.
    """

    organization = models.ForeignKey("office.Organization", models.PROTECT, related_name="+")
    number = models.CharField(_("number"), max_length=24)
    layout = models.CharField(_("layout"), max_length=12, choices=ExportLayout.choices)
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    entry_count = models.PositiveIntegerField(_("entries"))
    line_count = models.PositiveIntegerField(_("lines"))
    totals = models.JSONField(_("totals"), default=dict)
    content_hash = models.CharField("SHA-256", max_length=64)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    stored_as = models.CharField(max_length=32)
    proof = models.TextField(_("proof"))
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by", verbose_name=_("supersedes")
    )
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("GL export")
        verbose_name_plural = _("GL exports")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="gl_export_number_once"),
            models.UniqueConstraint(
                fields=["organization", "layout", "first_on", "last_on"], condition=Q(supersedes__isnull=True),
                name="gl_export_first_once",
            ),
            models.CheckConstraint(condition=Q(first_on__lte=models.F("last_on")), name="gl_export_days_in_order"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number
