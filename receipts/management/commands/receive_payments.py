from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from billing.management.loading import FileCommand, find_organization
from billing.money import format_money
from billing.office.clock import now
from billing.office.models import Organization
from billing.office.policies import STRATEGIES
from billing.services.loading import BadRow, FileRow, LoadReport, Sheet
from receipts.services.loading_payments import COLUMNS, REQUIRED, PaymentsReport, load_payments


class Command(FileCommand):
    help = (
        "Takes the payments of a CSV file, each with its receipt, and applies them to the invoices they name, then by"
        " the strategy. Known by reference: a second load adds nothing, and a killed run goes on where it stopped."
        " A cheque dated after today goes to the vault and becomes a payment on its day."
    )
    columns, required, noun = COLUMNS, REQUIRED, "payments"
    owner: Organization

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--strategy", choices=STRATEGIES, help="the customer's policy, if left out")

    def handle(
        self, *, file: Path, organization: str, errors: Path | None, strategy: str | None, **options: Any
    ) -> None:
        self.owner, moment = find_organization(organization), now()

        def load(sheet: Sheet, rows: Sequence[FileRow | BadRow]) -> LoadReport:
            return load_payments(
                organization=self.owner, sheet=sheet, rows=rows, strategy=strategy, now=moment, by=None
            )

        self.run(file, errors, load, PaymentsReport())

    def summary(self, report: LoadReport) -> Iterable[str]:
        yield from super().summary(report)
        if report.waiting:
            yield f"{report.waiting} waiting for a second person"
        if isinstance(report, PaymentsReport):
            if report.vaulted:
                yield f"{report.vaulted} of the new are post-dated cheques, put in the vault until their day"
            currency = self.owner.currency
            yield f"applied {format_money(report.applied, currency)}"
            yield f"left over {format_money(report.left_over, currency)}"
