"""Lists of the books: journal entries with their lines, chart of accounts, months."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateFilter

from billing.admin.columns import code_column, link_to, show_money, state_column
from billing.admin.exports import ExportableAdmin
from billing.admin.registrations import ReadOnlyInline
from billing.admin.words_and_colours import label
from billing.ledger.models import JournalEntry, JournalLine, LedgerAccount, Period, Role
from billing.selectors.books.status import places_of


class JournalLineInline(ReadOnlyInline):
    model = JournalLine
    fields = ("account", "debit_money", "credit_money", "department", "project")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account").order_by("ordinal")  # type: ignore[no-any-return]

    @admin.display(description=_("debit"))
    def debit_money(self, row: JournalLine) -> Any:
        return show_money(row.debit, row.currency)

    @admin.display(description=_("credit"))
    def credit_money(self, row: JournalLine) -> Any:
        return show_money(row.credit, row.currency)


@admin.register(JournalEntry)
class JournalEntryAdmin(ExportableAdmin):
    action = "see_journal"
    export_right = "export_accounting"
    list_display = ("entry_number", "entry_date", "event_word", "memo", "total_money", "posted_at", "posted_by")
    list_select_related = ("posted_by", "organization")
    list_filter = (("entry_date", RangeDateFilter),)
    extra_lookups = ("event", "year")
    search_fields = ("key", "memo", "event")
    search_help_text = _("Key, memo or event")
    ordering = ("-id",)
    inlines = (JournalLineInline,)
    fields = (
        ("year", "number"), ("entry_date", "event"), "key", ("memo", "reason"), "reverses", ("posted_at", "posted_by"),
        "gl_batch",
    )  # fmt: skip
    readonly_fields = ("gl_batch",)
    export_columns = ("year", "number", "entry_date", "event", "key", "memo", "reason", "posted_at")
    empty_text = _("Every posted business event, in debits and credits. The first payment or invoice writes the first.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        lines = JournalLine.objects.filter(entry=OuterRef("pk")).order_by()
        total = lines.values("entry").annotate(s=Sum("debit")).values("s")
        currency = lines.values("currency")[:1]
        return super().get_queryset(request).annotate(total=Subquery(total), currency=Subquery(currency))  # type: ignore[no-any-return]

    event_word = code_column("event", _("event"))

    @admin.display(description=_("entry"), ordering="id")
    def entry_number(self, row: JournalEntry) -> str:
        return str(row)

    @admin.display(description=_("GL batch"))
    def gl_batch(self, row: JournalEntry) -> Any:
        batch = places_of([row.pk]).get(row.pk)
        return link_to(batch, "gl_batch", batch) if batch else label("gl.waiting")

    @admin.display(description=_("debits = credits"))
    def total_money(self, row: Any) -> Any:
        return show_money(row.total, row.currency or row.organization.currency)


class AccountRoleFilter(DropdownFilter):
    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Role.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(role=self.value()) if self.value() in Role.values else queryset


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ExportableAdmin):
    action = "see_journal"
    export_right = "export_accounting"
    list_display = ("code", "name", "kind", "role_word", "is_default", "in_use")
    list_filter = (("kind", ChoicesDropdownFilter), AccountRoleFilter)
    search_fields = ("code", "name")
    fields = (("code", "name"), ("kind", "role"), ("is_default", "in_use"))
    readonly_fields = ("in_use",)
    export_columns = ("code", "name", "kind", "role", "is_default", "is_active")
    empty_text = _("The accounts that entries are posted to. An organization is opened with the standard chart.")

    role_word = code_column("role", _("role"), "account_role")

    @admin.display(description=_("in use"), ordering="is_active")
    def in_use(self, row: LedgerAccount) -> Any:
        return link_to(row, "ledger_account_use", _("yes") if row.is_active else _("no longer"))


@admin.register(Period)
class PeriodAdmin(ExportableAdmin):
    action = "see_journal"
    export_right = "export_accounting"
    list_display = ("month", "state_label", "changed_at", "changed_by", "reason")
    list_select_related = ("changed_by",)
    list_filter = (("state", ChoicesDropdownFilter),)
    fields = (("month", "state"), ("changed_at", "changed_by"), "reason")
    export_columns = ("month", "state", "changed_at", "reason")
    empty_text = _("Months of the books. The first entry of a month opens it.")

    state_label = state_column("period", _("state"))
