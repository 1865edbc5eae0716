from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.office.models import Organization
from receipts.models.issued_paper import IssuedPaper


class Choice(models.TextChoices):
    MOVED = "moved", _("with anything in the period, or a balance")
    OWING = "owing", _("with something open on the last day")
    CHOSEN = "chosen", _("only these")


class PaperRunState(models.TextChoices):
    RUNNING = "running", _("being made")
    PAUSED = "paused", _("paused")
    CANCELLED = "cancelled", _("cancelled")
    DONE = "done", _("done")


PAPER_RUN_MOVES: dict[str, set[str]] = {
    PaperRunState.RUNNING: {PaperRunState.PAUSED, PaperRunState.CANCELLED, PaperRunState.DONE},
    PaperRunState.PAUSED: {PaperRunState.RUNNING, PaperRunState.CANCELLED},
    PaperRunState.CANCELLED: set(),
    PaperRunState.DONE: {PaperRunState.RUNNING},
}


class PaperRun(models.Model):
    """Statements of many customers, made in chunks by the worker; what is made stays, whatever stops it (R155, R157).

    started_by: empty where the organization's setting started it; by_email is then whether families are told, by
    whichever way they chose. stored_as, sha256, size: the ZIP of all its papers, sealed, once it is done. trouble: why
    it paused by itself.
    A finished run may go on for those that failed.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    choice = models.CharField(_("which customers"), max_length=8, choices=Choice.choices)
    by_email = models.BooleanField(_("by e-mail"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=PaperRunState.choices, default=PaperRunState.RUNNING)
    trouble = models.CharField(_("trouble"), max_length=400, blank=True)
    request_key = models.CharField(max_length=80)
    started_at = models.DateTimeField(_("started"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+"
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    stored_as = models.CharField(max_length=80, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size"), default=0)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("run of papers")
        verbose_name_plural = _("runs of papers")
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="paper_run_request_once"),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="paper_run_period_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.period_start} – {self.period_end}"


class PaperItemState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DONE = "done", _("made")
    FAILED = "failed", _("failed")


class PaperRunItem(models.Model):
    """One customer of a run. claimed_at: a worker makes it now; after a while another may take it.

    is_new: no paper that said the same was there already.
    """

    run = models.ForeignKey(PaperRun, models.PROTECT, db_index=False, related_name="items")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=8, choices=PaperItemState.choices, default=PaperItemState.WAITING)
    paper = models.ForeignKey(IssuedPaper, models.PROTECT, null=True, related_name="+")
    is_new = models.BooleanField(_("new"), default=False)
    trouble = models.CharField(_("trouble"), max_length=400, blank=True)
    claimed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "customer"], name="paper_run_item_once")]
        indexes = [models.Index(fields=["run", "state", "id"], name="paper_run_item_by_state")]

    def __str__(self) -> str:
        return f"{self.run} {self.customer_id}"
