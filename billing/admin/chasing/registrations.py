"""The list of debt plans."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter

from billing.admin.columns import link_column, link_to, money_column, state_column
from billing.admin.exports import ExportableAdmin
from billing.models import DebtPlan
from billing.services.chasing.collections import COLLECT


@admin.register(DebtPlan)
class DebtPlanAdmin(ExportableAdmin):
    action = COLLECT
    list_display = ("plan", "customer_link", "amount_money", "standing", "agreed_on", "ended_on", "made_by")
    list_display_links = None
    list_select_related = ("customer", "made_by")
    list_filter = (("state", ChoicesDropdownFilter), ("agreed_on", RangeDateFilter), ("ended_on", RangeDateFilter))
    extra_lookups = ("customer",)
    search_fields = ("number", "customer__code", "customer__name")
    search_help_text = _("Number of the plan, or customer")
    ordering = ("-agreed_on", "-id")
    fields = (
        ("number", "state"), ("customer",), ("amount", "currency"), ("agreed_on", "ended_on"), ("note", "made_by"),
    )  # fmt: skip
    export_columns = (
        "number", "customer__code", "customer__name", "state", "currency", "amount", "agreed_on", "ended_on",
    )  # fmt: skip
    empty_text = _("Payment plans for debts. The button Debt plan on a customer's page makes the first one.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("amount", _("amount"))
    standing = state_column("debt_plan", _("state"))

    @admin.display(description=_("plan"), ordering="number")
    def plan(self, row: DebtPlan) -> Any:
        return link_to(row, "debt_plan", row.number)
