"""Hours in which a family is left alone (R172). Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_quiet(at: datetime, zone: ZoneInfo, quiet_from: time, quiet_until: time) -> bool:
    """Whether a moment lies in the quiet hours of a place: from the first on, until before the last; over midnight
    where the first is the later one. Equal: never."""
    local = at.astimezone(zone).time().replace(tzinfo=None)
    if quiet_from <= quiet_until:
        return quiet_from <= local < quiet_until
    return local >= quiet_from or local < quiet_until


def after_quiet(at: datetime, zone: ZoneInfo, quiet_from: time, quiet_until: time) -> datetime:
    """The moment itself, or the end of the quiet hours it lies in.

    An end that clocks skip is the moment after the gap; one that happens twice is the first that is not over.
    """
    if not is_quiet(at, zone, quiet_from, quiet_until):
        return at
    local = at.astimezone(zone)
    day = local.date()
    if quiet_from > quiet_until and local.time() >= quiet_from:
        day += timedelta(days=1)
    ends = (datetime.combine(day, quiet_until, zone).replace(fold=fold) for fold in (0, 1))
    return next((end.astimezone(at.tzinfo) for end in ends if end.timestamp() >= at.timestamp()), at)
