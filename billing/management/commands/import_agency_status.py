from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from billing.management.loading import find_organization
from billing.office.acting import acting
from billing.office.clock import now
from billing.services.chasing.agency import COLUMNS, UnreadableStatuses, import_statuses


class Command(BaseCommand):
    help = "Takes in what a collection agency says about its cases. The same file loaded again adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, UTF-8, columns: " + ", ".join(COLUMNS))
        parser.add_argument("--organization", required=True, metavar="CODE")

    def handle(self, *, file: Path, organization: str, **options: Any) -> None:
        owner = find_organization(organization)
        try:
            content = file.read_bytes()
            with acting(None, "command import_agency_status", file.name), transaction.atomic():
                report = import_statuses(organization=owner, content=content, now=now(), by=None)
        except (OSError, UnreadableStatuses) as trouble:
            raise CommandError(str(trouble)) from None
        for bad in report.refused:
            self.stderr.write(f"line {bad.line}: {bad.reason} | {bad.raw}")
        self.stdout.write(f"statuses: {report.new} new, {report.known} known already, {len(report.refused)} refused")
        if report.refused:
            raise CommandError("Some rows were not taken.", returncode=2)
