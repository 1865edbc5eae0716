"""Jobs of receipts, offered the time once a minute by config.tasks."""

from datetime import datetime

from billing.office.acting import acting
from receipts.services.maturing import MaturityReport, mature_cheques
from receipts.services.refunds import issue_missing_papers

RETRY_AT = 0  # the minute of each hour at which cheques that could not be booked are tried again


def mature_due_cheques(now: datetime) -> MaturityReport:
    """Book the cheques whose day has begun where they are. While none is due: one query on a small index."""
    with acting(None, "job mature_cheques"):
        return mature_cheques(as_of=None, now=now, retry=now.minute == RETRY_AT)


def issue_refund_papers(now: datetime) -> int:
    """Make the papers of refunds that were paid and have none."""
    with acting(None, "job issue_refund_papers"):
        return issue_missing_papers(now=now)
