from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models import Organization


class BooksProof(models.Model):
    """All invariants asked of one snapshot of an organization's books, with what they found. Append-only.

    position: 1, 2, 3 … of an organization. findings: each rule with its number, name, sentence, how many rows break
    it, the first of them and its seconds. audit_position, audit_head: the end of the audit chain that the snapshot saw.
    digest: SHA-256 of all of it and of the digest before; signature and certificate: over the digest.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(_("number"))
    day = models.DateField(_("day"))
    is_nightly = models.BooleanField(_("by the clock"))
    proved_at = models.DateTimeField(_("proved at"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    findings = models.JSONField()
    counts = models.JSONField()
    rule_count = models.PositiveIntegerField(_("rules"))
    broken_count = models.PositiveIntegerField(_("broken"))
    seconds = models.DecimalField(_("seconds"), max_digits=9, decimal_places=3)
    audit_position = models.BigIntegerField()
    audit_head = models.CharField(max_length=64, blank=True)
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    signature = models.TextField()
    certificate = models.TextField()

    class Meta:
        verbose_name = _("proof of the books")
        verbose_name_plural = _("proofs of the books")
        constraints = [
            models.UniqueConstraint(fields=["organization", "position"], name="books_proof_position_once"),
            models.UniqueConstraint(
                fields=["organization", "day"], condition=models.Q(is_nightly=True), name="books_proof_once_a_night"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"PRF-{self.position:08d}"

    @property
    def holds(self) -> bool:
        return not self.broken_count


class ProofRequest(models.Model):
    """The books are to be proved: in the night of a day, or now because somebody asks (day empty). The worker does it.

    tried_at: when a worker began; one that died leaves it, and another begins after a while.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    day = models.DateField(_("night of"), null=True, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    tried_at = models.DateTimeField(null=True, blank=True)
    proof = models.ForeignKey(BooksProof, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("request for a proof")
        verbose_name_plural = _("requests for proofs")
        constraints = [
            models.UniqueConstraint(fields=["organization", "day"], name="proof_request_once_a_night"),
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(proof__isnull=True, day__isnull=True),
                name="proof_request_waits_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.asked_at}"
