from collections.abc import Iterator
from datetime import date

from django.core.management.base import CommandError

from billing.management.daily import DailyCommand
from billing.office.clock import now
from billing.office.models import Organization
from receipts.services.maturing import Matured, NotYet, mature_cheques


class Command(DailyCommand):
    help = (
        "Turns the post-dated cheques whose day has come into payments, each applied and with its receipt. Runs by"
        " itself every day; killed or run again, it books each cheque once. Nothing happens on a day off."
    )

    def work(self, day: date | None, owner: Organization | None) -> None:
        try:
            report = mature_cheques(as_of=day, now=now(), organization=owner)
        except NotYet as refusal:
            raise CommandError(f"--as-of: {refusal}") from None
        if not report.organizations:
            self.stdout.write("Nothing is due.")
        for part in report.organizations:
            for line in _lines(part):
                self.stdout.write(line)


def _lines(part: Matured) -> Iterator[str]:
    if part.is_closed:
        yield f"{part.organization.code}: {part.as_of} is no business day; nothing was done"
        return
    yield (
        f"{part.organization.code}: {part.matured} matured, {part.waiting} waiting for a second person,"
        f" {part.troubled} troubled"
    )
    for trouble in part.troubles:
        yield f"  {trouble.cheque}: {trouble.sentence}"
