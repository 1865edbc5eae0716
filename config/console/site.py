"""The one admin site, at /console/."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from billing.office import clock
from billing.office.middleware import works_in
from billing.office.models import User

AnyPath = URLPattern | URLResolver


class ConsoleSite(UnfoldAdminSite):
    """Where members of staff work. It keeps the namespace "admin", which the theme's templates reverse.

    Work screens of the apps are console_path()s; they come before the admin's own pages.
    """

    index_title = _("Today")
    index_template = "console/home/today.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever works in some organization; is_staff and is_superuser alone open nothing."""
        user = request.user
        return isinstance(user, User) and user.is_active and bool(getattr(request, "organization", None))

    def get_urls(self) -> list[Any]:
        # Apps register with the site while their admin modules load, so the site itself loads none of them.
        from billing.admin.base import console_paths
        from config.console import shell

        own = [
            path("organization/", self.admin_view(shell.choose_organization), name="organization"),
            path("language/", shell.choose_language, name="language"),
            path("welcome/<uidb64>/<token>/", shell.Welcome.as_view(), name="welcome"),
        ]
        screens = [path(route, self.admin_view(view), name=name) for route, view, name in console_paths()]
        return own + screens + list(super().get_urls())

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One door for all."""
        return redirect(f"{reverse('sign_in')}?{urlencode({'next': request.GET.get('next', '/console/')})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from billing.pages.accounts.signing_in import sign_out

        return sign_out(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        if self.has_permission(request):
            organization = request.organization  # type: ignore[attr-defined]
            context |= {
                "organization": organization,
                "works_in": works_in(request),
                "today": organization.today(clock.now()),
            }
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from config.console.home import home_context

        return super().index(request, {**home_context(request), **(extra_context or {})})  # type: ignore[no-any-return]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The theme's own search keeps its results by user, whatever organization they work in; ours keeps none."""
        from config.console.finding import find

        return find(request)
