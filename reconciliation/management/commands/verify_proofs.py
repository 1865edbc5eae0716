from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.management.loading import find_organization
from billing.office.seals import own_fingerprint
from reconciliation.models import BooksProof
from reconciliation.selectors.proofs import FAULTS, verify_proofs


class Command(BaseCommand):
    help = (
        "Verifies every proof of the books there is: its digest, its signature, its place in the chain, the audit trail"
        " it saw. Exit code 1 names those that are not what was signed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", metavar="CODE", help="one organization; all if left out")

    def handle(self, *, organization: str | None, **options: Any) -> None:
        owner = find_organization(organization) if organization else None
        rows = BooksProof.objects.filter(organization=owner) if owner else BooksProof.objects.all()
        faults = list(verify_proofs(owner.pk if owner else None))
        for fault in faults:
            self.stderr.write(f"{fault.proof.organization_id} {fault.proof.number}: {FAULTS[fault.code]}")
        self.stdout.write(f"{rows.count()} proofs, {len(faults)} faults; our key is {own_fingerprint()}")
        newest = rows.order_by("organization_id", "-position").distinct("organization_id")
        for last in newest.select_related("organization"):
            self.stdout.write(f"{last.organization.code}: {last.number} of {last.day}, {last.digest}")
        if faults:
            raise CommandError(f"{len(faults)} faults in the proofs of the books.")
