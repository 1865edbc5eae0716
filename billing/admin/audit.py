"""The audit trail as a list, and one change as before beside after (R169)."""

import json
import re
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter

from billing.admin.base import ConsoleAdmin, may_here
from billing.admin.filters import DayFilter
from billing.office.models import AuditEntry, Membership, User

# What names or holds money: kept from those who may see no money (invariants §5.3, row 45).
MONEY = re.compile(
    r"amount|debit|credit|price|limit|value|shown|content|plan|breakdown|balance|total|net|tax|title|memo"
)
NEVER = re.compile(r"password|_hash$|bank_account$|payer_account$|token")
# Rows that belong to no organization but concern each: the matrix and system-wide settings.
FOR_ALL = ("office_grant", "office_policysetting")


class WhoFilter(DropdownFilter):
    title = gettext_lazy("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        here = Membership.objects.filter(organization=request.organization).values("user")  # type: ignore[attr-defined]
        people = User.objects.filter(pk__in=here).order_by("username")
        return [(str(user.pk), str(user)) for user in people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(actor__startswith=f"user:{self.value()} ") if self.value() else queryset


class TableFilter(DropdownFilter):
    title = gettext_lazy("table")
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(table_names().items(), key=lambda item: str(item[1]))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(table_name=self.value()) if self.value() else queryset


class OperationFilter(DropdownFilter):
    title = gettext_lazy("what")
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("insert", _("written")), ("update", _("changed")), ("delete", _("deleted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(operation=self.value()) if self.value() else queryset


def table_names() -> dict[str, Any]:
    """Tables of ours by the word people use for their rows."""
    ours = ("office", "ledger", "billing", "payments", "reconciliation", "receipts")
    return {
        model._meta.db_table: model._meta.verbose_name_plural
        for name in ours
        for model in apps.get_app_config(name).get_models()
    }


@admin.register(AuditEntry)
class AuditEntryAdmin(ConsoleAdmin):
    action = "see_audit"
    list_display = ("at", "actor_name", "what", "row_id", "reason", "origin")
    list_filter = (TableFilter, WhoFilter, OperationFilter, ("at", DayFilter))
    extra_lookups = ("row_id", "table_name")
    search_fields = ("row_id", "actor", "reason")
    search_help_text = gettext_lazy("Row number, who or why")
    ordering = ("-id",)
    fields = (("at", "actor_name", "origin"), ("what", "row_id"), "reason", "changes")
    readonly_fields = ("actor_name", "what", "changes")
    empty_text = gettext_lazy("Every change of money, rights and settings, written by the database itself.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Rows of the organization; itself; the users who work or worked here; what holds for all."""
        here = request.organization  # type: ignore[attr-defined]
        people = Membership.objects.filter(organization=here).values("user")
        own = (
            Q(organization=here)
            | Q(organization__isnull=True, table_name="office_organization", row_id=here.pk)
            | Q(organization__isnull=True, table_name="office_user", row_id__in=people)
            | Q(organization__isnull=True, table_name__in=FOR_ALL)
        )
        rows: QuerySet[Any] = super(ConsoleAdmin, self).get_queryset(request)
        return rows.filter(own)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.hides_money = not may_here(request, "see_receivables")
            texts = AuditEntry.objects.annotate(b=Cast("before", TextField()), a=Cast("after", TextField()))
            found.before, found.after = (_exact(text) for text in texts.values_list("b", "a").get(pk=found.pk))
        return found

    @admin.display(description=gettext_lazy("who"), ordering="actor")
    def actor_name(self, row: AuditEntry) -> str:
        return row.actor.partition(" ")[2] or row.actor or _("the system")

    @admin.display(description=gettext_lazy("what"), ordering="table_name")
    def what(self, row: AuditEntry) -> str:
        verbs = {"insert": _("written"), "update": _("changed"), "delete": _("deleted")}
        return f"{table_names().get(row.table_name, row.table_name)}: {verbs[row.operation]}"

    @admin.display(description=gettext_lazy("before and after"))
    def changes(self, row: Any) -> SafeString:
        return format_html(
            '<table class="q-table"><thead><tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th>'
            "</tr></thead><tbody>{}</tbody></table>",
            _("column"),
            _("before"),
            _("after"),
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', changed_columns(row)),
        )


def changed_columns(row: Any) -> list[tuple[str, str, str]]:
    before, after = row.before or {}, row.after or {}
    names = [name for name in {**before, **after} if not NEVER.search(name)]
    if getattr(row, "hides_money", True):
        names = [name for name in names if not MONEY.search(name)]
    return [(name, _plain(before.get(name)), _plain(after.get(name))) for name in names]


def _exact(text: str | None) -> Any:
    """JSON as the database wrote it, amounts with their cents: never through a float."""
    return json.loads(text, parse_float=Decimal) if text else None


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
