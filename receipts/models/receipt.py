from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.office.models import Organization
from payments.models import Payment


class Delivery(models.TextChoices):
    PRINT = "print", _("print")
    EMAIL = "email", _("e-mail")
    BOTH = "both", _("print and e-mail")
    NONE = "none", _("none")


class Receipt(models.Model):
    """The numbered paper that says a payment was received. It keeps its number when void (R153, R154).

    content: what the paper says, frozen when issued, so that a reprint years later says the same.
    returned_on: the bank's day on which the cheque it was given for came back; the number and the content stay.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="receipts")
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="receipt", verbose_name=_("payment"))
    number = models.CharField(_("number"), max_length=24)
    form_number = models.CharField(_("pre-printed form"), max_length=40, blank=True)
    issued_at = models.DateTimeField(_("issued at"))
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    delivery = models.CharField(_("delivery"), max_length=6, choices=Delivery.choices)
    email = models.EmailField(_("e-mail"), blank=True)
    content = models.JSONField(_("content"))
    is_provisional = models.BooleanField(_("provisional"), default=False)
    voided_at = models.DateTimeField(_("void since"), null=True, blank=True)
    returned_on = models.DateField(_("cheque returned"), null=True, blank=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="receipt_number_once"),
            models.UniqueConstraint(
                fields=["organization", "form_number"], condition=~Q(form_number=""), name="receipt_form_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="receipt_newest")]

    def __str__(self) -> str:
        return self.number


class DocumentKind(models.TextChoices):
    ORIGINAL = "original", _("original")
    DUPLICATE = "duplicate", _("duplicate")
    VOID = "void", _("void")
    RETURNED = "returned", _("cheque returned")


class ReceiptDocument(models.Model):
    """A rendered, signed PDF in the archive, found by its SHA-256. Append-only (R155)."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="documents")
    kind = models.CharField(_("kind"), max_length=10, choices=DocumentKind.choices)
    is_provisional = models.BooleanField(_("provisional"), default=False)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveIntegerField(_("size"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("receipt document")
        verbose_name_plural = _("receipt documents")
        constraints = [
            models.UniqueConstraint(fields=["receipt", "kind", "is_provisional"], name="receipt_document_once"),
        ]
        indexes = [models.Index(fields=["sha256"], name="receipt_document_by_hash")]

    def __str__(self) -> str:
        return f"{self.receipt} {self.kind}"


class ReceiptCopy(models.Model):
    """A paper handed out: printed, mailed or downloaded, by whom. The first is the original, the rest duplicates.

    document: the very file. A provisional receipt and the final one that replaces it have an original each.
    """

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="copies")
    document = models.ForeignKey(ReceiptDocument, models.PROTECT, related_name="copies")
    how = models.CharField(_("how"), max_length=10)
    is_duplicate = models.BooleanField(_("duplicate"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("receipt copy")
        verbose_name_plural = _("receipt copies")
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(is_duplicate=False), name="receipt_copy_one_original"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.receipt} {self.how}"
