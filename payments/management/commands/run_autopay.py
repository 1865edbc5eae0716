from datetime import date

from django.core.management.base import CommandError

from billing.management.daily import DailyCommand
from billing.office.clock import now
from billing.office.models import Organization
from payments.services.recovery.autopay import charge_due
from payments.services.recovery.workers import Crew


class Command(DailyCommand):
    help = (
        "Charges invoices that are due to those who wished to be charged by themselves. Runs by itself every minute;"
        " killed or run again, it charges each once."
    )

    def work(self, day: date | None, owner: Organization | None) -> None:
        instant = now()
        owners = [owner] if owner else list(Organization.objects.filter(is_active=True).order_by("code"))
        for one in owners:
            today = one.today(instant)
            if day is not None and day > today:
                raise CommandError(f"--as-of: {day} is still to come for {one.code} (today is {today} there).")
        failed = False
        for one in owners:
            crew = Crew("command run_autopay")
            for run in charge_due(now=instant, crew=crew, as_of=day or one.today(instant), organization=one):
                came = ", ".join(f"{count} {word}" for word, count in sorted(run.came.items()))
                self.stdout.write(f"{one.code}: {sum(run.came.values())} charges due{f' ({came})' if came else ''}")
                failed = failed or bool(run.came["failed"])
        if failed:
            raise CommandError("Some charges could not be made; see the log.", returncode=2)
