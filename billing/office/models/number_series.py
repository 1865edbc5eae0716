from django.db import models

from billing.office.models.organization import Organization


class NumberSeries(models.Model):
    """A counter row. Its lock is the mutex that keeps a series without holes, so it is taken last (R9, R153)."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    series = models.CharField(max_length=8)
    period = models.CharField(max_length=10)
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "series", "period"], name="number_series_once"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.period}: {self.last}"
