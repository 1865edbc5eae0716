"""The only schedule there is.

The queue's scheduler fires nothing at all while one of its rows is malformed, and replays or forgets the rest
at its own discretion. So it gets one row, which rings every minute; `config.tasks` decides, from our own
tables, what is due.
"""

from typing import Any

from django.db import connections
from django_q.models import Schedule

TICK = "config.tasks.tick"


def ensure_tick() -> None:
    """Make the row, or make it right again: one that a person edited or doubled is put back."""
    kept = Schedule.objects.filter(func=TICK).order_by("pk").first() or Schedule(func=TICK)
    Schedule.objects.filter(func=TICK).exclude(pk=kept.pk).delete()
    kept.name = "tick"
    kept.args = kept.kwargs = kept.hook = kept.cron = None
    kept.schedule_type = Schedule.MINUTES
    kept.minutes = 1
    kept.repeats = -1
    kept.save()


def ensure_tick_after_migrate(*, using: str, **kwargs: Any) -> None:
    """Every migrated database has the row, whoever starts the cluster; a partial migrate may be too early."""
    if Schedule._meta.db_table in connections[using].introspection.table_names():
        ensure_tick()
