"""The list of refunds."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter, RangeNumericFilter

from billing.admin.columns import link_column, link_to, money_column, state_column
from billing.admin.exports import ExportableAdmin
from payments.admin.registrations import MineFilter
from payments.models import Refund


class AskedByMe(MineFilter):
    title = _("asked by")
    column = "requested_by"


@admin.register(Refund)
class RefundAdmin(ExportableAdmin):
    list_display = (
        "refund", "customer_link", "amount_money", "reason_code", "destination", "standing", "requested_on",
        "expected_on", "requested_by",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("customer", "requested_by")
    list_filter = (
        ("state", ChoicesDropdownFilter), ("reason_code", ChoicesDropdownFilter),
        ("destination", ChoicesDropdownFilter), ("requested_via", ChoicesDropdownFilter),
        ("requested_on", RangeDateFilter), ("expected_on", RangeDateFilter), ("processed_on", RangeDateFilter),
        ("gross_amount", RangeNumericFilter), AskedByMe,
    )  # fmt: skip
    extra_lookups = ("customer", "payment", "batch")
    search_fields = ("number", "payment__number", "customer__code", "customer__name", "payee_name")
    search_help_text = _("Refund or payment number, customer or payee")
    ordering = ("-requested_on", "-id")
    fields = (
        ("number", "state"), ("customer", "payment", "credit_item"), ("gross_amount", "currency"),
        ("charges_amount", "fee_amount", "paid_amount"), ("reason_code", "reason"),
        ("destination", "destination_reason"), ("payee_name", "payee_account_tail", "consent"),
        ("requested_on", "requested_by", "requested_via"), ("expected_on", "approved_at", "processed_on"),
        ("invoice", "credit_memo"),
    )  # fmt: skip
    export_columns = (
        "number", "customer__code", "customer__name", "payment__number", "state", "reason_code", "destination",
        "currency", "gross_amount", "charges_amount", "fee_amount", "paid_amount", "requested_on", "expected_on",
        "processed_on", "requested_via",
    )  # fmt: skip
    empty_text = _("Money given back. The Refund button of a payment or of a credit asks for the first one.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("gross_amount", _("amount"))
    standing = state_column("refund", _("state"))

    @admin.display(description=_("refund"), ordering="number")
    def refund(self, row: Refund) -> Any:
        return link_to(row, "refund", row.number)
