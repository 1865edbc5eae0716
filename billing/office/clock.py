"""The one place that reads the time. Doors call it once and pass `now` on."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    return timezone.now()
