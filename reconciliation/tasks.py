"""Jobs of reconciliation, offered the time once a minute by config.tasks."""

from datetime import datetime

from billing.office.acting import acting
from reconciliation.services.proving import prove_due

# No proof is begun after this long, so that the other jobs of the minute are not kept waiting by many organizations.
PROVE_SECONDS = 20


def prove_books(now: datetime) -> int:
    """Once a night of each organization's calendar, and when somebody asks: every invariant of its books."""
    with acting(None, "job prove_books"):
        return prove_due(now=now, seconds=PROVE_SECONDS)
