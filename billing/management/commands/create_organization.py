import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from billing.errors import DomainError
from billing.office.acting import acting
from billing.office.clock import now
from billing.office.models import Organization, PolicySetting
from billing.office.organizations import create_organization
from billing.office.policies import PRESETS

COMPARED = ("name", "currency", "country", "time_zone")


class Command(BaseCommand):
    help = "Creates a bare organization with its chart of accounts; no limits, fees or write-offs unless a preset."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--name", required=True)
        parser.add_argument("--currency", required=True, help="three letters, for example USD")
        parser.add_argument("--country", required=True, help="two letters, for example US")
        parser.add_argument("--time-zone", required=True, help="for example America/New_York")
        parser.add_argument("--preset", default="", choices=["", *PRESETS], help="seed the policies of a trade")

    def handle(self, *, code: str, preset: str, **options: Any) -> None:
        facts = {name: str(options[name]).strip() for name in COMPARED}
        facts |= {name: facts[name].upper() for name in ("currency", "country")}
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", code):
            raise CommandError("code: letters, digits, - and _ only, at most 40.")
        earlier = Organization.objects.filter(code=code).first()
        if earlier is not None:
            self._check_same(earlier, facts, preset)
            self.stdout.write(f"Organization {code}: already there.")
            return
        try:
            with acting(None, "command create_organization"), transaction.atomic():
                create_organization(
                    code=code, name=facts["name"], currency=facts["currency"], country=facts["country"],
                    time_zone=facts["time_zone"], preset=preset, now=now(),
                )  # fmt: skip
        except DomainError as trouble:
            raise CommandError(f"{trouble.field}: {trouble}" if trouble.field else str(trouble)) from None
        self.stdout.write(f"Organization {code}: created.")

    def _check_same(self, earlier: Organization, facts: dict[str, str], preset: str) -> None:
        differences = [
            f"{name} {getattr(earlier, name)} → {wanted}"
            for name, wanted in facts.items()
            if getattr(earlier, name) != wanted
        ]
        seeded = PolicySetting.objects.filter(organization=earlier, reason=f"preset {preset}")
        if preset and not seeded.exists():
            differences.append(f"preset (none) → {preset}")
        if differences:
            raise CommandError(
                f"There is already an organization {earlier.code} with other facts: {', '.join(differences)}."
            )
