"""The list of numbered papers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from billing.admin.base import may_here
from billing.admin.columns import link_column, money_column
from billing.admin.exports import ExportableAdmin
from billing.admin.filters import DayFilter
from billing.admin.words_and_colours import label
from receipts.models import IssuedPaper, Receipt


class ReceiptStateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("issued", pgettext_lazy("receipt", "issued")), ("provisional", _("provisional")), ("void", _("void")),
                ("returned", _("cheque returned"))]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "void":
            return queryset.filter(voided_at__isnull=False)
        if self.value() == "returned":
            return queryset.filter(returned_on__isnull=False)
        if self.value() in ("issued", "provisional"):
            standing = queryset.filter(voided_at__isnull=True, returned_on__isnull=True)
            return standing.filter(is_provisional=self.value() == "provisional")
        return queryset


@admin.register(Receipt)
class ReceiptAdmin(ExportableAdmin):
    list_display = ("number", "issued_at", "payment_link", "customer_link", "amount_money", "delivery", "standing")
    list_select_related = ("payment__customer",)
    list_filter = (ReceiptStateFilter, ("issued_at", DayFilter), ("delivery", ChoicesDropdownFilter))
    search_fields = ("number", "form_number", "payment__number", "payment__customer__code", "payment__customer__name")
    search_help_text = _("Receipt, form or payment number, or customer")
    ordering = ("-id",)
    fields = (
        ("number", "form_number"), "payment", ("issued_at", "issued_by"), ("delivery", "email"),
        ("is_provisional", "voided_at", "returned_on"),
    )  # fmt: skip
    export_columns = (
        "number", "form_number", "issued_at", "payment__number", "payment__customer__code", "payment__currency",
        "payment__amount", "delivery", "is_provisional", "voided_at", "returned_on",
    )  # fmt: skip
    empty_text = _("The numbered papers that say a payment was received. Each payment taken makes one.")

    payment_link = link_column("payment", _("payment"), "payment", text="number", sort="payment__number")
    customer_link = link_column("payment__customer", _("customer"), "customer", sort="payment__customer__code")
    amount_money = money_column("payment__amount", _("amount"), "payment__currency")

    @admin.display(description=_("state"))
    def standing(self, row: Receipt) -> Any:
        if row.voided_at is not None:
            return label("receipt.void")
        if row.returned_on is not None:
            return label("receipt.returned")
        return label("receipt.provisional" if row.is_provisional else "receipt.issued")


@admin.register(IssuedPaper)
class IssuedPaperAdmin(ExportableAdmin):
    """Of customers; a provider's papers are for those who may see what providers earn."""

    list_display = ("number", "kind", "customer_link", "period_start", "period_end", "issued_at", "standing")
    list_select_related = ("customer", "superseded_by")
    list_filter = (("kind", ChoicesDropdownFilter), ("issued_at", DayFilter))
    search_fields = ("number", "customer__code", "customer__name", "customer__latin_name")
    search_help_text = _("Number, or customer")
    ordering = ("-id",)
    fields = (("number", "kind", "version"), "customer", ("period_start", "period_end"), ("issued_at", "issued_by"))
    export_columns = ("number", "kind", "version", "customer__code", "period_start", "period_end", "issued_at")
    empty_text = _("Statements, tax invoices and yearly papers. A customer's page makes them, or Statements for many.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).defer("content")
        return rows if may_here(request, "see_compensation") else rows.filter(provider__isnull=True)

    @admin.display(description=_("state"))
    def standing(self, row: IssuedPaper) -> Any:
        return label("paper.replaced" if getattr(row, "superseded_by", None) else "receipt.issued")
