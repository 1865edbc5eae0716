"""What every screen of the console stands on: the organization, the permission, the theme."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from billing.office.access import READING, modes_in
from billing.office.models import Organization, User

View = Callable[..., HttpResponse]
_PATHS: list[tuple[str, View, str]] = []
EXACT_COUNT = 10_000
LARGEST_KEY = 2**63 - 1


class ConsoleRequest(HttpRequest):
    """A request of a signed-in member of staff, with the organization they work in now."""

    user: User
    organization: Organization


def modes_of(request: HttpRequest) -> dict[str, frozenset[str]]:
    """All the user may do in the organization worked in: one query a request, however many screens ask."""
    found: dict[str, frozenset[str]] | None = getattr(request, "_console_modes", None)
    if found is None:
        organization = getattr(request, "organization", None)
        allowed = bool(organization) and isinstance(request.user, User)
        found = modes_in(request.user, organization) if allowed else {}  # type: ignore[arg-type]
        request._console_modes = found  # type: ignore[attr-defined]
    return found


def may_here(request: HttpRequest, action: str, *modes: str) -> bool:
    """access.may for the user and the organization of a request; without modes, whether it may at least read.

    Without an action: whoever works here.
    """
    if not action:
        return bool(getattr(request, "organization", None))
    return bool(modes_of(request).get(action, frozenset()) & (frozenset(modes) or READING))


def console_path(route: str, name: str, action: str, *modes: str) -> Callable[[View], View]:
    """Mount a work screen at /console/<route>, as admin:<name>, for those who may do `action` in one of `modes`.

    Without modes, for those who may at least read. Without an action, for all who work here. Others get 403.
    """

    def mount(view: View) -> View:
        @wraps(view)
        def guarded(request: ConsoleRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if action and not may_here(request, action, *modes):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _PATHS.append((route, guarded, name))
        return guarded

    return mount


def console_paths() -> list[tuple[str, View, str]]:
    return list(_PATHS)


def console_context(request: HttpRequest, title: object, **more: Any) -> dict[str, Any]:
    """Template context of a work screen that extends "admin/base_site.html"."""
    return {**admin.site.each_context(request), "title": title, **more}


class EstimatedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to ten thousand rows; of a longer list it asks the planner, whose guess costs nothing."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        counted = rows.order_by()[: EXACT_COUNT + 1].count()
        return counted if counted <= EXACT_COUNT else max(counted, self._guess(rows))

    @staticmethod
    def _guess(rows: QuerySet[Any]) -> int:
        """The planner's guess, cut to three digits so that it does not pretend to be a count."""
        plan = json.loads(rows.order_by().explain(format="json"))
        guess = int(plan[0]["Plan"]["Plan Rows"])
        rest = len(str(guess)) - 3
        return int(str(guess)[:3] + "0" * rest) if rest > 0 else guess


class ConsoleAdmin(ModelAdmin):
    """A list and a read-only page of one table, of the organization worked in.

    action: the row of the permission matrix that opens it. organization_path: how a row knows its organization.
    Money is never edited or deleted here: changes go through services, called by work screens.
    empty_text: what would be here, and how the first one comes about.
    """

    action = "see_receivables"
    organization_path = "organization"
    empty_text: Any = ""
    extra_lookups: tuple[str, ...] = ()
    show_full_result_count = False
    paginator = EstimatedPaginator
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    list_disable_select_all = True
    actions = None
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        rows: QuerySet[Model] = super().get_queryset(request)
        return rows.filter(**{self.organization_path: request.organization})  # type: ignore[attr-defined]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """Only whole numbers that can be a key; anything else is a page that does not exist."""
        if not object_id.isascii() or not object_id.isdigit() or int(object_id) > LARGEST_KEY:
            return None
        found: Model | None = super().get_object(request, object_id, from_field)
        return found

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """404 for what is not the organization's, the same as for what was never made."""
        raise Http404

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the list offers may be filtered by: a filter on a hidden column would tell what it holds."""
        columns = [item[0] for item in self.list_filter if isinstance(item, tuple)]
        own = {getattr(item, "parameter_name", "") for item in self.list_filter}
        ranges = {f"{name}_{end}" for name in columns for end in ("from", "to")}
        names = [*columns, *self.extra_lookups, "id", *([self.date_hierarchy] if self.date_hierarchy else [])]
        return lookup in own | ranges or any(lookup == name or lookup.startswith(f"{name}__") for name in names)

    def _may(self, request: HttpRequest, *modes: str) -> bool:
        return may_here(request, self.action, *modes)

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
