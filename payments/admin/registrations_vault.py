"""Cheques that were refused at the desk and handed back with a slip."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from billing.admin.columns import link_column, link_to, money_column
from billing.admin.exports import ExportableAdmin
from payments.models import ChequeRejection


@admin.register(ChequeRejection)
class ChequeRejectionAdmin(ExportableAdmin):
    list_display = ("slip", "bank", "customer_link", "drawer", "rejected_on", "amount_money", "why", "rejected_by")
    list_display_links = None
    list_select_related = ("customer", "rejected_by")
    list_filter = (("rejected_on", RangeDateFilter),)
    extra_lookups = ("customer",)
    search_fields = ("number", "bank", "drawer", "customer__code", "customer__name")
    search_help_text = _("Number, bank, drawer or customer")
    ordering = ("-id",)
    fields = (("number", "cheque_date"), "bank", "drawer", ("amount", "currency"), "why", "rejected_on")
    readonly_fields = ("why",)
    export_columns = (
        "number", "bank", "drawer", "customer__code", "customer__name", "cheque_date", "currency", "amount",
        "rejected_on",
    )  # fmt: skip
    empty_text = _("Cheques handed back at the desk, each with the slip that says why. So far every one was taken.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("amount", _("amount"))

    @admin.display(description=_("slip"), ordering="number")
    def slip(self, row: ChequeRejection) -> Any:
        return link_to(row, "cheque_rejection", row.number or f"#{row.pk}")

    @admin.display(description=_("why"))
    def why(self, row: ChequeRejection) -> str:
        return " ".join(str(reason) for reason in row.reasons)
