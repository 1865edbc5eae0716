"""The list of deposit slips."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter, RangeNumericFilter

from billing.admin.base import may_here
from billing.admin.columns import link_to, money_column, state_column
from billing.admin.exports import ExportableAdmin
from billing.admin.filters import DayFilter
from billing.office.models.user import Mode
from payments.models import Deposit


@admin.register(Deposit)
class DepositAdmin(ExportableAdmin):
    list_display = (
        "slip", "account", "deposited_on", "cheque_count", "cheque_money", "cash_money", "total_money", "standing",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("bank_account",)
    list_filter = (
        ("state", ChoicesDropdownFilter), ("prepared_at", DayFilter), ("deposited_on", RangeDateFilter),
        ("cheque_amount", RangeNumericFilter), ("cash_amount", RangeNumericFilter),
    )  # fmt: skip
    extra_lookups = ("bank_account",)
    search_fields = ("number", "slip_reference", "bank_account__code", "bank_account__name")
    search_help_text = _("Slip number, the bank's number, or the account")
    ordering = ("-id",)
    fields = (
        ("number", "state"), ("bank_account", "currency"), ("cash_amount", "cheque_amount", "cheque_count"),
        ("prepared_at", "prepared_by"), ("deposited_on", "slip_reference"), "note", "entry",
    )  # fmt: skip
    export_columns = (
        "number", "state", "bank_account__code", "currency", "cash_amount", "cheque_amount", "cheque_count",
        "total_amount", "prepared_at", "deposited_on", "slip_reference",
    )  # fmt: skip
    list_before_template = "console/deposit/new_link.html"
    empty_text = _("Deposit slips: cheques in hand and cash of the safe on their way to the bank. Make out the first.")

    cash_money = money_column("cash_amount", _("cash"))
    cheque_money = money_column("cheque_amount", _("cheques"))
    total_money = money_column("total_amount", _("total"))
    standing = state_column("deposit", _("state"))

    @admin.display(description=_("into"), ordering="bank_account__name")
    def account(self, row: Deposit) -> str:
        return row.bank_account.name

    @admin.display(description=_("slip"), ordering="number")
    def slip(self, row: Deposit) -> Any:
        return link_to(row, "deposit", row.number)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may = {"may_deposit": may_here(request, "deposit_cheques", Mode.DO)}
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **may})
        return answer
