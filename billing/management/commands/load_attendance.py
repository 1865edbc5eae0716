from collections.abc import Sequence
from pathlib import Path
from typing import Any

from billing.management.loading import FileCommand, find_organization
from billing.office.clock import now
from billing.services.loading import BadRow, FileRow, LoadReport, Sheet
from billing.services.teaching.loading import COLUMNS, REQUIRED, load_attendance


class Command(FileCommand):
    help = (
        "Loads lessons, seats and attendance from a CSV file and prices them."
        " A second load adds nothing; a row that tells something else needs a reason."
    )
    columns, required, noun = COLUMNS, REQUIRED, "seats"
    chunk = 500

    def handle(self, *, file: Path, organization: str, errors: Path | None, **options: Any) -> None:
        owner, moment = find_organization(organization), now()

        def load(sheet: Sheet, rows: Sequence[FileRow | BadRow]) -> LoadReport:
            return load_attendance(organization=owner, rows=rows, now=moment, by=None)

        self.run(file, errors, load)
