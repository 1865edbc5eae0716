"""Tables of packages we use: for the platform admin alone, in the theme, read-only.

The one schedule is put right by config.schedules and must not be edited; sign-in failures end by themselves.
"""

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin

from billing.admin.base import EstimatedPaginator
from billing.office.models import Authenticator, RecoverySet
from config.console.people import is_platform_admin


class PlatformAdmin(ModelAdmin):
    """Seen by platform admins of the organization worked in, changed by nobody here."""

    show_full_result_count = False
    paginator = EstimatedPaginator
    actions = None
    list_max_show_all = 0
    empty_text: Any = ""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_platform_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_platform_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ScheduleAdmin(PlatformAdmin):
    list_display = ("name", "func", "schedule_type", "minutes", "next_run")
    fields = (("name", "func"), ("schedule_type", "minutes"), ("next_run", "repeats"))
    empty_text = _("The one schedule that rings every minute. Starting the program makes it.")


class TaskAdmin(PlatformAdmin):
    """success: which of the two tables in one."""

    list_display = ("name", "func", "started", "stopped", "attempt_count")
    search_fields = ("func",)
    ordering = ("-stopped",)
    fields = (("name", "func"), ("started", "stopped", "attempt_count"), "result")
    empty_text = _("What the worker did. It rings every minute while it runs.")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(success=self.model is Success)


class QueueAdmin(PlatformAdmin):
    list_display = ("id", "key", "lock")
    fields = ("key", "lock")
    empty_text = _("What waits for the worker now.")


class SignInAdmin(PlatformAdmin):
    """Without what was typed: a password in the wrong field must not be read here."""

    list_display = ("attempt_time", "username", "ip_address", "path_info")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = (("attempt_time", "username"), ("ip_address", "path_info"), "user_agent")
    empty_text = _("Tries to sign in.")


class DeviceAdmin(PlatformAdmin):
    """Which users have a second factor. Its secret is never shown."""

    list_display = ("user", "made_at")
    fields = (("user", "made_at"),)
    empty_text = _("Second factors that users have set up.")


PAGES: tuple[tuple[type[Model], type[PlatformAdmin]], ...] = (
    (Schedule, ScheduleAdmin),
    (Success, TaskAdmin),
    (Failure, TaskAdmin),
    (OrmQ, QueueAdmin),
    (AccessAttempt, SignInAdmin),
    (AccessLog, SignInAdmin),
    (AccessFailureLog, SignInAdmin),
    (Authenticator, DeviceAdmin),
    (RecoverySet, DeviceAdmin),
)

# Rights come from memberships alone, so groups would only mislead.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)
for table, page in PAGES:
    if admin.site.is_registered(table):
        admin.site.unregister(table)
    admin.site.register(table, page)
