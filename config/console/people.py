"""Who the user of a request is here, beyond the permission matrix."""

from django.http import HttpRequest

from billing.office.access import roles_in
from billing.office.models import User
from billing.office.models.user import Role


def roles_of(request: HttpRequest) -> frozenset[str]:
    """Roles in the organization worked in: one query a request."""
    if not hasattr(request, "_console_roles"):
        organization = getattr(request, "organization", None)
        held = roles_in(request.user, organization) if organization and isinstance(request.user, User) else frozenset()
        request._console_roles = held  # type: ignore[attr-defined]
    return request._console_roles  # type: ignore[attr-defined,no-any-return]


def is_platform_admin(request: HttpRequest) -> bool:
    return Role.PLATFORM_ADMIN.value in roles_of(request)
