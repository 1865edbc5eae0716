from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from billing.errors import DomainError
from billing.management.loading import find_organization
from billing.office.acting import acting
from payments.services.bank_accounts import ensure_bank_account


class Command(BaseCommand):
    help = "Opens our account at a bank, with its ledger account. Without a number the first statement sets it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--currency", required=True, help="three letters, for example USD")
        parser.add_argument("--number", default="", help="as the bank writes it; kept encrypted")
        parser.add_argument("--name", default="", help="the code, if left out")
        parser.add_argument("--csv-profile", default="", metavar="NAME", help="how this bank writes its CSV files")

    def handle(
        self, *, code: str, organization: str, currency: str, number: str, name: str, csv_profile: str, **options: Any
    ) -> None:
        owner = find_organization(organization)
        try:
            with acting(None, "command create_bank_account"), transaction.atomic():
                account, is_new = ensure_bank_account(
                    organization=owner, code=code, currency=currency.upper(), number=number, name=name,
                    csv_profile=csv_profile,
                )  # fmt: skip
        except DomainError as trouble:
            raise CommandError(f"{trouble.field}: {trouble}" if trouble.field else str(trouble)) from None
        what = f"created, ledger account {account.ledger_account.code}" if is_new else "already there"
        self.stdout.write(f"Bank account {account.code}: {what}.")
