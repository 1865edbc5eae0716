import csv
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput, DomainError
from billing.inputs import parse_day
from billing.ledger.models import ExportLayout
from billing.management.loading import find_organization
from billing.office import clock
from billing.office.acting import acting
from billing.office.models import Organization
from billing.refusals import explained
from billing.selectors.journal_export import HEADER, JournalExport
from billing.services.books.exporting import read_export, store_export
from billing.services.books.files import Sums, build
from billing.transactions import in_transaction


class Command(BaseCommand):
    help = "Writes journal lines, balanced, in the layout of a program; the sums go to standard error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--from", required=True, dest="first", metavar="DATE", help="first day, 2026-03-01")
        parser.add_argument("--to", required=True, dest="last", metavar="DATE", help="last day, included")
        parser.add_argument("--format", choices=ExportLayout.values, default="csv")
        parser.add_argument(
            "--store", action="store_true",
            help="keep the file: numbered, hashed, of what was posted to the general ledger; again gives the same",
        )  # fmt: skip

    def handle(self, *, organization: str, first: str, last: str, format: str, store: bool, **options: Any) -> None:
        owner = find_organization(organization)
        try:
            start, end = parse_day(first, field="--from"), parse_day(last, field="--to")
        except BadInput as trouble:
            raise CommandError(f"{trouble.field}: {trouble}") from None
        if start > end:
            raise CommandError("--from: The first day is after the last.")
        if store:
            self._store(owner, format, start, end)
        elif format == ExportLayout.CSV:
            self._stream(owner, start, end)
        else:
            self._write(owner, format, start, end)

    def _stream(self, owner: Organization, start: date, end: date) -> None:
        """Row by row, however many there are."""
        rows = JournalExport(owner, start, end)
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(HEADER)
        out.writerows(rows)
        self._check(rows.sums)

    def _write(self, owner: Organization, layout: str, start: date, end: date) -> None:
        try:
            built = build(owner, layout, start, end, posted_only=False)
        except DomainError as trouble:
            raise CommandError(str(trouble)) from None
        self.stdout.write(built.data.decode(), ending="")
        self._check(built.sums)

    def _store(self, owner: Organization, layout: str, start: date, end: date) -> None:
        try:
            with acting(None, "command export_gl"), explained():
                export, is_new = in_transaction(
                    lambda: store_export(
                        organization=owner, layout=layout, first=start, last=end, now=clock.now(), by=None
                    )
                )
            self.stdout.write(read_export(export).decode(), ending="")
        except DomainError as trouble:
            raise CommandError(str(trouble)) from None
        said = "kept" if is_new else "kept before"
        self.stderr.write(f"{export.number} {said}, SHA-256 {export.content_hash}, {export.line_count} lines")

    def _check(self, sums: Sums) -> None:
        for currency, (debits, credits, lines) in sorted(sums.items()):
            self.stderr.write(f"total {currency}: debit {debits}, credit {credits}, {lines} lines")
            if debits != credits:
                raise CommandError(f"The export does not balance in {currency}; run verify_books.")
