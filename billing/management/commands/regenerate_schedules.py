import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from billing.errors import DomainError
from billing.inputs import safe_cell
from billing.management.loading import find_organization
from billing.models import Agreement, ScheduleRegeneration
from billing.office.acting import acting
from billing.office.clock import now
from billing.office.models import Organization
from billing.services.plans.regenerating import (
    HEADER,
    carry_on_regeneration,
    changes_of,
    difference_rows,
    regenerate_chosen,
    start_regeneration,
)


class Command(BaseCommand):
    help = "Compute the future instalments of all running agreements anew, after a setting, tax or calendar changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--reason", default="settings changed", help="written beside every difference")
        parser.add_argument("--key", default="", help="the same key goes on where it was killed, and is done once")
        parser.add_argument("--agreement", action="append", metavar="NUMBER", help="only these; may be repeated")
        parser.add_argument("--out", metavar="FILE", help="where the list of differences goes, as CSV")

    def handle(
        self, *, organization: str, reason: str, key: str, agreement: list[str] | None, out: str | None, **options: Any
    ) -> None:  # fmt: skip
        owner, moment = find_organization(organization), now()
        about = {"reason": reason, "request_key": key or f"command:{moment.isoformat()}", "now": moment, "by": None}
        with acting(None, "command regenerate_schedules"):
            try:
                done = self._chosen(owner, agreement, about) if agreement else self._all(owner, about)
            except DomainError as trouble:
                raise CommandError(str(trouble)) from None
        if out:
            with Path(out).open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(HEADER)
                writer.writerows([*map(safe_cell, row)] for row in difference_rows(changes_of(done)))
        self.stdout.write(f"{done.looked_at} agreements looked at, {done.changed} changed.")

    def _all(self, owner: Organization, about: dict[str, Any]) -> ScheduleRegeneration:
        with transaction.atomic():
            started = start_regeneration(organization=owner, **about)
        return carry_on_regeneration(regeneration=started, now=about["now"])

    def _chosen(self, owner: Organization, numbers: list[str], about: dict[str, Any]) -> ScheduleRegeneration:
        found = dict(Agreement.objects.filter(organization=owner, number__in=numbers).values_list("number", "pk"))
        missing = [number for number in numbers if number not in found]
        if missing:
            raise CommandError(f"There is no agreement {', '.join(missing)}.")
        with transaction.atomic():
            return regenerate_chosen(organization=owner, agreement_ids=list(found.values()), **about)
