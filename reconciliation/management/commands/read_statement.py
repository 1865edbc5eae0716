import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput
from reconciliation.formats.base import FileRefused
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.detecting import AUTO, FORMATS
from reconciliation.formats.reading import open_reading
from reconciliation.formats.report import report, report_refused


class Command(BaseCommand):
    help = "Reads files of a bank without storing anything: format, verdict, counts, sums, balances and problems."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--json", action="store_true", help="one JSON line a file")
        parser.add_argument("--format", default=AUTO, metavar="NAME", help=", ".join(one.name for one in FORMATS))
        parser.add_argument(
            "--encoding",
            action="append",
            default=[],
            metavar="NAME",
            help="tried where the text is not UTF-8, in order",
        )
        parser.add_argument("--csv-profile", default="", metavar="NAME", help=", ".join(BUILTIN))

    def handle(
        self, *, files: list[str], format: str, encoding: list[str], csv_profile: str, **options: Any
    ) -> None:  # fmt: skip
        for name in files:
            found = self._read(name, format, encoding, csv_profile)
            if options["json"]:
                self.stdout.write(json.dumps(found, ensure_ascii=False))
            else:
                self._write_text(found)

    def _read(self, name: str, format: str, encodings: list[str], profile: str) -> dict[str, Any]:
        reading = None
        try:
            with Path(name).open("rb") as file:
                reading = open_reading(file, Path(name).name, format=format, profile=profile, encodings=encodings)
                for _piece in reading.pieces():
                    pass
                return report(name, reading)
        except FileRefused as trouble:
            return report_refused(name, trouble, reading.format if reading else None)
        except BadInput as trouble:
            raise CommandError(f"--{trouble.field}: {trouble}") from None
        except OSError as trouble:
            raise CommandError(f"{name}: {trouble.strerror}") from None

    def _write_text(self, found: dict[str, Any]) -> None:
        self.stdout.write(f"{found['file']}  {found['format'] or '?'}  {found['verdict']}")
        if found["entries"] is not None:
            self.stdout.write(
                f"  {found['entries']} entries, in {_shown(found['total_credits'])} ({found['credit_entries']}), "
                f"out {_shown(found['total_debits'])} ({found['debit_entries']})"
            )
        for one in found["statements"]:
            ties = {True: "ties", False: "DOES NOT TIE", None: ""}[one["balance_ties"]]
            self.stdout.write(
                f"  {one['account'] or '-':24} {one['currency'] or '---':4} {_shown(one['opening']):>16}"
                f" + {_shown(one['total_credits']):>14} - {_shown(one['total_debits']):>14}"
                f" = {_shown(one['closing']):>16} {ties}"
            )
        for problem in found["problems"]:
            self.stdout.write(f"  ! {problem}")


def _shown(amount: str | None) -> str:
    return "-" if amount is None else amount
