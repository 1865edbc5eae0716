"""Invitations to have a login: sent, sent again, withdrawn, accepted once."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import Customer, Invitation, Provider
from billing.models.invitation import InvitationState
from billing.office.access import grant_role
from billing.office.accounts.links import LinkIsOver, check_password, new_token
from billing.office.machines import token_digest
from billing.office.models import User
from billing.office.models.user import Role
from billing.office.notices import Message, queue_notices
from billing.office.wording import with_link
from billing.transactions import transaction_required

GOOD_FOR, AGAIN_AFTER, MOST_SENT = timedelta(days=14), timedelta(minutes=1), 10
LONGEST_ADDRESS = 254
LinkOf = Callable[[str], str]  # token → address of the page


class AlreadyInvited(DomainError):
    code = "already_invited"
    sentence = _("{email} is invited already. Send the invitation again if it did not arrive.")


class AlreadyLinked(DomainError):
    code = "already_linked"
    sentence = _("{email} has a login here already.")


class NotSentAgain(DomainError):
    code = "not_sent_again"
    sentence = _("This invitation cannot be sent again: it is {state}.")


class TooSoon(DomainError):
    code = "too_soon"
    sentence = _("It was sent a moment ago, or ten times already. Wait a minute, or invite another address.")


class LoginExists(DomainError):
    code = "login_exists"
    sentence = _("There is a login of this address already. Sign in, and accept the invitation then.")


@transaction_required
def invite(
    *, party: Customer | Provider, email: str, now: datetime, by: User | None, link_of: LinkOf, language: str = ""
) -> Invitation:
    """Ask somebody by mail to have a login for a customer or a provider. Each person of a household gets their own.

    Raises BadInput (no address), AlreadyInvited, AlreadyLinked. A lapsed invitation to the address is withdrawn.
    """
    email = _clean_address(email)
    party = type(party).objects.select_for_update(no_key=True).get(pk=party.pk)
    _check_free(party, email, now, by)
    token = new_token()
    language = language or _language_of(party)
    made = Invitation.objects.create(
        organization_id=party.organization_id, customer=party if isinstance(party, Customer) else None,
        provider=party if isinstance(party, Provider) else None, email=email, language=language,
        token_hash=token_digest(token), invited_by=by, invited_at=now, sent_at=now, expires_at=now + GOOD_FOR,
    )  # fmt: skip
    _write(made, link_of(token), now)
    return made


def _language_of(party: Customer | Provider) -> str:
    if isinstance(party, Customer):
        return party.language
    return "zh-hant" if party.organization.country == "TW" else "en"


def _clean_address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email if len(email) <= LONGEST_ADDRESS else "")
    except ValidationError:
        raise BadInput(_("Not a valid e-mail address."), field="email", code="bad_email") from None
    return email


def _check_free(party: Customer | Provider, email: str, now: datetime, by: User | None) -> None:
    """Raises AlreadyInvited, AlreadyLinked, BadInput (a provider has one login)."""
    if isinstance(party, Customer):
        if party.users.filter(email__iexact=email).exists():
            raise AlreadyLinked(field="email", email=email)
    elif party.user is not None:
        raise AlreadyLinked(field="email", email=party.user.email or party.user.username)
    waiting = party.invitations.filter(email=email, used_at__isnull=True, revoked_at__isnull=True)
    for earlier in waiting:
        if earlier.expires_at > now:
            raise AlreadyInvited(field="email", email=email)
        Invitation.objects.filter(pk=earlier.pk).update(revoked_at=now, revoked_by=by)


@transaction_required
def invite_many(
    *, customers: Iterable[Customer], now: datetime, by: User, link_of: LinkOf
) -> tuple[list[Invitation], list[tuple[Customer, str]]]:
    """Invite every customer by the address on record: (what was sent, who was left out and why)."""
    sent: list[Invitation] = []
    left_out: list[tuple[Customer, str]] = []
    for customer in sorted(customers, key=lambda one: one.pk):
        try:
            sent.append(invite(party=customer, email=customer.email, now=now, by=by, link_of=link_of))
        except DomainError as refusal:
            left_out.append((customer, str(refusal)))
    return sent, left_out


@transaction_required
def send_again(*, invitation: Invitation, now: datetime, link_of: LinkOf) -> Invitation:
    """A new link for the same person; the old one is dead. Raises NotSentAgain, TooSoon."""
    invitation = _locked(invitation.pk)
    state = invitation.state_at(now)
    if state not in (InvitationState.OPEN, InvitationState.EXPIRED):
        raise NotSentAgain(state=state.label)
    if now - invitation.sent_at < AGAIN_AFTER or invitation.times_sent >= MOST_SENT:
        raise TooSoon()
    token = new_token()
    Invitation.objects.filter(pk=invitation.pk).update(
        token_hash=token_digest(token), sent_at=now, expires_at=now + GOOD_FOR, times_sent=F("times_sent") + 1
    )
    invitation.refresh_from_db()
    _write(invitation, link_of(token), now)
    return invitation


def _locked(pk: int) -> Invitation:
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("organization", "customer", "provider")
    return rows.get(pk=pk)


@transaction_required
def revoke(*, invitation: Invitation, now: datetime, by: User) -> None:
    """The link is dead. What was accepted stays; withdrawing twice changes nothing."""
    open_one = Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True, revoked_at__isnull=True)
    open_one.update(revoked_at=now, revoked_by=by)


def _write(invitation: Invitation, link: str, now: datetime) -> None:
    organization = invitation.organization
    with override(invitation.language):
        last = date_format(invitation.expires_at.astimezone(organization.zone), "DATE_FORMAT")
        words = (
            _("{school} invites you to see and pay online what {name} owes, and to keep your receipts.")
            if invitation.customer is not None
            else _("{school} invites you, {name}, to see your lessons and earnings online.")
        )
        offer = str(words).format(school=organization.shown_name, name=invitation.party.name)
    values = {"offer": offer, "day": last, "name": invitation.party.name}
    said = with_link("invitation", values, organization, invitation.language)
    message = Message(
        kind="invitation", fact=f"invitation:{invitation.pk}:{invitation.times_sent}", party=invitation.customer_id,
        recipient=invitation.email, language=invitation.language, subject=said.subject, body=said.body, link=link,
    )  # fmt: skip
    queue_notices(organization, [message], now)


def find_invitation(token: str, now: datetime) -> Invitation | None:
    """The invitation, if it may still be accepted. One query, whatever the token."""
    rows = Invitation.objects.select_related("organization", "customer", "provider", "invited_by")
    found = rows.filter(token_hash=token_digest(token)).first()
    if found is None or found.state_at(now) != InvitationState.OPEN:
        return None
    return found if found.organization.is_active and found.party.is_active else None


def login_of(invitation: Invitation) -> User | None:
    """A login of the invited address that there is already."""
    named = User.objects.filter(username__iexact=invitation.email, is_active=True).first()
    return named or User.objects.filter(email__iexact=invitation.email, is_active=True).order_by("pk").first()


@transaction_required
def accept(*, token: str, user: User, now: datetime) -> Invitation:
    """The login is linked from now on: once. A provider has one login. Raises LinkIsOver, AlreadyLinked."""
    found = find_invitation(token, now)
    invitation = _locked(found.pk) if found is not None else None
    if invitation is None or invitation.state_at(now) != InvitationState.OPEN:
        raise LinkIsOver()
    if invitation.token_hash != token_digest(token):
        raise LinkIsOver()  # another link was sent a moment ago
    if invitation.customer is not None:
        invitation.customer.users.add(user)
        role = Role.PARENT
    else:
        _give_to_provider(invitation, user)
        role = Role.TEACHER
    if not user.memberships.filter(
        organization=invitation.organization, role=role, withdrawn_at__isnull=True
    ).exists():  # fmt: skip
        grant_role(user=user, organization=invitation.organization, role=role, by=invitation.invited_by)
    Invitation.objects.filter(pk=invitation.pk).update(used_at=now, used_by=user)
    return invitation


def _give_to_provider(invitation: Invitation, user: User) -> None:
    """Raises AlreadyLinked, if the provider or the user is taken here."""
    provider = Provider.objects.select_for_update(no_key=True).get(pk=invitation.provider_id or 0)
    if provider.user_id not in (None, user.pk):
        raise AlreadyLinked(email=invitation.email)
    if Provider.objects.filter(organization_id=provider.organization_id, user=user).exclude(pk=provider.pk).exists():
        raise AlreadyLinked(email=user.email or user.get_username())
    Provider.objects.filter(pk=provider.pk).update(user=user)


@transaction_required
def sign_up(*, token: str, name: str, language: str, password: str, again: str, now: datetime) -> User:
    """A new login, named by the invited address, linked at once. The link came by mail, so the address is proven.

    Raises LinkIsOver, LoginExists, Refusals (the password), BadInput (the name).
    """
    invitation = find_invitation(token, now)
    if invitation is None:
        raise LinkIsOver()
    if login_of(invitation) is not None or User.objects.filter(username__iexact=invitation.email).exists():
        raise LoginExists()
    name = clean_text(name, field="name", longest=150, required=True)
    user = User(username=invitation.email, email=invitation.email, first_name=name, language=language)
    check_password(password, again, user)
    user.set_password(password)
    user.save()
    accept(token=token, user=user, now=now)
    return user
