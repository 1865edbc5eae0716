from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models import Organization
from payments.models import Refund


class RefundReceipt(models.Model):
    """The paper that says money was given back. It bears the refund's number, REF-… (R101).

    content: what the paper says, frozen when issued. A paid refund is final, so its paper never becomes void.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    refund = models.OneToOneField(Refund, models.PROTECT, related_name="receipt", verbose_name=_("refund"))
    content = models.JSONField(_("content"))
    email = models.EmailField(_("e-mail"), blank=True)
    issued_at = models.DateTimeField(_("issued at"))
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("refund receipt")
        verbose_name_plural = _("refund receipts")
        indexes = [models.Index(fields=["organization", "-id"], name="refund_receipt_newest")]

    def __str__(self) -> str:
        return str(self.content["number"])


class RefundReceiptDocument(models.Model):
    """The one signed PDF of a refund receipt in the archive, found by its SHA-256. Append-only (R155)."""

    receipt = models.OneToOneField(RefundReceipt, models.PROTECT, related_name="document")
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveIntegerField(_("size"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("refund receipt document")
        verbose_name_plural = _("refund receipt documents")
        indexes = [models.Index(fields=["sha256"], name="refund_document_by_hash")]

    def __str__(self) -> str:
        return f"{self.receipt} {self.sha256[:8]}"


class RefundReceiptCopy(models.Model):
    """A refund receipt handed out: printed, downloaded or mailed, by whom. All copies are the same file."""

    receipt = models.ForeignKey(RefundReceipt, models.PROTECT, related_name="copies")
    how = models.CharField(_("how"), max_length=10)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("refund receipt copy")
        verbose_name_plural = _("refund receipt copies")

    def __str__(self) -> str:
        return f"{self.receipt} {self.how}"
