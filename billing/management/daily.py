"""What the commands of the daily jobs have in common: as of which day, for which organization, written by whom."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput
from billing.inputs import parse_day
from billing.management.loading import find_organization
from billing.office.acting import acting
from billing.office.models import Organization


class DailyCommand(BaseCommand):
    """Does a daily job now, as a person would who cannot wait for the clock."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", metavar="DATE", help="2026-03-31; today in each organization, if left out")
        parser.add_argument("--organization", metavar="CODE", help="all, if left out")

    def handle(self, *, as_of: str | None, organization: str | None, **options: Any) -> None:
        owner = find_organization(organization) if organization else None
        try:
            day = parse_day(as_of, field="as-of") if as_of else None
        except BadInput as trouble:
            raise CommandError(f"--as-of: {trouble}") from None
        with acting(None, f"command {type(self).__module__.rpartition('.')[2]}"):
            self.work(day, owner)

    def work(self, day: date | None, owner: Organization | None) -> None:
        """day None: today in each organization. owner None: all of them. Raises CommandError."""
        raise NotImplementedError
