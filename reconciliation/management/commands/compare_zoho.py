from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.management.loading import find_organization
from billing.office import clock
from billing.office.acting import acting
from payments.models import GatewayAccount
from payments.models.gateway_account import GatewayKind
from reconciliation.models.zoho_comparison import ComparisonState
from reconciliation.services.zoho.comparing import compare_zoho


class Command(BaseCommand):
    help = (
        "Compares subscriptions, invoices, payments and customers with Zoho now. Exit code 1 if it could not be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="the day; today if not given")
        parser.add_argument("--organization", metavar="CODE", help="one organization")

    def handle(self, *, organization: str | None, as_of: date | None, **options: Any) -> None:
        now = clock.now()
        rows = GatewayAccount.objects.filter(kind=GatewayKind.ZOHO, is_active=True).select_related("organization")
        if organization:
            rows = rows.filter(organization=find_organization(organization))
        incomplete = []
        with acting(None, "command compare_zoho"):
            for account in rows.order_by("pk"):
                run = compare_zoho(account=account, as_of=as_of or account.organization.today(now), now=now)
                self.stdout.write(
                    f"{account.organization.code} {account} {run.as_of}: {run.state},"
                    f" {run.subscriptions} subscriptions, {run.invoices} invoices, {run.payments} payments,"
                    f" {run.customers} customers,"
                    f" {run.differing} differ {run.trouble}".rstrip()
                )
                if run.state == ComparisonState.INCOMPLETE:
                    incomplete.append(str(account))
        if incomplete:
            raise CommandError(f"Could not be read: {', '.join(incomplete)}.")
