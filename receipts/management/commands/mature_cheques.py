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
from receipts.services.maturing import Matured, NotYet, mature_cheques


class Command(BaseCommand):
    help = (
        "Turns the post-dated cheques whose day has come into payments, each applied and with its receipt. Runs by"
        " itself every day; killed or run again, it books each cheque once. Nothing happens on a day off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", metavar="DATE", help="2026-03-31; today in each organization, if left out")
        parser.add_argument("--organization", metavar="CODE", help="all, if left out")

    def handle(self, *, as_of: str | None, organization: str | None, **options: Any) -> None:
        owner = find_organization(organization) if organization else None
        day = _read(as_of)
        with acting(None, "command mature_cheques"):
            try:
                report = mature_cheques(as_of=day, now=now(), organization=owner)
            except NotYet as refusal:
                raise CommandError(f"--as-of: {refusal}") from None
        if not report.organizations:
            self.stdout.write("Nothing is due.")
        for part in report.organizations:
            for line in _lines(part):
                self.stdout.write(line)


def _read(as_of: str | None) -> date | None:
    try:
        return parse_day(as_of, field="as-of") if as_of else None
    except BadInput as trouble:
        raise CommandError(f"--as-of: {trouble}") from None


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
