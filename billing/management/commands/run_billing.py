from collections.abc import Iterator
from datetime import date

from billing.management.daily import DailyCommand
from billing.office.clock import now
from billing.office.models import Organization
from billing.selectors.run_facts import run_figures
from billing.services.runs.carrying_out import RunOutcome
from billing.services.runs.driving import BillingReport, run_billing


class Command(DailyCommand):
    help = (
        "Bills the instalments and charges that are due. Where a second person approves runs, it carries out those that"
        " were approved and prepares the next one to look at. Runs by itself; killed or run again, each period is"
        " billed once."
    )

    def work(self, day: date | None, owner: Organization | None) -> None:
        reports = run_billing(as_of=day, now=now(), organization=owner)
        if not reports:
            self.stdout.write("Nothing to bill.")
        for report in reports:
            for line in _lines(report):
                self.stdout.write(f"{report.organization.code}: {line}")


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
