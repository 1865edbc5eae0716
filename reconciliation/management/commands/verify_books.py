import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.management.loading import find_organization
from billing.office.clock import now
from billing.selectors.proof import Finding, Proof, prove

SHOWN = 3


class Command(BaseCommand):
    help = "Proves the books: asks every invariant of one snapshot. Exit code 1 names what is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the whole answer as JSON")
        parser.add_argument("--organization", metavar="CODE", help="one organization; the audit chain is asked whole")

    def handle(self, *, organization: str | None, **options: Any) -> None:
        owner = find_organization(organization) if organization else None
        proof = prove(owner.pk if owner else None)
        if options["json"]:
            self._write_json(proof, organization)
        else:
            self._write_text(proof)
        if not proof.holds:
            names = ", ".join(f"{found.rule.number} {found.rule.name}" for found in proof.broken)
            raise CommandError(f"The books are broken: {names}.")

    def _write_text(self, proof: Proof) -> None:
        for found in proof.findings:
            mark = "BROKEN" if found.broken else "ok    "
            self.stdout.write(f"{mark} {found.rule.number:>2} {found.rule.name:28} {found.rule.sentence}")
            for row in found.rows[:SHOWN]:
                self.stdout.write("          " + ", ".join(f"{name} {value}" for name, value in row.items()))
            if found.broken > SHOWN:
                self.stdout.write(f"          … {found.broken} in all")
        counts = ", ".join(f"{count} {noun}" for noun, count in proof.counts.items())
        self.stdout.write(f"{len(proof.findings)} rules, {len(proof.broken)} broken; {counts}; {proof.seconds:.2f} s")
        if proof.head:
            self.stdout.write(f"audit chain: block {proof.position}, {proof.head}")

    def _write_json(self, proof: Proof, organization: str | None) -> None:
        answer = {
            "holds": proof.holds,
            "organization": organization,
            "checked_at": now().isoformat(),
            "seconds": round(proof.seconds, 3),
            "counts": proof.counts,
            "audit_chain": {"block": proof.position, "digest": proof.head},
            "broken": [f"{found.rule.number} {found.rule.name}" for found in proof.broken],
            "rules": [_rule(found) for found in proof.findings],
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1, default=str))


def _rule(found: Finding) -> dict[str, object]:
    return {
        "number": found.rule.number,
        "name": found.rule.name,
        "sentence": found.rule.sentence,
        "broken": found.broken,
        "rows": list(found.rows),
        "seconds": round(found.seconds, 3),
    }
