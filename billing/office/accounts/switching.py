"""Switching a login off and on again: somebody left, or somebody else may have got in (security list 13)."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.inputs import clean_text
from billing.office.access import may, require
from billing.office.accounts.links import void_links
from billing.office.accounts.sign_ins import end_sign_ins
from billing.office.acting import because
from billing.office.models import Membership, Organization, User
from billing.office.models.signing_in import SignInEnd
from billing.office.models.user import Mode, Role
from billing.transactions import transaction_required

ACTION = "manage_users"


class OwnLogin(DomainError):
    code = "own_login"
    sentence = _("Another person must switch your login off.")


class LastPlatformAdmin(DomainError):
    code = "last_platform_admin"
    sentence = _("This is the last platform admin who can sign in. Make another one first.")


class UsedElsewhere(DomainError):
    code = "login_used_elsewhere"
    sentence = _("This login is used at another organization too, where you do not manage users. Withdraw roles here.")


@transaction_required
def switch_off(*, user: User, organization: Organization, reason: str, now: datetime, by: User) -> bool:
    """From the next request on nobody is signed in as this user, nor can sign in; links mailed to the user are void.

    organization: where `by` asks. Roles stay, so that switching on gives back what there was; tokens that act as this
    user are refused meanwhile. Pay links stay: they are of a customer, whoever has them. Returns whether it was on.
    Raises NotPermitted, BadInput (no reason), OwnLogin, LastPlatformAdmin, UsedElsewhere.
    """
    reason = _check(user, organization, reason, by)
    if user.pk == by.pk:
        raise OwnLogin()
    _lock_with_platform_admins(user)
    _check_platform_admin(user)
    if not User.objects.filter(pk=user.pk, is_active=True).exists():
        return False
    because(reason)
    User.objects.filter(pk=user.pk).update(is_active=False)
    end_sign_ins(user=user, end=SignInEnd.DEACTIVATED, now=now)
    void_links(user, now)
    return True


@transaction_required
def switch_on(*, user: User, organization: Organization, reason: str, by: User) -> bool:
    """The user may sign in again, by the password there was. Returns whether it was off.

    Raises NotPermitted, BadInput (no reason), UsedElsewhere.
    """
    reason = _check(user, organization, reason, by)
    because(reason)
    return bool(User.objects.filter(pk=user.pk, is_active=False).update(is_active=True))


def _check(user: User, organization: Organization, reason: str, by: User) -> str:
    """The reason, clean."""
    require(by, organization, ACTION, Mode.MAKE)
    reason = clean_text(reason, field="reason", longest=400, required=True)
    for other in _organizations_of(user).exclude(pk=organization.pk):
        if not may(by, other, ACTION, Mode.MAKE):
            raise UsedElsewhere()
    return reason


def _organizations_of(user: User) -> QuerySet[Organization]:
    """Where the user works, pays or teaches."""
    works = Membership.objects.filter(user=user, withdrawn_at__isnull=True).values("organization")
    pays, teaches = user.customers.values("organization"), user.providers.values("organization")
    return Organization.objects.filter(Q(pk__in=works) | Q(pk__in=pays) | Q(pk__in=teaches))


def _lock_with_platform_admins(user: User) -> None:
    """In the order of keys, so that of two who switch each other off one is left."""
    admins = Membership.objects.filter(role=Role.PLATFORM_ADMIN, withdrawn_at__isnull=True).values("user")
    rows = User.objects.filter(Q(pk=user.pk) | Q(pk__in=admins)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _check_platform_admin(user: User) -> None:
    """Wherever the user runs the platform somebody else does too, or has to be made to first."""
    held = Membership.objects.filter(role=Role.PLATFORM_ADMIN, withdrawn_at__isnull=True)
    others = held.filter(user__is_active=True).exclude(user=user)
    alone = held.filter(user=user, user__is_active=True).exclude(organization__in=others.values("organization"))
    if alone.exists():
        raise LastPlatformAdmin()
