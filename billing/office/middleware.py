from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from billing.office import acting
from billing.office.access import staff_organizations
from billing.office.models import Organization, User

CHANGING = frozenset(("POST", "PUT", "PATCH", "DELETE"))
# Where machines only leave word: nobody acts there, and nothing that is audited changes.
UNATTENDED = "/webhooks/"
SESSION_KEY = "organization"


class ActorMiddleware:
    """Names the actor to the audit trail and the organization a member of staff works in now.

    request.organization: an Organization the user works in, or None. Chosen in the console, kept in the session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organization = SimpleLazyObject(lambda: current_organization(request))  # type: ignore[attr-defined]
        changes = request.method in CHANGING and not request.path_info.startswith(UNATTENDED)
        if changes:
            user = request.user if isinstance(request.user, User) else None
            acting.set_actor(user, request.META.get("REMOTE_ADDR", ""))
        try:
            return self.get_response(request)
        finally:
            if changes:
                acting.clear_actor()


def current_organization(request: HttpRequest) -> Organization | None:
    found = {organization.pk: organization for organization in works_in(request)}
    return found.get(request.session.get(SESSION_KEY) or 0) or next(iter(found.values()), None)


def works_in(request: HttpRequest) -> list[Organization]:
    """Where the user works, by name. One query a request and user."""
    user = request.user
    if not isinstance(user, User):
        return []
    known: dict[int, list[Organization]] = request.__dict__.setdefault("_works_in", {})
    if user.pk not in known:
        known[user.pk] = list(staff_organizations(user))
    return known[user.pk]
