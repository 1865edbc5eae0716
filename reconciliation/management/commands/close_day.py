from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from billing.errors import DomainError
from billing.management.daily import DailyCommand
from billing.office.clock import now
from billing.office.models import Organization
from billing.transactions import in_transaction
from reconciliation.models import DayClose
from reconciliation.selectors.closed_days import standing_close
from reconciliation.selectors.closing_checks import ask_day
from reconciliation.services.closing_days import close_day


class Command(DailyCommand):
    help = (
        "Asks the checklist of a day's end and closes the day if nothing is in the way. A day that is closed stays as"
        " it is, so the command may run twice. Exit code 2 when a day could not be closed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--remarks", default="", help="a word about what the checklist warns of")

    def handle(self, *, as_of: str | None, organization: str | None, **options: Any) -> None:
        self.remarks = options["remarks"]
        super().handle(as_of=as_of, organization=organization, **options)

    def work(self, day: date | None, owner: Organization | None) -> None:
        instant, refused = now(), []
        for one in [owner] if owner else Organization.objects.filter(is_active=True).order_by("code"):
            wanted = day or one.today(instant)
            standing = standing_close(one, wanted)
            if standing is not None:
                self.stdout.write(f"{one.code} {wanted}: closed already, {standing.digest}")
                continue
            for line in ask_day(one, wanted, instant):
                amounts = ", ".join(f"{amount:.2f} {name}" for name, amount in sorted(line.answer.amounts.items()))
                words = " ".join(filter(None, (amounts, line.answer.words)))
                self.stdout.write(f"  {line.answer.outcome:7} {line.answer.count:>4} {line.check.code:12} {words}")
            try:
                close = self._close(one, wanted, instant)
                self.stdout.write(f"{one.code} {wanted}: closed, {close.digest}")
            except DomainError as refusal:
                refused.append(f"{one.code} {wanted}: {refusal}")
        if refused:
            raise CommandError("\n".join(refused), returncode=2)

    def _close(self, organization: Organization, day: date, instant: Any) -> DayClose:
        return in_transaction(
            lambda: close_day(organization=organization, day=day, remarks=self.remarks, now=instant, by=None)
        )
