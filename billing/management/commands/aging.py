import csv
import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput
from billing.inputs import parse_day, safe_cell
from billing.management.loading import find_organization
from billing.office.clock import now
from billing.office.models import Organization
from billing.selectors.aging import BUCKETS, AgingRow, AgingTotals, aging, totals
from billing.selectors.dso import dso

HEADER = ("customer_code", "customer_name", "currency", *BUCKETS, "total", "unapplied")


class Command(BaseCommand):
    help = "Who owed what on a day, by how late: current, 1-30, 31-60, 61-90, 90+, total, unapplied."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--as-of", metavar="DATE", help="2026-03-31; today in the organization, if left out")
        parser.add_argument("--format", choices=["csv", "json"], default="csv")

    def handle(self, *, organization: str, as_of: str | None, format: str, **options: Any) -> None:
        owner = find_organization(organization)
        try:
            day = parse_day(as_of, field="as-of") if as_of else owner.today(now())
        except BadInput as trouble:
            raise CommandError(f"--as-of: {trouble}") from None
        rows = aging(owner, day)
        if format == "json":
            self._write_json(owner, day, rows)
        else:
            self._write_csv(rows)

    def _write_csv(self, rows: list[AgingRow]) -> None:
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(HEADER)
        out.writerows([*map(safe_cell, row[1:4]), *row[4:]] for row in rows)

    def _write_json(self, owner: Organization, day: date, rows: list[AgingRow]) -> None:
        found = dso(owner, day)
        answer = {
            "organization": owner.code,
            "as_of": day.isoformat(),
            "customers": [dict(zip(HEADER, map(_plain, row[1:]), strict=True)) for row in rows],
            "totals": [_totals(sums) for sums in totals(rows)],
            "dso": {
                "window_days": found.window_days,
                "sales": _plain(found.sales),
                "days_outstanding": _plain(found.days_outstanding),
                "collection_effectiveness": _plain(found.effectiveness),
            },
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1))


def _totals(sums: AgingTotals) -> dict[str, object]:
    figures = dict(zip(HEADER[3:], map(_plain, sums[2:]), strict=True))
    return {"currency": sums.currency, "customers": sums.customers, **figures}


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str) else str(value)
