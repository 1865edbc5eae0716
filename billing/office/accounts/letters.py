"""What users are told about their own login. All of it goes by the outbox."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from billing.errors import Sentence
from billing.office.models import Organization, User
from billing.office.notices import Message, queue_notices
from billing.office.wording import with_link
from billing.transactions import transaction_required

NOT_ME: Sentence = _("If this was not you, set a new password at once and call the office.")


@dataclass(frozen=True)
class Letter:
    """kind: of the notice. text: sentences with {name} of the facts told."""

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
# With a link, in words that an organization may write itself: kinds of message_kinds.
RESET, CONFIRM_ADDRESS = "password_link", "address_link"


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
def tell(letter: Letter, *, user: User, fact: str, now: datetime, to: str = "", **facts: object) -> None:
    """Write a letter to a user, in the user's language. fact: makes it one of its kind.

    to: another address than the user's. Whoever has no address, or belongs to no organization, is not written to.
    """
    recipient, organization = to or user.email, organization_of(user)
    if not recipient or organization is None:
        return
    with override(user.language):
        when = date_format(now.astimezone(organization.zone), "DATETIME_FORMAT")
        body = str(letter.text).format(**{"username": user.get_username(), "when": when} | facts)
        message = Message(
            kind=letter.kind, fact=fact[:80], recipient=recipient, body=f"{body}\n\n{NOT_ME}", language=user.language,
            subject=f"{organization.shown_name}: {letter.subject}",
        )  # fmt: skip
    queue_notices(organization, [message], now)


@transaction_required
def send_link(kind: str, *, user: User, fact: str, now: datetime, link: str, to: str = "") -> None:
    """Write to a user, as tell does, with a link by which alone one goes on. kind: RESET or CONFIRM_ADDRESS."""
    recipient, organization = to or user.email, organization_of(user)
    if not recipient or organization is None:
        return
    values = {"username": user.get_username(), "name": str(user)}
    said = with_link(kind, values, organization, user.language)
    message = Message(
        kind=kind, fact=fact[:80], recipient=recipient, subject=said.subject, body=said.body, language=user.language,
        link=link,
    )  # fmt: skip
    queue_notices(organization, [message], now)
