from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from billing.management.loading import find_organization
from billing.office import clock
from billing.office.acting import acting
from billing.office.models import Organization
from reconciliation.services.processors.proving import prove_processors


class Command(BaseCommand):
    help = "Proves the accounts of processors against the books and the bank now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="the day; today if not given")
        parser.add_argument("--organization", metavar="CODE", help="one organization")

    def handle(self, *, organization: str | None, as_of: date | None, **options: Any) -> None:
        now = clock.now()
        owners = [find_organization(organization)] if organization else list(Organization.objects.order_by("pk"))
        with acting(None, "command prove_processors"):
            for owner in owners:
                for proof in prove_processors(organization=owner, as_of=as_of or owner.today(now), now=now):
                    self.stdout.write(
                        f"{owner.code} {proof}: {proof.balance_amount} {proof.currency}, on its way"
                        f" {proof.in_transit_amount}, unexplained {proof.unexplained_amount}, {proof.open_count} open,"
                        f" {proof.explained_percent:.2f} % explained"
                    )
