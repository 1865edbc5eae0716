from collections.abc import Sequence
from pathlib import Path
from typing import Any

from billing.management.loading import FileCommand, find_organization
from billing.services.loading import BadRow, FileRow, LoadReport, Sheet
from billing.services.loading_customers import COLUMNS, REQUIRED, load_customers


class Command(FileCommand):
    help = "Adds the customers of a CSV file. A second load adds nothing; a changed row is reported, not taken."
    columns, required, noun = COLUMNS, REQUIRED, "customers"

    def handle(self, *, file: Path, organization: str, errors: Path | None, **options: Any) -> None:
        owner = find_organization(organization)

        def load(sheet: Sheet, rows: Sequence[FileRow | BadRow]) -> LoadReport:
            return load_customers(organization=owner, sheet=sheet, rows=rows)

        self.run(file, errors, load)
