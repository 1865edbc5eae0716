"""Jobs of payments, offered the time once a minute by config.tasks."""

from datetime import datetime

from billing.office.acting import acting
from payments.services.refund_alarms import alarm_late_refunds

ALARM_AT = 5  # the minute of each hour


def alarm_refunds(now: datetime) -> int:
    """Once an hour, tell the managers of refunds that became late."""
    if now.minute != ALARM_AT:
        return 0
    with acting(None, "job alarm_refunds"):
        return alarm_late_refunds(now=now)
