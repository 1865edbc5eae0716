"""What every screen of the console stands on: the organization, the permission, the theme."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from billing.office.access import may
from billing.office.models import Organization, User

View = Callable[..., HttpResponse]
_PATHS: list[tuple[str, View, str]] = []


class ConsoleRequest(HttpRequest):
    """A request of a signed-in member of staff, with the organization they work in now."""

    user: User
    organization: Organization


def console_path(route: str, name: str, action: str, *modes: str) -> Callable[[View], View]:
    """Mount a work screen at /console/<route>, as admin:<name>, for those who may do `action` in one of `modes`.

    Without modes, for those who may at least read. Others get 403.
    """

    def mount(view: View) -> View:
        @wraps(view)
        def guarded(request: ConsoleRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, request.organization, action, *modes):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _PATHS.append((route, guarded, name))
        return guarded

    return mount


def console_paths() -> list[tuple[str, View, str]]:
    return list(_PATHS)


def console_context(request: HttpRequest, title: object, **more: Any) -> dict[str, Any]:
    """Template context of a work screen that extends "admin/base.html"."""
    return {**admin.site.each_context(request), "title": title, **more}


class ConsoleAdmin(ModelAdmin):  # type: ignore[misc]
    """A list and a read-only page of one table, of the organization worked in.

    action: the row of the permission matrix that opens it. organization_path: how a row knows its organization.
    Money is never edited or deleted here: changes go through services, called by work screens.
    """

    action = "see_receivables"
    organization_path = "organization"
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        rows: QuerySet[Model] = super().get_queryset(request)
        return rows.filter(**{self.organization_path: request.organization})  # type: ignore[attr-defined]

    def _may(self, request: HttpRequest, *modes: str) -> bool:
        organization = getattr(request, "organization", None)
        return bool(organization) and may(request.user, organization, self.action, *modes)  # type: ignore[arg-type]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
