"""Lists of the office: approvals, memberships, API clients."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from billing.admin.base import ConsoleAdmin, modes_of
from billing.admin.columns import code_column, link_to
from billing.admin.deeds import title_of
from billing.admin.filters import DayFilter
from billing.admin.words_and_colours import label
from billing.office import clock
from billing.office.access import READING
from billing.office.models import ApiClient, ApprovalRequest, Membership
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ConsoleAdmin):
    """What was asked for, decided and carried out. The inbox decides; this is the record."""

    list_display = ("title_word", "action_word", "requested_by", "requested_at", "decided_by", "decided_at", "standing")
    list_select_related = ("requested_by", "decided_by")
    list_filter = (("state", ChoicesDropdownFilter), ("requested_at", DayFilter))
    extra_lookups = ("action", "subject")
    search_fields = ("title", "subject", "reason")
    ordering = ("-id",)
    fields = (
        "title", ("action", "subject"), "reason", ("amount", "currency"),
        ("requested_by", "requested_at", "expires_at"),
        ("state", "decided_by", "decided_at"), "decision_reason",
    )  # fmt: skip
    empty_text = _("What one person asked and another decided. Voiding a payment or changing a policy makes the first.")

    action_word = code_column("action", _("action"))

    @admin.display(description=_("title"), ordering="title")
    def title_word(self, row: ApprovalRequest) -> str:
        return title_of(row)

    def _may(self, request: HttpRequest, *modes: str) -> bool:
        return bool(modes_of(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of the actions that the user may at least see."""
        known = [action for action, held in modes_of(request).items() if held & READING]
        return super().get_queryset(request).filter(action__in=known)

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: ApprovalRequest) -> Any:
        lapsed = row.state == ApprovalState.REQUESTED and row.expires_at <= clock.now()
        return label("approval.expired" if lapsed else f"approval.{row.state}")


class InForceFilter(DropdownFilter):
    title = _("state")
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("works here")), ("no", _("withdrawn"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(withdrawn_at__isnull=self.value() == "yes")


@admin.register(Membership)
class MembershipAdmin(ConsoleAdmin):
    action = "manage_users"
    list_display = ("person", "role", "granted_at", "granted_by", "withdrawn_at", "standing")
    list_display_links = None
    list_select_related = ("user", "granted_by")
    list_filter = (InForceFilter, ("role", ChoicesDropdownFilter))
    search_fields = ("user__username", "user__first_name", "user__last_name", "user__email")
    ordering = ("-id",)
    fields = ("user", "role", ("granted_at", "granted_by"), "withdrawn_at")
    empty_text = _("Who held which role, from when to when.")

    @admin.display(description=_("user"), ordering="user__username")
    def person(self, row: Membership) -> Any:
        return link_to(row.user, "person", f"{row.user} ({row.user.username})")

    @admin.display(description=_("state"))
    def standing(self, row: Membership) -> Any:
        return label("membership.active" if row.withdrawn_at is None else "membership.withdrawn")


@admin.register(ApiClient)
class ApiClientAdmin(ConsoleAdmin):
    action = "manage_users"
    list_display = ("name", "starts_with", "user", "created_at", "expires_at", "standing")
    list_select_related = ("user",)
    search_fields = ("name", "token_prefix")
    ordering = ("-id",)
    fields = ("name", "starts_with", "user", ("created_at", "expires_at", "revoked_at"))
    readonly_fields = ("starts_with",)
    list_before_template = "console/office/new_client_link.html"
    change_form_outer_before_template = "console/office/revoke_client.html"
    empty_text = _("Other systems that may call the interface, each with a token of its own.")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "may_make": self._may(request, Mode.MAKE)})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        extra = {**(extra_context or {}), "may_make": self._may(request, Mode.MAKE)}
        return super().change_view(request, object_id, form_url, extra)

    @admin.display(description=_("token starts with"), ordering="token_prefix")
    def starts_with(self, row: ApiClient) -> str:
        return f"{row.token_prefix}…"

    @admin.display(description=_("state"))
    def standing(self, row: ApiClient) -> Any:
        if row.revoked_at is not None:
            return label("client.revoked")
        expired = row.expires_at is not None and row.expires_at <= clock.now()
        return label("client.expired" if expired else "client.active")
