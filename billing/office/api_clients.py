"""Opening and ending other systems' access: each gets a user of its own (security list 43, 45)."""

import secrets
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.office.access import grant_role
from billing.office.machines import issue_token
from billing.office.models import ApiClient, Organization, User
from billing.office.models.user import Role
from billing.transactions import transaction_required

# What a machine may be: one that enters payments, or one that reads. Nothing that decides.
MACHINE_ROLES = (Role.CLERK, Role.ACCOUNTANT)


@transaction_required
def open_client(
    *, organization: Organization, name: str, role: str, expires_at: datetime | None, by: User, now: datetime
) -> tuple[ApiClient, str]:
    """A client with a user of its own and its token, which is never known again.

    Raises BadInput (name taken by a client in use, role, expiry in the past).
    """
    name = clean_text(name, field="name", longest=80, required=True)
    if role not in MACHINE_ROLES:
        raise BadInput(_("Choose what the client may do."), field="role", code="unknown_role")
    if expires_at is not None and expires_at <= now:
        raise BadInput(_("The expiry must be in the future."), field="expires_on", code="expired")
    if ApiClient.objects.filter(organization=organization, name=name, revoked_at__isnull=True).exists():
        raise BadInput(_("There is already a client {taken}."), field="name", code="already_exists", taken=name)
    user = User.objects.create_user(f"api-{secrets.token_hex(4)}", "", None, first_name=name[:140], last_name="(API)")
    grant_role(user=user, organization=organization, role=role, by=by)
    return issue_token(organization=organization, name=name, user=user, expires_at=expires_at)


@transaction_required
def revoke_client(*, client: ApiClient, now: datetime) -> None:
    """End a client at once; a second time changes nothing."""
    ApiClient.objects.filter(pk=client.pk, revoked_at__isnull=True).update(revoked_at=now)
