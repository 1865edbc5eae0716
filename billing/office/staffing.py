"""Who works here: new users, their roles, and the second person that strong roles take (invariants §5.3, row 44)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office import approvals
from billing.office.access import ToxicPair, grant_role, needs_second_person, roles_in
from billing.office.matrix import TOXIC_PAIRS
from billing.office.models import ApprovalRequest, Membership, Organization, User
from billing.office.models.user import STAFF_ROLES, Role
from billing.transactions import transaction_required

ACTION, DEED = "manage_users", "grant_role"


class OwnRole(DomainError):
    code = "own_role"
    sentence = _("Another person must give you a role.")


class RoleHeld(BadInput):
    code = "role_held"
    sentence = _("{who} is {role} already.")


@transaction_required
def create_staff_user(
    *, username: str, first_name: str, last_name: str, email: str, phone: str = "", language: str = "en"
) -> User:
    """A login without a password: its owner sets one by the link that the door sends. Raises BadInput."""
    username = clean_text(username, field="username", longest=150, required=True)
    try:
        User.username_validator(username)
    except ValidationError as trouble:
        raise BadInput(trouble.messages[0], field="username", code="bad_username") from None
    if User.objects.filter(username__iexact=username).exists():
        raise BadInput(_("There is already a user {taken}."), field="username", code="already_exists", taken=username)
    try:
        validate_email(email.strip())
    except ValidationError:
        raise BadInput(_("Not a valid e-mail address."), field="email", code="bad_email") from None
    return User.objects.create_user(
        username,
        email.strip(),
        None,
        first_name=clean_text(first_name, field="first_name", longest=150, required=True),
        last_name=clean_text(last_name, field="last_name", longest=150),
        phone=clean_text(phone, field="phone", longest=40),
        language=language,
    )


@transaction_required
def give_role(
    *, user: User, organization: Organization, role: str, reason: str, by: User, now: datetime
) -> Membership | ApprovalRequest:
    """Give a role at once, or ask another person if the role is a strong one.

    Raises OwnRole, RoleHeld, ToxicPair, BadInput (unknown role, no reason for a strong one), NotPermitted.
    """
    if role not in STAFF_ROLES:
        raise BadInput(_("Choose a role."), field="role", code="unknown_role")
    if user.pk == by.pk:
        raise OwnRole(field="role")
    check_role(user, organization, role)
    if not needs_second_person(role):
        return grant_role(user=user, organization=organization, role=role, by=by)
    return approvals.ask(
        organization=organization, action=ACTION, subject=f"role:{user.pk}:{role}",
        title=f"Make {user} {Role(role).label}"[:200], shown=facts_of_role(user, organization, role), reason=reason,
        by=by, now=now,
    )  # fmt: skip


def check_role(user: User, organization: Organization, role: str) -> None:
    """Raises RoleHeld, ToxicPair. One query."""
    for held in roles_in(user, organization):
        if held == role:
            raise RoleHeld(field="role", who=str(user), role=Role(role).label)
        if frozenset((held, role)) in TOXIC_PAIRS:
            raise ToxicPair(field="role", one=Role(held).label, other=Role(role).label)


def facts_of_role(user: User, organization: Organization, role: str) -> dict[str, Any]:
    return {
        "deed": DEED,
        "user": user.username,
        "name": str(user),
        "user_id": user.pk,
        "role": role,
        "holds": sorted(roles_in(user, organization)),
    }


def facts_now(request: ApprovalRequest) -> Mapping[str, Any]:
    user = User.objects.get(pk=request.shown["user_id"])
    return facts_of_role(user, request.organization, request.shown["role"])


@transaction_required
def carry_out_role(*, request: ApprovalRequest, now: datetime) -> Membership:
    """Grant what was approved. Raises OwnRole if the checker would gain, ToxicPair, and what approvals.use raises."""
    if request.decided_by_id == request.shown["user_id"]:
        raise OwnRole()
    user = User.objects.get(pk=request.shown["user_id"])
    approvals.use(request=request, action=ACTION, subject=request.subject, shown=facts_now(request), now=now)
    return grant_role(user=user, organization=request.organization, role=request.shown["role"], by=request.requested_by)
