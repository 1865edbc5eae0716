from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from billing.errors import DomainError
from billing.management.daily import DailyCommand
from billing.office import clock
from billing.office.models import Organization
from billing.refusals import explained
from billing.services.books.posting import post_batches
from billing.transactions import in_transaction


class Command(DailyCommand):
    help = "Posts journal entries to the general ledger, in batches of a day and a payment type. Safe to run twice."

    closed_months = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--closed-months", action="store_true",
            help="also entries of months that are closed: once, for books closed before they were posted from here",
        )  # fmt: skip

    def handle(self, *, as_of: str | None, organization: str | None, **options: Any) -> None:
        self.closed_months = bool(options["closed_months"])
        super().handle(as_of=as_of, organization=organization, **options)

    def work(self, day: date | None, owner: Organization | None) -> None:
        """Exit code 1 if an organization could not be posted; the others are."""
        now, failed = clock.now(), []
        owners = [owner] if owner else list(Organization.objects.filter(is_active=True).order_by("code"))
        for one in owners:
            try:
                with explained():
                    run = in_transaction(
                        lambda one=one: post_batches(  # type: ignore[misc]
                            organization=one, as_of=day or one.today(now), now=now, closed_months=self.closed_months
                        )
                    )
            except DomainError as trouble:
                failed.append(one.code)
                self.stderr.write(f"{one.code}: {trouble}")
                continue
            self.stdout.write(
                f"{one.code}: {run.entries} entries, {len(run.posted)} batches posted, {len(run.suspended)} suspended"
            )
            for batch in run.suspended:
                self.stdout.write(f"  {batch.number} {batch.day} {batch.get_trouble_display()}: {batch.detail}")
        if failed:
            raise CommandError(f"Not posted: {', '.join(failed)}.")
