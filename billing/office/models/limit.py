"""How often somebody asked within a span of time, counted for all web processes together."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AskedCount(models.Model):
    """One row for each who asks for something, of the span that runs.

    key: keyed hash of what was asked for and by whom, so that no address is kept here. begun_at: of the span.
    """

    key = models.CharField(max_length=64, primary_key=True)
    begun_at = models.DateTimeField(_("since"), db_index=True)
    asked = models.PositiveIntegerField(_("asked"))

    class Meta:
        verbose_name = _("count of requests")
        verbose_name_plural = _("counts of requests")

    def __str__(self) -> str:
        return f"{self.asked} since {self.begun_at}"
