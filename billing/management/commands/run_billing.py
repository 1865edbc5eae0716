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
from billing.selectors.run_facts import run_figures
from billing.services.runs.carrying_out import RunOutcome
from billing.services.runs.driving import BillingReport, run_billing


class Command(BaseCommand):
    help = (
        "Bills the instalments and charges that are due. Where a second person approves runs, it carries out those that"
        " were approved and prepares the next one to look at. Runs by itself; killed or run again, each period is"
        " billed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", metavar="DATE", help="2026-03-31; today in each organization, if left out")
        parser.add_argument("--organization", metavar="CODE", help="all, if left out")

    def handle(self, *, as_of: str | None, organization: str | None, **options: Any) -> None:
        owner = find_organization(organization) if organization else None
        day = _read(as_of)
        with acting(None, "command run_billing"):
            reports = run_billing(as_of=day, now=now(), organization=owner)
        if not reports:
            self.stdout.write("Nothing to bill.")
        for report in reports:
            for line in _lines(report):
                self.stdout.write(f"{report.organization.code}: {line}")


def _read(as_of: str | None) -> date | None:
    try:
        return parse_day(as_of, field="as-of") if as_of else None
    except BadInput as trouble:
        raise CommandError(f"--as-of: {trouble}") from None


def _lines(report: BillingReport) -> Iterator[str]:
    for outcome in report.outcomes:
        yield _done(outcome)
        for trouble in outcome.troubles:
            yield f"  {trouble}"
    if report.prepared is not None:
        figures = run_figures(report.prepared)
        yield (
            f"{report.prepared.number} prepared to look at: {figures.bills} bills up to {report.prepared.bill_until},"
            f" {figures.words}"
        )
    if report.open is not None:
        yield f"{report.open.number} waits to be approved or cancelled"
    if report.trouble:
        yield report.trouble


def _done(outcome: RunOutcome) -> str:
    return (
        f"{outcome.run.number} {'done' if outcome.is_done else 'not done yet'}: {outcome.invoices} invoices,"
        f" {outcome.memos} credit memos, {outcome.without_document} without a document,"
        f" {outcome.skipped} with nothing attended, {outcome.refused} refused"
    )
