from collections.abc import Iterator
from datetime import date

from django.core.management.base import CommandError

from billing.management.daily import DailyCommand
from billing.office.clock import now
from billing.office.models import Organization
from billing.services.chasing.running import Chased, NotYet, chase


class Command(DailyCommand):
    help = (
        "Chases what is due: reminders before and after the due day, late fees, suspension, lapse, collections. Runs by"
        " itself every hour; killed or run again, it takes each step once."
    )

    def work(self, day: date | None, owner: Organization | None) -> None:
        try:
            runs = chase(as_of=day, now=now(), organization=owner)
        except NotYet as refusal:
            raise CommandError(f"--as-of: {refusal}") from None
        for run in runs:
            for line in _lines(run):
                self.stdout.write(line)
        if any(run.troubles for run in runs):
            raise CommandError("Some customers could not be worked on.", returncode=2)


def _lines(run: Chased) -> Iterator[str]:
    did = run.tally
    yield (
        f"{run.organization.code}: {did.reminded} reminders, {did.fees} late fees, {did.suspended} suspended,"
        f" {did.lapsed} lapsed, {did.collections} collection cases, {did.held} held, {did.opened} timelines opened,"
        f" {did.broken_plans} invoices of broken plans"
    )
    for customer, trouble in run.troubles:
        yield f"  customer {customer}: {trouble}"
