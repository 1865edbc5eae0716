from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models.organization import Organization


class AuditSeal(models.Model):
    """One block of the audit chain: all audit rows of one transaction, sealed by a database trigger at commit."""

    xid = models.CharField(max_length=20, editable=False)
    position = models.BigIntegerField(null=True, unique=True)
    row_count = models.IntegerField(null=True)
    previous = models.BinaryField(null=True)
    digest = models.BinaryField(null=True)
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["xid"], condition=models.Q(position__isnull=True), name="audit_seal_open"),
        ]

    def __str__(self) -> str:
        return f"seal {self.position}"


class AuditEntry(models.Model):
    """One changed row: who, when, from where, before, after, why. Written by triggers, so raw SQL is in it too.

    blotted: the digest under which the row was sealed, if personal data was erased from it since. See
    Note [How a sealed row is blotted].
    """

    seal = models.ForeignKey(AuditSeal, models.PROTECT, related_name="entries")
    organization = models.ForeignKey(Organization, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    at = models.DateTimeField(_("at"))
    table_name = models.CharField(_("table"), max_length=63)
    row_id = models.BigIntegerField(_("row"))
    operation = models.CharField(_("what"), max_length=6)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    actor = models.CharField(_("who"), max_length=80, blank=True)
    origin = models.CharField(_("from where"), max_length=80, blank=True)
    reason = models.CharField(_("why"), max_length=400, blank=True)
    blotted = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [models.Index(fields=["table_name", "row_id"], name="audit_of_row")]

    def __str__(self) -> str:
        return f"{self.operation} {self.table_name} {self.row_id}"
