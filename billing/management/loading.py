"""What the commands that load files have in common: the file, the report on screen, the errors file, the exit code."""

import csv
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from billing.inputs import safe_cell
from billing.office.acting import acting
from billing.office.models import Organization
from billing.services.loading import BadRow, ChangedRow, FileRow, LoadReport, Sheet, UnreadableFile, chunks, open_sheet

SHOWN = 50
# Rows a transaction: large enough to be fast, small enough that a clerk waits for a moment only.
CHUNK = 1000

LoadChunk = Callable[[Sheet, Sequence[FileRow | BadRow]], LoadReport]


def find_organization(code: str) -> Organization:
    """Raises CommandError naming the organizations there are."""
    organization = Organization.objects.filter(code=code).first()
    if organization is None:
        there = ", ".join(Organization.objects.order_by("code").values_list("code", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no organization {code!r}. There are: {there}.")
    return organization


class FileCommand(BaseCommand):
    """Reads a CSV in chunks, one transaction each: rows that landed stay when a later one fails or a run is killed.

    Exit code 0 when every row is in, 2 when some were refused or differ from what was loaded, 1 when nothing was read.
    """

    columns: Sequence[str] = ()
    required: Sequence[str] = ()
    noun = "rows"
    chunk = CHUNK

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, UTF-8, columns: " + ", ".join(self.columns))
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="write refused and changed rows here, with why")

    def run(self, file: Path, errors: Path | None, load: LoadChunk, report: LoadReport | None = None) -> LoadReport:
        if errors is not None and errors.resolve() == file.resolve():
            raise CommandError("The errors file would overwrite the file itself.")
        try:
            sheet = open_sheet(file, columns=self.columns, required=self.required)
        except UnreadableFile as trouble:
            raise CommandError(str(trouble)) from None
        report = report or LoadReport()
        started = time.perf_counter()
        with acting(None, f"command {self.command_name()}", file.name):
            for rows in chunks(sheet.rows(), self.chunk):
                with transaction.atomic():
                    part = load(sheet, rows)
                report.add(part)
        if not report.rows:
            raise CommandError("The file has no lines.")
        self.tell(report, sheet, errors, time.perf_counter() - started)
        return report

    def command_name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def summary(self, report: LoadReport) -> Iterable[str]:
        yield f"{report.new} new"
        yield f"{report.known} known already"
        yield f"{len({change.row.line for change in report.changed})} changed, not taken"
        yield f"{len(report.refused)} refused"

    def tell(self, report: LoadReport, sheet: Sheet, errors: Path | None, seconds: float) -> None:
        """Print what happened. Raises CommandError with exit code 2 when not all is in."""
        bad = list(_bad_rows(report))
        if errors is not None:
            _write_errors(errors, sheet, report)
        else:
            for line in bad[:SHOWN]:
                self.stderr.write(line)
            if len(bad) > SHOWN:
                self.stderr.write(f"… and {len(bad) - SHOWN} more; --errors FILE writes them all.")
        self.stdout.write(f"{self.noun}: {', '.join(self.summary(report))}; {seconds:.2f} s")
        if bad:
            where = f" See {errors}." if errors is not None else ""
            raise CommandError(f"Some rows were not taken.{where}", returncode=2)


def _bad_rows(report: LoadReport) -> Iterable[str]:
    for row in report.refused:
        yield f"line {row.line}: {row.column + ': ' if row.column else ''}{row.reason} | {row.raw}"
    for change in report.changed:
        yield f"line {change.row.line}: {change.key}: {_words(change)}"


def _words(change: ChangedRow) -> str:
    return f"was loaded with other facts: {change.column} {change.old} → {change.new}"


def _write_errors(path: Path, sheet: Sheet, report: LoadReport) -> None:
    """Line number, reason and the columns as they were, ready to be mended and loaded again."""
    reasons: dict[int, tuple[str, dict[str, str]]] = {
        row.line: (f"{row.column}: {row.reason}" if row.column else row.reason, row.values) for row in report.refused
    }
    for change in report.changed:
        before = reasons[change.row.line][0] + "; " if change.row.line in reasons else f"{change.key} "
        reasons[change.row.line] = (before + _words(change), change.row.values)
    with path.open("w", newline="", encoding="utf-8") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(["line", "reason", *sheet.header])
        for line, (reason, values) in sorted(reasons.items()):
            cells = (values.get(column, "") for column in sheet.header)
            out.writerow([line, safe_cell(reason), *map(safe_cell, cells)])
