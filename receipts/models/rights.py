"""What people may ask about their own data: a copy of it, and its erasure."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.office.models import ApprovalRequest, Organization


class ExportState(models.TextChoices):
    WANTED = "wanted", _("being made")
    READY = "ready", _("ready")
    EXPIRED = "expired", _("no longer kept")


class DataExport(models.Model):
    """A copy of what is kept about a person, as a zip to fetch for seven days (R171, right of access).

    user: whose data, all own customers of every school with it; then customer is empty. customer: whose, where the
    office makes it for somebody who asked in writing; then user is empty. stored_as, sha256, size: of the sealed file.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, db_constraint=False, related_name="data_exports",
        verbose_name=_("customer"),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=10, choices=ExportState.choices, default=ExportState.WANTED)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    made_at = models.DateTimeField(_("made at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)
    taken_at = models.DateTimeField(_("fetched at"), null=True, blank=True)
    stored_as = models.CharField(max_length=32, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    counts = models.JSONField(_("what is in it"), default=dict)

    class Meta:
        verbose_name = _("copy of personal data")
        verbose_name_plural = _("copies of personal data")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, customer__isnull=True, organization__isnull=True)
                | Q(user__isnull=True, customer__isnull=False, organization__isnull=False),
                name="data_export_of_one",
            ),
            models.CheckConstraint(
                condition=Q(state="wanted", made_at__isnull=True)
                | ~Q(state="wanted") & Q(made_at__isnull=False, expires_at__isnull=False),
                name="data_export_made_when_ready",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(state="wanted", user__isnull=False), name="data_export_one_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(state="wanted", customer__isnull=False),
                name="data_export_of_customer_one_at_a_time",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["state"], condition=~Q(state="expired"), name="data_export_alive")]

    def __str__(self) -> str:
        return f"{self.user or self.customer} {self.asked_at:%Y-%m-%d}"


class ErasureState(models.TextChoices):
    ASKED = "asked", _("asked for")
    REFUSED = "refused", _("refused")
    DONE = "done", _("carried out")


class ErasureCase(models.Model):
    """Somebody asks that what may be erased about a customer is erased (R171). A second person decides.

    by_parent: asked for on the pages rather than at the desk. report: how many rows of each kind were erased, and what
    is kept until which day by which rule; never what stood there.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="erasures", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=10, choices=ErasureState.choices, default=ErasureState.ASKED)
    by_parent = models.BooleanField(_("asked by the family"))
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    approval = models.ForeignKey(ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="+")
    answer = models.CharField(_("answer"), max_length=400, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    report = models.JSONField(_("what was erased"), default=dict)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(state="asked"), name="erasure_asked_once"),
            models.CheckConstraint(
                condition=Q(state="asked", settled_at__isnull=True) | ~Q(state="asked") & Q(settled_at__isnull=False),
                name="erasure_settled_with_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.get_state_display()}"


class RetentionRun(models.Model):
    """One run of the purge over one kind of data: how many rows, up to which day. Append-only.

    held: rows that were old enough and stayed, because a dispute or a debt needs them. organization: empty for what
    belongs to none, such as sign-ins.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(_("kind of data"), max_length=30)
    until = models.DateField(_("older than"))
    count = models.PositiveIntegerField(_("rows"))
    held = models.PositiveIntegerField(_("kept for a dispute or a hold"), default=0)
    ran_at = models.DateTimeField(_("ran at"))

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        indexes = [models.Index(fields=["organization", "-id"], name="retention_run_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.until}: {self.count}"
