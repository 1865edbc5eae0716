from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class EventState(models.TextChoices):
    """parked: nobody here knows what it speaks of, yet. failed: could not be worked on, is tried again."""

    RECEIVED = "received", _("received")
    PROCESSED = "processed", _("worked on")
    PARKED = "parked", _("parked")
    FAILED = "failed", _("failed")


EVENT_MOVES: dict[str, set[str]] = {
    EventState.RECEIVED: {EventState.PROCESSED, EventState.PARKED, EventState.FAILED},
    EventState.PARKED: {EventState.PROCESSED, EventState.PARKED, EventState.FAILED},
    EventState.FAILED: {EventState.PROCESSED, EventState.PARKED, EventState.FAILED},
    EventState.PROCESSED: set(),
}


class WebhookEvent(models.Model):
    """The inbox: what an outsider told us, proven to come from it, kept before anybody acts on it (R47, R150, R182).

    configuration: whose credentials signed it. event_id: the outsider's, unique with configuration, kept for 13
    months. facts: scrubbed. The body itself is not kept: truth is read back from the outsider.
    """

    configuration = models.CharField(_("from"), max_length=40)
    event_id = models.CharField(max_length=200)
    topic = models.CharField(_("about"), max_length=14)
    name = models.CharField(_("named"), max_length=120)
    ref = models.CharField(_("reference"), max_length=200, blank=True)
    key = models.CharField(max_length=40, blank=True)
    facts = models.JSONField(default=dict)
    body_hash = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=EventState.choices, default=EventState.RECEIVED)
    occurred_at = models.DateTimeField(_("happened at"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"))
    repeats = models.PositiveIntegerField(_("told again"), default=0)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(_("trouble"), max_length=400, blank=True)
    effect = models.CharField(_("what it did"), max_length=200, blank=True)
    processed_at = models.DateTimeField(_("worked on at"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [models.UniqueConstraint(fields=["configuration", "event_id"], name="webhook_once")]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="webhook_due"),
            models.Index(fields=["-received_at"], name="webhook_newest"),
            models.Index(fields=["ref"], name="webhook_by_ref"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.ref}"


class WebhookRefusal(models.Model):
    """Calls that could not prove where they came from: counted by source, day and why; nothing of them is kept."""

    configuration = models.CharField(max_length=40)
    on = models.DateField(_("day"))
    why = models.CharField(_("why"), max_length=20)
    times = models.PositiveIntegerField(_("times"), default=0)

    class Meta:
        verbose_name = _("refused webhook")
        verbose_name_plural = _("refused webhooks")
        constraints = [models.UniqueConstraint(fields=["configuration", "on", "why"], name="webhook_refusal_once")]

    def __str__(self) -> str:
        return f"{self.configuration} {self.on} {self.why}"
