"""What every view of the API stands on: token, permission, strict JSON, problem+json, and who acts."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from billing.api.problems import problem
from billing.errors import NotPermitted
from billing.office.access import READING, modes_in, roles_in
from billing.office.acting import acting
from billing.office.models import ApiClient, Organization, User
from billing.office.models.user import STAFF_ROLES


class OneRepresentation(DefaultContentNegotiation):
    """Each address has one representation, whatever Accept or ?format= say."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        only = next(iter(renderers))
        return only, str(only.media_type)


class MayDo(BasePermission):
    """The acting user works in the client's organization and holds the action that the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        assert isinstance(view, ApiView)
        client = request.auth
        if not isinstance(client, ApiClient):
            return False
        method = (request.method or "").lower()
        if method not in view.http_method_names or not hasattr(view, method):
            return True  # 405 follows
        if not roles_in(client.user, client.organization) & STAFF_ROLES:
            return False
        view.modes = modes_in(client.user, client.organization)
        needs = view.needs.get("GET" if request.method == "HEAD" else request.method or "")
        return needs is not None and view.holds(*needs)


class ApiView(APIView):
    """needs: method → (action of the permission matrix, *modes); a method not named there is refused.

    field_names: what this door calls the fields that services name.
    """

    permission_classes = [MayDo]
    content_negotiation_class = OneRepresentation
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    needs: Mapping[str, tuple[str, ...]] = {}
    field_names: Mapping[str, str] = {}
    modes: Mapping[str, frozenset[str]] = {}
    request: Request

    def holds(self, action: str, *modes: str) -> bool:
        return bool(self.modes.get(action, frozenset()) & (frozenset(modes) or READING))

    def require(self, action: str, *modes: str) -> None:
        if not self.holds(action, *modes):
            raise NotPermitted(action=action)

    @property
    def client(self) -> ApiClient:
        assert isinstance(self.request.auth, ApiClient)
        return self.request.auth

    @property
    def organization(self) -> Organization:
        return self.client.organization

    @property
    def user(self) -> User:
        return self.client.user

    @contextmanager
    def as_client(self) -> Iterator[None]:
        """What changes inside is written down as done by the client's user, from this client and address."""
        origin = f"api:{self.client.pk} {self.request.META.get('REMOTE_ADDR', '')}"
        with acting(self.user, origin):
            yield

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        done: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        done.headers["Cache-Control"] = "no-store"
        return done


def no_such_address(request: HttpRequest, rest: str) -> HttpResponse:
    """Without this a POST to an address that lacks its last slash would be redirected and become a GET."""
    detail = _("There is no such address. Every address ends with a slash.")
    return problem(404, "no_such_address", detail)


no_such_address.csrf_exempt = True  # type: ignore[attr-defined]
