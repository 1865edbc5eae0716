from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from billing.management.loading import FileCommand, find_organization
from billing.office.clock import now
from billing.services.loading import BadRow, FileRow, LoadReport, Sheet
from billing.services.loading_invoices import COLUMNS, REQUIRED, load_invoices


class Command(FileCommand):
    help = (
        "Issues the invoices of a CSV file and adds the customers they name."
        " A second load adds nothing; a changed row is reported, not taken."
    )
    columns, required, noun = COLUMNS, REQUIRED, "invoices"
    chunk = 2000

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--opening", action="store_true", help="taken over from other books: post against opening balances"
        )

    def handle(self, *, file: Path, organization: str, errors: Path | None, opening: bool, **options: Any) -> None:
        owner, moment = find_organization(organization), now()

        def load(sheet: Sheet, rows: Sequence[FileRow | BadRow]) -> LoadReport:
            return load_invoices(organization=owner, sheet=sheet, rows=rows, is_opening=opening, now=moment, by=None)

        self.run(file, errors, load)
