from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy as _

from billing.office.models import ApprovalRequest, Organization
from reconciliation.models.proof import BooksProof


class Closing(models.Model):
    """What a person signs at the end of a day or a month: the checklist as it was answered, and the figures. Frozen.

    round: 1, then one more each time it was reopened. checks, figures: as rules.checklist.frozen has them. digest:
    SHA-256 over both.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    closed_at = models.DateTimeField(_("closed at"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )
    remarks = models.CharField(_("remarks"), max_length=400, blank=True)
    checks = models.JSONField()
    figures = models.JSONField()
    digest = models.CharField(max_length=64)
    proof = models.ForeignKey(BooksProof, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True


class DayClose(Closing):
    """The end of a day, signed."""

    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("day end")
        verbose_name_plural = _("day ends")
        constraints = [models.UniqueConstraint(fields=["organization", "day", "round"], name="day_close_once")]

    def __str__(self) -> str:
        return f"{self.day}"


class DayReopening(models.Model):
    """A closed day was opened again, with a reason; a new close follows."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    day_close = models.OneToOneField(DayClose, models.PROTECT, related_name="reopening")
    reopened_at = models.DateTimeField(_("reopened at"))
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("reopened by")
    )
    reason = models.CharField(_("reason"), max_length=400)

    class Meta:
        verbose_name = _("reopened day")
        verbose_name_plural = _("reopened days")
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="day_reopened_with_reason")]

    def __str__(self) -> str:
        return f"{self.day_close}"


class MonthStart(models.Model):
    """Somebody began to close a month: from here on its minutes are counted."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    month = models.DateField(_("month"))
    begun_at = models.DateTimeField(_("begun at"))
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("begun by"))

    class Meta:
        verbose_name = _("begun month close")
        verbose_name_plural = _("begun month closes")
        constraints = [models.UniqueConstraint(fields=["organization", "month"], name="month_begun_once")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class MonthClose(Closing):
    """A month was closed: what was asked, what it came to, how many minutes it took from its beginning."""

    month = models.DateField(_("month"))
    minutes = models.PositiveIntegerField(_("minutes"))
    approval = models.OneToOneField(ApprovalRequest, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("month close")
        verbose_name_plural = _("month closes")
        constraints = [
            models.UniqueConstraint(fields=["organization", "month", "round"], name="month_close_once"),
            models.CheckConstraint(condition=Q(month=TruncMonth("month")), name="month_close_is_of_a_month"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class PackState(models.TextChoices):
    WANTED = "wanted", _("being made")
    MADE = "made", _("made")
    GIVEN_UP = "given_up", _("given up")


PACK_MOVES: dict[str, set[str]] = {
    PackState.WANTED: {PackState.MADE, PackState.GIVEN_UP},
    PackState.MADE: set(),
    PackState.GIVEN_UP: set(),
}


class MonthPack(models.Model):
    """The papers of a locked month in one ZIP file, made by the worker; when it is there, the month is locked.

    parts_done of parts_in_all: how far the worker is; part: on what. stored_as: the name on disk, encrypted; sha256 and
    size: of the file as it is downloaded. trouble: why it was given up.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    month = models.DateField(_("month"))
    approval = models.OneToOneField(ApprovalRequest, models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=8, choices=PackState.choices, default=PackState.WANTED)
    wanted_at = models.DateTimeField(_("wanted at"))
    wanted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    tried_at = models.DateTimeField(null=True, blank=True)
    part = models.CharField(_("part"), max_length=60, blank=True)
    parts_done = models.PositiveSmallIntegerField(default=0)
    parts_in_all = models.PositiveSmallIntegerField(default=0)
    contents = models.JSONField(default=list)
    stored_as = models.CharField(max_length=32, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(_("size"), default=0)
    made_at = models.DateTimeField(_("made at"), null=True, blank=True)
    trouble = models.CharField(_("trouble"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("pack of a month")
        verbose_name_plural = _("packs of months")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "month"], condition=~Q(state="given_up"), name="month_pack_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="made") | ~Q(stored_as="") & ~Q(sha256="") & Q(made_at__isnull=False, size__gt=0),
                name="month_pack_has_file",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
