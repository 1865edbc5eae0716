"""What a user may do where. The matrix decides; being a superuser or staff decides nothing."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, NotPermitted
from billing.office.accounts.sign_ins import end_sign_ins
from billing.office.matrix import STRONG_ROLES, TOXIC_PAIRS
from billing.office.models import Grant, Membership, Organization, User
from billing.office.models.signing_in import SignInEnd
from billing.office.models.user import STAFF_ROLES, Mode, Role
from billing.transactions import transaction_required

READING = frozenset((Mode.DO, Mode.MAKE, Mode.CHECK, Mode.READ, Mode.OWN_READ, Mode.OWN))


class ToxicPair(DomainError):
    code = "toxic_pair"
    sentence = _("One person may not be both {one} and {other} in the same organization.")


def roles_in(user: User, organization: Organization) -> frozenset[str]:
    """The roles a user holds now. Asked anew for each request, so that a withdrawn right ends at once."""
    if not user.is_active:
        return frozenset()
    held = Membership.objects.filter(user=user, organization=organization, withdrawn_at__isnull=True)
    return frozenset(held.values_list("role", flat=True))


def modes_in(user: User, organization: Organization) -> dict[str, frozenset[str]]:
    """All a user may do in an organization: action → modes. One query."""
    if not user.is_active:
        return {}
    roles = Membership.objects.filter(user=user, organization=organization, withdrawn_at__isnull=True).values("role")
    found: dict[str, set[str]] = {}
    for action, mode in Grant.objects.filter(role__in=roles).values_list("action", "mode"):
        found.setdefault(action, set()).add(mode)
    return {action: frozenset(modes) for action, modes in found.items()}


def may(user: User, organization: Organization, action: str, *modes: str) -> bool:
    """Whether the user holds one of `modes` for the action; without modes, whether it may at least read."""
    wanted = frozenset(modes) or READING
    return bool(modes_in(user, organization).get(action, frozenset()) & wanted)


def require(user: User, organization: Organization, action: str, *modes: str) -> None:
    """Raises NotPermitted unless may()."""
    if not may(user, organization, action, *modes):
        raise NotPermitted(action=action)


def staff_organizations(user: User) -> Iterable[Organization]:
    """Where the user works, by name; empty for parents and teachers."""
    held = Membership.objects.filter(user=user, withdrawn_at__isnull=True, role__in=STAFF_ROLES)
    return Organization.objects.filter(pk__in=held.values("organization"), is_active=True)


def people_who(organization: Organization, action: str, mode: str) -> Iterable[User]:
    """Active users who hold the action in that mode: "ask one of these"."""
    roles = Grant.objects.filter(action=action, mode=mode).values("role")
    return User.objects.filter(
        is_active=True,
        memberships__organization=organization,
        memberships__role__in=roles,
        memberships__withdrawn_at__isnull=True,
    ).distinct()


@transaction_required
def grant_role(*, user: User, organization: Organization, role: Role | str, by: User | None) -> Membership:
    """Give a user a role. Strong roles need a second person first: needs_second_person.

    Raises BadInput (no such role), ToxicPair if the user already holds a role that may not go with it.
    """
    if role not in Role.values:
        raise BadInput(_("There is no role {role}."), field="role", code="unknown_role", role=role)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    standing = Membership.objects.filter(user=user, organization=organization, withdrawn_at__isnull=True)
    for held in standing.values_list("role", flat=True):  # also of one who may not log in now, but may again
        if frozenset((held, str(role))) in TOXIC_PAIRS:
            raise ToxicPair(one=Role(held).label, other=Role(role).label)
    membership, _made = Membership.objects.get_or_create(
        user=user, organization=organization, role=role, withdrawn_at=None, defaults={"granted_by": by}
    )
    return membership


@transaction_required
def withdraw_role(*, membership: Membership, now: datetime) -> None:
    """Take a role back from now on; the row stays as history. Where the user is signed in ends (security list 13)."""
    changed = Membership.objects.filter(pk=membership.pk, withdrawn_at__isnull=True).update(withdrawn_at=now)
    if changed:
        end_sign_ins(user=membership.user, end=SignInEnd.WITHDRAWN, now=now)


def needs_second_person(role: str) -> bool:
    return role in STRONG_ROLES
