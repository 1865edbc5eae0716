from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.management.loading import find_organization
from billing.office.acting import acting
from billing.office.clock import now
from billing.office.models import Organization
from reconciliation.services.proving import prove_organization


class Command(BaseCommand):
    help = (
        "Proves the books of each organization and keeps what was found: numbered, chained, signed. Runs by itself"
        " every night at 02:00; by hand it adds a proof of now. Exit code 1 names what is broken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", metavar="CODE", help="one organization; all active ones if left out")

    def handle(self, *, organization: str | None, **options: Any) -> None:
        instant, broken = now(), []
        owners = [find_organization(organization)] if organization else Organization.objects.filter(is_active=True)
        with acting(None, "command prove_books"):
            for owner in owners:
                proof = prove_organization(organization=owner, now=instant)
                self.stdout.write(
                    f"{owner.code}: {proof.number}, {proof.rule_count} rules, {proof.broken_count} broken,"
                    f" {proof.seconds} s, {proof.digest}"
                )
                rules = [f"{one['number']} {one['name']}" for one in proof.findings if one["broken"]]
                broken += [f"{owner.code} {proof.number}: {', '.join(rules)}"] if rules else []
        if broken:
            raise CommandError("The books are broken: " + "; ".join(broken))
