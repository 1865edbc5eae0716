import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import DomainError
from billing.office.acting import acting
from billing.office.clock import now
from reconciliation.management.commands.import_statement import find_bank_account
from reconciliation.selectors.match_report import report_matches
from reconciliation.services.auto_matching import Outcome, match_open_lines


class Command(BaseCommand):
    help = (
        "Matches every open line of a bank account to customers and invoices: posts what is sure, explains the others."
        " A second run repeats nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bank-account", required=True, metavar="CODE")
        parser.add_argument("--organization", metavar="CODE", help="where several have an account of this code")
        parser.add_argument("--out", metavar="FILE", help="one record a line, with score and reason, as JSON")

    def handle(self, *, bank_account: str, organization: str | None, out: str | None, **options: Any) -> None:
        account = find_bank_account(bank_account, organization)
        try:
            with acting(None, "command match_statement"):
                outcome = match_open_lines(bank_account=account, now=now())
        except DomainError as trouble:
            raise CommandError(str(trouble)) from None
        if out:
            lines = list(report_matches(account))
            text = json.dumps({"lines": lines}, ensure_ascii=False, indent=1)
            try:
                Path(out).write_text(text + "\n", encoding="utf-8")
            except OSError as trouble:
                raise CommandError(f"{out}: {trouble.strerror}") from None
        self.stdout.write(_text(outcome))


def _text(outcome: Outcome) -> str:
    parts = ", ".join(f"{count} {action}" for action, count in sorted(outcome.counts.items()))
    refused = f"; {outcome.refused} were sure and could not be posted" if outcome.refused else ""
    own = f"{outcome.own} in the books already; " if outcome.own else ""
    return f"{own}{outcome.lines} open lines{': ' + parts if parts else ''}{refused}"
