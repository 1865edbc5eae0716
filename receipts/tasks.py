"""Jobs of receipts, offered the time once a minute by config.tasks."""

from datetime import datetime

from django_q.tasks import async_task

from billing.office.acting import acting
from billing.office.models import Organization
from receipts.services.maturing import MaturityReport, mature_cheques
from receipts.services.monthly import make_family_statements, months_due, start_monthly
from receipts.services.paper_making import make_statements
from receipts.services.refunds import issue_missing_papers
from receipts.services.rights.exporting import forget_old, make_wanted
from receipts.services.rights.purging import purge, purge_sign_ins

# How long statements are made within the tick, and by a task of their own, which rings again while some are left.
TICK_SECONDS, TASK_SECONDS = 20, 75
PURGE_HOUR, PURGE_MINUTE = 3, 30  # in the organization's zone; sign-ins belong to none: UTC
MONTHLY_EVERY = 5  # minutes
RETRY_AT = 0  # the minute of each hour at which cheques that could not be booked are tried again


def mature_due_cheques(now: datetime) -> MaturityReport:
    """Book the cheques whose day has begun where they are. While none is due: one query on a small index."""
    with acting(None, "job mature_cheques"):
        return mature_cheques(as_of=None, now=now, retry=now.minute == RETRY_AT)


def issue_refund_papers(now: datetime) -> int:
    """Make the papers of refunds that were paid and have none."""
    with acting(None, "job issue_refund_papers"):
        return issue_missing_papers(now=now)


def start_monthly_statements(now: datetime) -> int:
    """Start the statements of the month before where their day has come, and make those across organizations."""
    if now.minute % MONTHLY_EVERY:
        return 0
    with acting(None, "job start_monthly_statements"):
        months = months_due(now)
        started = start_monthly(months=months, now=now) if months else []
        return len(started) + make_family_statements(months=months, now=now, seconds=TICK_SECONDS)


def make_papers(now: datetime) -> int:
    """Go on with runs of statements: also those whose worker died."""
    with acting(None, "job make_papers"):
        return make_statements(seconds=TICK_SECONDS)


def make_papers_now() -> int:
    """The doorbell of a run that was started just now; it rings itself again until nothing is left to make."""
    with acting(None, "job make_papers_now"):
        done = make_statements(seconds=TASK_SECONDS)
    if done:
        async_task("receipts.tasks.make_papers_now")
    return done


def make_data_copies(now: datetime) -> int:
    """Make the copies of personal data that were asked for; forget those whose days are over."""
    with acting(None, "job make_data_copies"):
        forget_old(now=now)
        return make_wanted(now=now)


def purge_old(now: datetime) -> int:
    """Once a night, at each organization's half past three, purge what is older than its settings say."""
    runs = 0
    with acting(None, "job purge_old"):
        for organization in Organization.objects.filter(is_active=True).order_by("pk"):
            local = now.astimezone(organization.zone)
            if (local.hour, local.minute) == (PURGE_HOUR, PURGE_MINUTE):
                runs += len(purge(organization=organization, now=now))
        if (now.hour, now.minute) == (PURGE_HOUR, PURGE_MINUTE):
            runs += len(purge_sign_ins(now=now))
    return runs
