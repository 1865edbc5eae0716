"""Links by which a user sets a new password or confirms a new e-mail address (security list 26).

A token is 256 random bits; we keep its SHA-256. Whether an address is anybody's is never told: whatever is asked for is
counted and answered alike, and the mail leaves later, by the outbox.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Refusals
from billing.office.accounts.letters import (
    ADDRESS_ASKED,
    ADDRESS_CHANGED,
    CONFIRM_ADDRESS,
    PASSWORD_CHANGED,
    RESET,
    send_link,
    tell,
)
from billing.office.accounts.sign_ins import end_sign_ins
from billing.office.machines import token_digest
from billing.office.models import AccountLink, User
from billing.office.models.signing_in import LinkKind, SignInEnd
from billing.transactions import transaction_required

TOKEN_BYTES, LONGEST_ADDRESS = 32, 254
GOOD_FOR = {LinkKind.PASSWORD: timedelta(hours=1), LinkKind.ADDRESS: timedelta(days=1)}
# In an hour: more to one address are not mailed, more from one place are refused.
HOUR, MOST_TO, MOST_FROM = timedelta(hours=1), 3, 20
ToAddress = Callable[[str], str]  # token → address of the page


class TooMany(DomainError):
    code = "too_many"
    sentence = _("Too much was asked for from here. Try again at {until:%H:%M} (UTC).")


class LinkIsOver(DomainError):
    code = "link_is_over"
    sentence = _("This link does not work, or no longer.")


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


@transaction_required
def ask_for_reset(*, address: str, asked_from: str, now: datetime, link_of: ToAddress) -> None:
    """Mail a link for a new password to whoever has this address; nobody is told whether there is one.

    Logins without a password, of other systems, get none. Raises TooMany.
    """
    address = address.strip().lower()[:LONGEST_ADDRESS]
    _check_place(asked_from, now)
    asked = AccountLink.objects.filter(recipient=address, asked_at__gt=now - HOUR, kind=LinkKind.PASSWORD)
    times = asked.values("asked_at").distinct().count()
    users = list(User.objects.filter(email__iexact=address, is_active=True).order_by("pk")[:5]) if address else []
    mailed: list[User | None] = [*users] if times < MOST_TO else []
    for user in mailed or [None]:
        token = new_token()
        made = _write(LinkKind.PASSWORD, user, address, token, asked_from, now)
        if user is not None:
            send_link(RESET, user=user, fact=f"link:{made.pk}", now=now, link=link_of(token))


def _check_place(asked_from: str, now: datetime) -> None:
    """Raises TooMany."""
    asked = AccountLink.objects.filter(asked_from=asked_from or None, asked_at__gt=now - HOUR)
    if asked.count() >= MOST_FROM:
        first = asked.order_by("-asked_at")[MOST_FROM - 1]
        raise TooMany(until=first.asked_at + HOUR)


def _write(
    kind: LinkKind, user: User | None, recipient: str, token: str, asked_from: str, now: datetime
) -> AccountLink:
    """A new link makes the user's earlier ones of its kind void."""
    if user is not None:
        void_links(user, now, kind=kind)
    return AccountLink.objects.create(
        kind=kind, user=user, recipient=recipient, token_hash=token_digest(token), asked_at=now,
        asked_from=asked_from or None, expires_at=now + GOOD_FOR[kind],
    )  # fmt: skip


def void_links(user: User, now: datetime, **of: LinkKind) -> None:
    AccountLink.objects.filter(user=user, used_at__isnull=True, voided_at__isnull=True, **of).update(voided_at=now)


def find_link(token: str, kind: LinkKind, now: datetime) -> AccountLink | None:
    """The link, if it may still be used."""
    rows = AccountLink.objects.select_related("user").filter(token_hash=token_digest(token), kind=kind)
    found = rows.filter(user__is_active=True).first()
    return found if found is not None and found.is_open(now) else None


