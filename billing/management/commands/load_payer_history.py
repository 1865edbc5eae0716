from collections.abc import Sequence
from pathlib import Path
from typing import Any

from billing.management.loading import FileCommand, find_organization
from billing.services.loading import BadRow, FileRow, LoadReport, Sheet
from billing.services.loading_history import COLUMNS, REQUIRED, load_payer_history


class Command(FileCommand):
    help = "Adds past payments and who sent them, for matching to learn from. A second load adds nothing."
    columns, required, noun = COLUMNS, REQUIRED, "payer history"

    def handle(self, *, file: Path, organization: str, errors: Path | None, **options: Any) -> None:
        owner = find_organization(organization)

        def load(sheet: Sheet, rows: Sequence[FileRow | BadRow]) -> LoadReport:
            return load_payer_history(organization=owner, rows=rows)

        self.run(file, errors, load)
