from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.office.models import Organization
from payments.models import BankAccount


class BankFileState(models.TextChoices):
    RECEIVED = "received", _("waits to be read")
    READING = "reading", _("being read")
    STORED = "stored", _("taken in")
    REFUSED = "refused", _("refused")
    UNDONE = "undone", _("taken back")


BANK_FILE_MOVES: dict[str, set[str]] = {
    BankFileState.RECEIVED: {BankFileState.READING},
    # Back to waiting when the worker that read it died.
    BankFileState.READING: {BankFileState.STORED, BankFileState.REFUSED, BankFileState.RECEIVED},
    BankFileState.STORED: {BankFileState.UNDONE},
    BankFileState.REFUSED: {BankFileState.RECEIVED},
    BankFileState.UNDONE: set(),
}


class BankFile(models.Model):
    """A file a bank made, as it came: its bytes lie encrypted on disk, found by their hash (invariant 43).

    chosen: the account it was handed in for. stored_as: the name on disk, "" of a refused file, which is not kept.
    wishes: what the person who handed it in agreed to: "gap" (a file before it is missing), "reissue" (it replaces
    one). problems: [code, place, sentence, flags]. figures: what it says, as read_statement prints it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    chosen = models.ForeignKey(BankAccount, models.PROTECT, related_name="files", verbose_name=_("bank account"))
    name = models.CharField(_("file"), max_length=120)
    size = models.BigIntegerField(_("size"))
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=32, blank=True)
    format = models.CharField(_("format"), max_length=20, default="auto")
    wishes = models.JSONField(default=list)
    state = models.CharField(_("state"), max_length=8, choices=BankFileState.choices, default=BankFileState.RECEIVED)
    is_flagged = models.BooleanField(_("to be looked at"), default=False)
    refusal = models.CharField(max_length=40, blank=True)
    problems = models.JSONField(_("remarks"), default=list)
    figures = models.JSONField(_("figures"), default=dict)
    entries_read = models.IntegerField(_("lines read"), default=0)
    lines_new = models.IntegerField(_("new lines"), default=0)
    lines_known = models.IntegerField(_("lines already known"), default=0)
    handed_in_at = models.DateTimeField(_("handed in"))
    handed_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("by"),
    )  # fmt: skip
    claimed_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    undone_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    undo_reason = models.CharField(_("why"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")
        constraints = [
            models.UniqueConstraint(
                fields=["chosen", "sha256"], condition=~Q(state__in=["undone", "refused"]), name="bank_file_once"
            ),
            models.CheckConstraint(
                condition=Q(state="undone", undone_at__isnull=False) & ~Q(undo_reason="")
                | ~Q(state="undone") & Q(undone_at__isnull=True),
                name="bank_file_undone_with_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="bank_file_newest"),
            models.Index(fields=["id"], condition=Q(state__in=["received", "reading"]), name="bank_file_to_read"),
        ]

    def __str__(self) -> str:
        return self.name
