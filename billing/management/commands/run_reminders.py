from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput
from billing.inputs import parse_day
from billing.management.loading import find_organization
from billing.office.acting import acting
from billing.office.clock import now
from billing.services.chasing.running import Chased, NotYet, chase


class Command(BaseCommand):
    help = (
        "Chases what is due: reminders before and after the due day, late fees, suspension, lapse, collections. Runs by"
        " itself every hour; killed or run again, it takes each step once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", metavar="DATE", help="2026-03-31; today in each organization, if left out")
        parser.add_argument("--organization", metavar="CODE", help="all, if left out")

    def handle(self, *, as_of: str | None, organization: str | None, **options: Any) -> None:
        owner = find_organization(organization) if organization else None
        day = _read(as_of)
        with acting(None, "command run_reminders"):
            try:
                runs = chase(as_of=day, now=now(), organization=owner)
            except NotYet as refusal:
                raise CommandError(f"--as-of: {refusal}") from None
        for run in runs:
            for line in _lines(run):
                self.stdout.write(line)
        if any(run.troubles for run in runs):
            raise CommandError("Some customers could not be worked on.", returncode=2)


def _read(as_of: str | None) -> date | None:
    try:
        return parse_day(as_of, field="as-of") if as_of else None
    except BadInput as trouble:
        raise CommandError(f"--as-of: {trouble}") from None


def _lines(run: Chased) -> Iterator[str]:
    did = run.tally
    yield (
        f"{run.organization.code}: {did.reminded} reminders, {did.fees} late fees, {did.suspended} suspended,"
        f" {did.lapsed} lapsed, {did.collections} collection cases, {did.held} held, {did.opened} timelines opened,"
        f" {did.broken_plans} invoices of broken plans"
    )
    for customer, trouble in run.troubles:
        yield f"  customer {customer}: {trouble}"
