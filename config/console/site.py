"""The one admin site, at /console/."""

from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path
from unfold.sites import UnfoldAdminSite

from billing.admin.base import console_paths
from billing.office.access import staff_organizations
from billing.office.models import User

AnyPath = URLPattern | URLResolver


class ConsoleSite(UnfoldAdminSite):
    """Where members of staff work. It keeps the namespace "admin", which the theme's templates reverse.

    Work screens of the apps are console_path()s; they come before the admin's own pages.
    """

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever works in some organization; is_staff and is_superuser alone open nothing."""
        user = request.user
        return isinstance(user, User) and user.is_active and getattr(request, "organization", None) is not None

    def get_urls(self) -> list[Any]:
        screens = [path(route, self.admin_view(view), name=name) for route, view, name in console_paths()]
        return screens + list(super().get_urls())

    def works_in(self, request: HttpRequest) -> list[Any]:
        return list(staff_organizations(request.user)) if isinstance(request.user, User) else []
