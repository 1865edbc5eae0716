"""The log of messages: every one, to whom, how, and what became of it (R172)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from billing.admin.columns import code_column, link_to, state_column
from billing.admin.exports import ExportableAdmin
from billing.admin.facts import said_code
from billing.admin.filters import DayFilter
from billing.admin.messaging.deeds import may_retry_notices, sendable_again
from billing.models import Customer
from billing.office.message_kinds import KINDS
from billing.office.models import Notice


class KindFilter(DropdownFilter):
    """Kinds that families get, by their words; kind= in an address takes any other as well."""

    title = _("kind")
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.code, kind.words) for kind in KINDS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in KINDS else queryset


@admin.register(Notice)
class NoticeAdmin(ExportableAdmin):
    list_display = ("what", "channel", "recipient", "kind_word", "queued_at", "sent_at", "standing", "trouble")
    list_filter = (
        ("state", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter), KindFilter, ("queued_at", DayFilter),
    )  # fmt: skip
    extra_lookups = ("kind", "party")
    search_fields = ("subject", "recipient", "fact")
    ordering = ("-id",)
    fields = (
        ("kind", "fact"), ("customer", "recipient"), ("channel", "language"), "subject", "body", "attachment",
        ("state", "attempts"), ("trouble", "is_doubtful"), ("queued_at", "next_try_at"), ("sent_at", "delivered_at"),
        ("read_at", "bounced_at"), ("carrier", "carrier_ref"), ("wording", "original"), "digest",
    )  # fmt: skip
    readonly_fields = ("customer",)
    change_form_outer_before_template = "console/office/retry_notice.html"
    export_columns = (
        "kind", "fact", "channel", "recipient", "subject", "state", "attempts", "queued_at", "sent_at",
        "delivered_at", "read_at", "bounced_at",
    )  # fmt: skip
    empty_text = _(
        "Every message to customers and colleagues, and whether it arrived. Payments and releases write them."
    )

    standing = state_column("notice", _("state"))
    kind_word = code_column("kind", _("kind"), "notice_kind")

    @admin.display(description=_("subject"), ordering="subject")
    def what(self, row: Notice) -> str:
        return str(row)

    @admin.display(description=_("customer"))
    def customer(self, row: Notice) -> Any:
        found = Customer.objects.filter(organization=row.organization_id, pk=row.party or 0).first()
        return link_to(found, "customer", found) if found else "–"

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        notice = self.get_object(request, object_id)
        extra = {
            **(extra_context or {}), "may_retry": may_retry_notices(request), "notice": notice,
            "may_send_again": isinstance(notice, Notice) and sendable_again().filter(pk=notice.pk).exists(),
            "news": list(notice.events.order_by("-id")[:50]) if isinstance(notice, Notice) else [],
        }  # fmt: skip
        return super().change_view(request, object_id, form_url, extra)


def said_kind(code: str) -> str:
    return said_code("notice_kind", code)
