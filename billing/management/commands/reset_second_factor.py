"""Take a lost second factor away, once somebody has made sure who asks."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing.office import clock
from billing.office.accounts.second_factor import has_authenticator, remove
from billing.office.accounts.sign_ins import end_sign_ins
from billing.office.acting import acting
from billing.office.models import User
from billing.office.models.signing_in import SignInEnd


class Command(BaseCommand):
    help = "Remove the second factor of a user whose phone is lost. The user is told by mail and signed out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="how it was made sure that it is the user; for the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        if not has_authenticator(user):
            raise CommandError(f"{user.username} has no second factor.")
        now = clock.now()
        with acting(None, "reset_second_factor", options["reason"]), transaction.atomic():
            remove(user=user, now=now, address="the office")
            end_sign_ins(user=user, end=SignInEnd.SECOND_FACTOR, now=now)
        self.stdout.write(f"The second factor of {user.username} is removed.")
