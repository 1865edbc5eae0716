import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import DomainError
from billing.office.acting import acting
from billing.office.clock import now
from payments.models import BankAccount
from reconciliation.models import BankFile, BankFileState
from reconciliation.services.bank_files import GAP, REISSUE, hand_in
from reconciliation.services.importing import read_bank_file


class Command(BaseCommand):
    help = (
        "Takes a bank's file in, whole or not at all, and prints what it understood. The same file again changes"
        " nothing. Exit code 1: refused, with the reason; nothing was stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--bank-account", required=True, metavar="CODE")
        parser.add_argument("--organization", metavar="CODE", help="where several have an account of this code")
        parser.add_argument("--format", default="auto", help="auto, or the name of a format")
        parser.add_argument("--accept-gap", action="store_true", help="a file before it is missing; take it anyway")
        parser.add_argument("--reissue", action="store_true", help="the bank issued this statement anew")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, file: str, bank_account: str, organization: str | None, format: str, **options: Any) -> None:
        account = find_bank_account(bank_account, organization)
        wishes = [wish for wish, given in ((GAP, options["accept_gap"]), (REISSUE, options["reissue"])) if given]
        moment = now()
        try:
            with Path(file).open("rb") as handle, acting(None, "command import_statement"):
                made, is_new = hand_in(
                    bank_account=account, file=handle, name=Path(file).name, format=format, wishes=wishes, now=moment,
                    by=None,
                )  # fmt: skip
                if made.state == BankFileState.RECEIVED:
                    made = read_bank_file(bank_file_id=made.pk, now=moment) or made
        except OSError as trouble:
            raise CommandError(f"{file}: {trouble.strerror}") from None
        except DomainError as trouble:
            self._refused(options["json"], file, trouble.code, str(trouble))
        if made.state == BankFileState.REFUSED:
            self._refused(options["json"], file, made.refusal, made.problems[0][2])
        answer = told(made, is_new=is_new)
        self.stdout.write(json.dumps(answer, ensure_ascii=False, default=str) if options["json"] else _text(answer))

    def _refused(self, as_json: bool, file: str, code: str, sentence: str) -> None:
        if as_json:
            self.stdout.write(
                json.dumps(
                    {"file": file, "verdict": "reject", "code": code, "problems": [sentence]}, ensure_ascii=False
                )
            )
        raise CommandError(f"{file}: {sentence}")


def find_bank_account(code: str, organization: str | None) -> BankAccount:
    """Raises CommandError unless exactly one account has this code."""
    rows = BankAccount.objects.filter(code=code).select_related("organization")
    if organization:
        rows = rows.filter(organization__code=organization)
    found = list(rows[:2])
    if not found:
        raise CommandError(f"There is no bank account {code}.")
    if len(found) > 1:
        raise CommandError(f"Several organizations have a bank account {code}: say which with --organization.")
    return found[0]


def told(file: BankFile, *, is_new: bool) -> dict[str, Any]:
    """What was understood of a file that was taken in, now or the first time."""
    statements = file.statements.order_by("ordinal")
    known = file.lines_known if is_new else file.lines_known + file.lines_new
    return {
        "file": file.name, "format": file.format, "verdict": "flag" if file.is_flagged else "accept",
        "already_imported": not is_new, "statements": [_statement(row) for row in statements],
        "entries": file.figures.get("entries"), "credit_entries": file.figures.get("credit_entries"),
        "debit_entries": file.figures.get("debit_entries"), "total_credits": file.figures.get("total_credits"),
        "total_debits": file.figures.get("total_debits"), "lines_new": file.lines_new if is_new else 0,
        "lines_known": known, "problems": [problem[2] for problem in file.problems],
    }  # fmt: skip


def _statement(row: Any) -> dict[str, Any]:
    shown = {name: None if value is None else f"{value}" for name, value in
             (("opening", row.opening), ("closing", row.closing), ("total_in", row.total_in),
              ("total_out", row.total_out))}  # fmt: skip
    return {
        "bank_account": row.bank_account.code, "number": row.number, "kind": row.kind, "currency": row.currency,
        "from": row.first_on, "to": row.last_on, **shown, "entries": row.entries, "balance_ties": row.ties,
    }  # fmt: skip


def _text(answer: dict[str, Any]) -> str:
    lines = [
        f"{answer['file']}: {answer['format']}, {len(answer['statements'])} statements, {answer['entries']} entries;"
        f" {answer['credit_entries']} credits {answer['total_credits']}, {answer['debit_entries']} debits"
        f" {answer['total_debits']}"
    ]
    for row in answer["statements"]:
        ties = {True: "ties", False: "DOES NOT TIE", None: "no balances to tie"}[row["balance_ties"]]
        lines.append(
            f"  {row['bank_account']} {row['number']} {row['from']} to {row['to']}: opening {row['opening']}, closing"
            f" {row['closing']} {row['currency']}, {ties}"
        )
    lines += [f"  ! {problem}" for problem in answer["problems"]]
    if answer["already_imported"]:
        lines.append("This file was taken in before; nothing was done.")
    lines.append(f"{answer['lines_new']} new, {answer['lines_known']} already known")
    return "\n".join(lines)
