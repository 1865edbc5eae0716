from datetime import UTC, date, datetime, time

from django.core.management.base import CommandError

from billing.management.daily import DailyCommand
from billing.office.clock import now
from billing.office.models import Organization
from payments.services.recovery.retrying import Retried, retry_due
from payments.services.recovery.workers import Crew


class Command(DailyCommand):
    help = (
        "Makes the further tries of failed charges whose time has come, up to the end of a day. Runs by itself every"
        " minute; killed or run again, it makes each try once."
    )

    def work(self, day: date | None, owner: Organization | None) -> None:
        instant, failed = now(), False
        owners = [owner] if owner else list(Organization.objects.filter(is_active=True).order_by("code"))
        for one in owners:
            today = one.today(instant)
            if day is not None and day > today:
                raise CommandError(f"--as-of: {day} is still to come for {one.code} (today is {today} there).")
        for one in owners:
            run = retry_due(now=instant, crew=Crew("command run_retries"), until=_end(one, day), organization=one)
            self.stdout.write(_line(one, run))
            failed = failed or bool(run.came["failed"])
        if failed:
            raise CommandError("Some charges could not be tried; see the log.", returncode=2)


def _end(organization: Organization, day: date | None) -> datetime | None:
    """The end of a day where the organization is."""
    return datetime.combine(day, time.max, organization.zone).astimezone(UTC) if day else None


def _line(organization: Organization, run: Retried) -> str:
    came = ", ".join(f"{count} {word}" for word, count in sorted(run.came.items()))
    return f"{organization.code}: {run.looked_at} tries due{f' ({came})' if came else ''}, {run.reopened} taken up anew"
