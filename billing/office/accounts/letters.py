"""What users are told about their own login. All of it goes by the outbox."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from billing.errors import Sentence
from billing.office.models import Organization, User
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required

NOT_ME: Sentence = _("If this was not you, set a new password at once and call the office.")


@dataclass(frozen=True)
class Letter:
    """kind: of the notice. text: sentences with {name} of the facts told, and {link} where a link stands."""

    kind: str
    subject: Sentence
    text: Sentence


NEW_DEVICE = Letter(
    "new_device", _("Signed in from a new device"),
    _("Your login {username} was used on {device} ({address}) on {when}."),
)  # fmt: skip
PASSWORD_CHANGED = Letter(
    "password_changed", _("Your password was changed"),
    _("The password of your login {username} was changed on {when} ({address}). You were signed out everywhere else."),
)  # fmt: skip
SECOND_FACTOR_ADDED = Letter(
    "second_factor_added", _("Signing in now takes a code"),
    _("An authenticator was set up for your login {username} on {when} ({address})."),
)  # fmt: skip
SECOND_FACTOR_REMOVED = Letter(
    "second_factor_removed", _("Signing in no longer takes a code"),
    _("The authenticator of your login {username} was removed on {when} ({address})."),
)  # fmt: skip
NEW_CODES = Letter(
    "recovery_codes", _("You have new recovery codes"),
    _("New recovery codes were made for your login {username} on {when} ({address}). The old ones are void."),
)  # fmt: skip
CODE_USED = Letter(
    "recovery_code_used", _("A recovery code was used"),
    _("A recovery code of your login {username} was used on {when} ({address}). {left} are left."),
)  # fmt: skip
ADDRESS_ASKED = Letter(
    "address_asked", _("Your e-mail address is about to change"),
    _("For your login {username} a new e-mail address was given on {when}: {new}. It counts once confirmed there."),
)  # fmt: skip
ADDRESS_CHANGED = Letter(
    "address_changed", _("Your e-mail address was changed"),
    _("The e-mail address of your login {username} is now {new}, since {when}."),
)  # fmt: skip
RESET = Letter(
    "password_link", _("Set a new password"),
    _("Somebody, probably you, asked for a new password for the login {username}. Set it here within an hour: {link}"
      "\n\nIf it was not you, do nothing: the old password stays."),
)  # fmt: skip
CONFIRM_ADDRESS = Letter(
    "address_link", _("Confirm your e-mail address"),
    _("Confirm within a day that this is the e-mail address of the login {username}: {link}"),
)  # fmt: skip


def organization_of(user: User) -> Organization | None:
    """In whose name a user is written to: where they work, pay or teach. Up to three queries."""
    held = user.memberships.filter(organization__is_active=True).order_by("withdrawn_at", "pk")
    if (membership := held.select_related("organization").first()) is not None:
        return membership.organization
    for rows in (user.customers, user.providers):
        if (party := rows.select_related("organization").order_by("pk").first()) is not None:
            return party.organization
    return None


@transaction_required
def tell(
    letter: Letter, *, user: User, fact: str, now: datetime, to: str = "", link: str = "", **facts: object
) -> None:
    """Write a letter to a user, in the user's language. fact: makes it one of its kind.

    to: another address than the user's. Whoever has no address, or belongs to no organization, is not written to.
    """
    recipient, organization = to or user.email, organization_of(user)
    if not recipient or organization is None:
        return
    with override(user.language):
        when = date_format(now.astimezone(organization.zone), "DATETIME_FORMAT")
        said = {"username": user.get_username(), "when": when, "link": "{link}"} | facts
        body = str(letter.text).format(**said)
        if not link:
            body = f"{body}\n\n{NOT_ME}"
        subject = f"{organization.shown_name}: {letter.subject}"
        message = Message(
            kind=letter.kind, fact=fact[:80], recipient=recipient, subject=subject, body=body, language=user.language,
            link=link,
        )  # fmt: skip
    queue_notices(organization, [message], now)
