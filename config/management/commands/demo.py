"""`manage.py demo`: invented organizations to look around in."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.office import clock
from billing.office.models import Organization
from config.demo.loading import load, write_logins


class Command(BaseCommand):
    help = "Fills the database with the demo organizations. What is there already stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing if there is any organization")
        parser.add_argument("--force", action="store_true", help="even in production, where the logins are public")

    def handle(self, *, if_empty: bool, force: bool, **options: Any) -> None:
        if settings.PRODUCTION and not force:
            raise CommandError("The demo's passwords are public; in production it loads only with --force.")
        if if_empty and Organization.objects.exists():
            return
        self.stdout.ending = ""  # the progress bar redraws its line
        made = load(clock.now(), self.stdout)
        self.stdout.ending = "\n"
        if made:
            write_logins()
            self.stdout.write(f"Logins: {settings.VAR_DIR / 'demo-logins.txt'}")
        else:
            self.stdout.write("The demo is already loaded.")
