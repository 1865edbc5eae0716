import csv
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput
from billing.inputs import parse_day
from billing.management.loading import find_organization
from billing.selectors.journal_export import HEADER, JournalExport


class Command(BaseCommand):
    help = "Writes journal lines as CSV, balanced, with account codes; the sums go to standard error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--from", required=True, dest="first", metavar="DATE", help="first day, 2026-03-01")
        parser.add_argument("--to", required=True, dest="last", metavar="DATE", help="last day, included")
        parser.add_argument("--format", choices=["csv"], default="csv")

    def handle(self, *, organization: str, first: str, last: str, **options: Any) -> None:
        owner = find_organization(organization)
        try:
            start, end = parse_day(first, field="--from"), parse_day(last, field="--to")
        except BadInput as trouble:
            raise CommandError(f"{trouble.field}: {trouble}") from None
        if start > end:
            raise CommandError("--from: The first day is after the last.")
        rows = JournalExport(owner, start, end)
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(HEADER)
        out.writerows(rows)
        for currency, (debits, credits, lines) in sorted(rows.sums.items()):
            self.stderr.write(f"total {currency}: debit {debits}, credit {credits}, {lines} lines")
            if debits != credits:
                raise CommandError(f"The export does not balance in {currency}; run verify_books.")
