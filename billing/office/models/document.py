from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models.organization import Organization
from billing.office.models.user import User


class KeptDocument(models.Model):
    """A picture or PDF that somebody handed in, kept as evidence. Erased, never changed; encrypted on disk.

    subject: what it is about, "cheque:17". kind: what it shows there, "front", "evidence", "consent". name: the file's
    name as given, cleaned, only to show. size and sha256: of what is kept, unencrypted. stored_as: the name on disk.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    subject = models.CharField(_("about"), max_length=80)
    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=120)
    media_type = models.CharField(_("type"), max_length=40)
    size = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=32)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)
    kept_at = models.DateTimeField(_("kept at"))
    kept_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("kept by")
    )

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            # Begins with what documents are looked up by, so it is their index too.
            models.UniqueConstraint(fields=["organization", "subject", "sha256"], name="kept_document_once")
        ]

    def __str__(self) -> str:
        return self.name
