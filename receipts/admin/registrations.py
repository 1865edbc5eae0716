"""The list of numbered papers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from billing.admin.columns import link_column, money_column
from billing.admin.exports import ExportableAdmin
from billing.admin.filters import DayFilter
from billing.admin.words_and_colours import label
from receipts.models import Receipt


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