def check_password(password: str, again: str, user: User, *, field: str = "password") -> None:
    """Raises Refusals with every fault of a new password, each beside its field."""
    refusals: list[DomainError] = []
    try:
        validate_password(password, user)
    except ValidationError as trouble:
        refusals += [BadInput(text, field=field, code="weak_password") for text in trouble.messages]
    if password != again:
        refusals.append(BadInput(_("The two passwords differ."), field="again", code="passwords_differ"))
    if refusals:
        raise Refusals(refusals)


@transaction_required
def set_password(
    *, user: User, password: str, again: str, now: datetime, address: str, keep: str | None = None
) -> None:
    """A new password; every session ends but the one kept, and the user is told. Raises Refusals.

    Links mailed before are void, those to a new address too: who had the old password may have asked for them.
    """
    check_password(password, again, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    void_links(user, now)
    end_sign_ins(user=user, end=SignInEnd.PASSWORD, now=now, keep=keep)
    fact = f"user:{user.pk}:{now.timestamp():.6f}"
    tell(PASSWORD_CHANGED, user=user, fact=fact, now=now, address=address)


@transaction_required
def reset_password(*, token: str, password: str, again: str, now: datetime, address: str) -> User:
    """By the mailed link, once. The second factor stays as it is. Raises LinkIsOver, Refusals."""
    link = _spend(token, LinkKind.PASSWORD, now)
    user = link.user
    assert user is not None
    set_password(user=user, password=password, again=again, now=now, address=address)
    return user


def _spend(token: str, kind: LinkKind, now: datetime) -> AccountLink:
    """Raises LinkIsOver."""
    found = find_link(token, kind, now)
    open_ones = AccountLink.objects.filter(pk=found.pk if found else 0, used_at__isnull=True, voided_at__isnull=True)
    if found is None or not open_ones.update(used_at=now):
        raise LinkIsOver()
    return found


@transaction_required
def ask_for_address(*, user: User, address: str, asked_from: str, now: datetime, link_of: ToAddress) -> None:
    """Mail a link to a new address, and word of it to the old one. The door asked for the password.

    Raises BadInput (no address, the same one), TooMany.
    """
    address = _clean_address(address)
    if address == user.email.lower():
        raise BadInput(_("That is your address already."), field="email", code="same_address")
    _check_place(asked_from, now)
    if AccountLink.objects.filter(user=user, kind=LinkKind.ADDRESS, asked_at__gt=now - HOUR).count() >= MOST_TO:
        raise TooMany(until=now + HOUR)
    token = new_token()
    made = _write(LinkKind.ADDRESS, user, address, token, asked_from, now)
    send_link(CONFIRM_ADDRESS, user=user, fact=f"link:{made.pk}", now=now, to=address, link=link_of(token))
    tell(ADDRESS_ASKED, user=user, fact=f"link:{made.pk}", now=now, new=address)


def _clean_address(address: str) -> str:
    address = address.strip().lower()
    try:
        validate_email(address if len(address) <= LONGEST_ADDRESS else "")
    except ValidationError:
        raise BadInput(_("Not a valid e-mail address."), field="email", code="bad_email") from None
    return address


@transaction_required
def confirm_address(*, token: str, now: datetime) -> User:
    """The new address counts from now on; a login named by the old address is named by the new one. Links mailed to
    the old address are void.

    Raises LinkIsOver, BadInput if somebody else's login has that name.
    """
    link = _spend(token, LinkKind.ADDRESS, now)
    assert link.user is not None
    user = User.objects.select_for_update(no_key=True).get(pk=link.user.pk)
    old, new = user.email, link.recipient
    user.email = new
    if user.username == old.lower():
        if User.objects.filter(username__iexact=new).exclude(pk=user.pk).exists():
            raise BadInput(_("There is another login of this name. Call the office."), code="already_exists")
        user.username = new
    user.save(update_fields=["email", "username"])
    void_links(user, now)
    if old:
        tell(ADDRESS_CHANGED, user=user, fact=f"link:{link.pk}", now=now, to=old, new=new)
    return user
