"""The list of all disputes, with filters and an export."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter, RangeNumericFilter

from billing.admin.columns import link_column, link_to, money_column, state_column
from billing.admin.exports import ExportableAdmin
from payments.models import Dispute


@admin.register(Dispute)
class DisputeAdmin(ExportableAdmin):
    list_display = (
        "dispute", "kind", "customer_link", "reason_code", "amount_money", "lost_money", "deadline_on", "owner",
        "standing",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("customer", "assigned_to")
    list_filter = (
        ("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter), ("reason_code", ChoicesDropdownFilter),
        ("deadline_on", RangeDateFilter), ("opened_on", RangeDateFilter), ("closed_on", RangeDateFilter),
        ("amount", RangeNumericFilter),
    )  # fmt: skip
    extra_lookups = ("customer", "invoice", "payment", "assigned_to")
    search_fields = (
        "number", "processor_reference", "customer__code", "customer__name", "invoice__number", "payment__number",
    )  # fmt: skip
    search_help_text = _("Number, case at the bank, customer, invoice or payment")
    ordering = ("-id",)
    fields = (
        ("number", "kind"), ("customer", "state"), ("invoice", "payment"), ("amount", "currency"),
        ("reason_code", "processor_reference"), "description", ("opened_on", "deadline_on"),
        ("lost_amount", "closed_on"),
        "outcome_reason",
    )  # fmt: skip
    export_columns = (
        "number", "kind", "state", "customer__code", "customer__name", "invoice__number", "payment__number", "currency",
        "amount", "lost_amount", "reason_code", "processor_reference", "opened_on", "deadline_on", "closed_on",
    )  # fmt: skip
    empty_text = _("Contested invoices and chargebacks. Open the invoice or payment to begin the first.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("amount", _("contested"))
    lost_money = money_column("lost_amount", _("lost"))
    standing = state_column("dispute", _("state"))

    @admin.display(description=_("dispute"), ordering="number")
    def dispute(self, row: Dispute) -> Any:
        return link_to(row, "dispute", row.number)

    @admin.display(description=_("owner"), ordering="assigned_to")
    def owner(self, row: Dispute) -> str:
        return str(row.assigned_to) if row.assigned_to else "–"
