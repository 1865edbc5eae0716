"""Lists of money moving: payments, cheques, our bank accounts."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateFilter,
    RangeNumericFilter,
)

from billing.admin.columns import link_column, link_to, money_column, state_column
from billing.admin.exports import ExportableAdmin
from billing.admin.filters import DayFilter
from billing.admin.words_and_colours import label
from payments.models import BankAccount, Cheque, Payment


class MineFilter(DropdownFilter):
    title = _("recorded by")
    parameter_name = "by"
    column = "recorded_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("me"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: request.user.pk}) if self.value() == "me" else queryset


class LookalikeFilter(DropdownFilter):
    """The list that somebody re-reads the next day: payments taken although they looked like another (R11)."""

    title = _("look-alike")
    parameter_name = "lookalike"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("taken with a reason"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(lookalike_reason="") if self.value() == "yes" else queryset


@admin.register(Payment)
class PaymentAdmin(ExportableAdmin):
    list_display = ("payment", "customer_link", "received_on", "method", "amount_money", "unapplied_money", "standing")
    list_display_links = None
    list_select_related = ("customer", "credit_item")
    list_filter = (
        ("state", ChoicesDropdownFilter), ("method", ChoicesDropdownFilter), ("received_on", RangeDateFilter),
        ("recorded_at", DayFilter), ("amount", RangeNumericFilter), ("purpose", ChoicesDropdownFilter),
        ("void__voided_on", RangeDateFilter), MineFilter, LookalikeFilter,
    )  # fmt: skip
    extra_lookups = ("customer", "pending_for", "channel")
    search_fields = ("number", "transaction_number", "reference", "customer__code", "customer__name", "payer_name")
    search_help_text = _("Number, reference, customer or payer")
    ordering = ("-received_on", "-id")
    fields = (
        ("number", "transaction_number"), ("customer", "payer_name"), ("state", "pending_for"), ("amount", "currency"),
        ("method", "channel", "purpose"), ("received_on", "recorded_at", "recorded_by"), ("reference", "note"),
        "lookalike_reason", ("period_from", "period_to"), ("department", "project"), ("bank_account", "entry"),
    )  # fmt: skip
    export_columns = (
        "number", "transaction_number", "customer__code", "customer__name", "state", "method", "purpose", "received_on",
        "currency", "amount", "credit_item__unapplied_amount", "payer_name", "reference", "lookalike_reason",
    )  # fmt: skip
    empty_text = _("Money in, by any channel. Receive payment takes the first one.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("amount", _("amount"))
    unapplied_money = money_column("credit_item__unapplied_amount", _("unapplied"), sort=False)
    standing = state_column("payment", _("state"))

    @admin.display(description=_("payment"), ordering="number")
    def payment(self, row: Payment) -> Any:
        return link_to(row, "payment", row.number)


@admin.register(Cheque)
class ChequeAdmin(ExportableAdmin):
    """Every cheque ever taken, post-dated ones too; each opens its page."""

    list_display = (
        "cheque", "bank", "customer_link", "drawer", "cheque_date", "matures_on", "amount_money", "payment_link",
        "standing",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("customer", "payment")
    list_filter = (
        ("state", ChoicesDropdownFilter), ("matures_on", RangeDateFilter), ("cheque_date", RangeDateFilter),
        ("amount", RangeNumericFilter),
    )  # fmt: skip
    extra_lookups = ("customer",)
    search_fields = ("number", "bank", "drawer", "payment__number", "customer__code", "customer__name")
    search_help_text = _("Number, bank, drawer, customer or payment")
    ordering = ("-id",)
    fields = (("number", "cheque_date"), ("bank", "branch"), "drawer", "state", "payment")
    export_columns = (
        "number", "bank", "branch", "drawer", "customer__code", "customer__name", "cheque_date", "matures_on",
        "currency", "amount", "state", "payment__number", "reference",
    )  # fmt: skip
    empty_text = _("Cheques taken with payments or kept in the vault. Receive payment or the vault takes the first.")

    payment_link = link_column("payment", _("payment"), "payment", text="number", sort="payment__number")
    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("amount", _("amount"))
    standing = state_column("cheque", _("state"))

    @admin.display(description=_("cheque"), ordering="number")
    def cheque(self, row: Cheque) -> Any:
        return link_to(row, "cheque", row.number)


@admin.register(BankAccount)
class BankAccountAdmin(ExportableAdmin):
    """The number is never shown, only how it ends."""

    list_display = ("code", "name", "currency", "tail", "csv_profile", "ledger_account", "standing")
    list_select_related = ("ledger_account",)
    list_filter = (("is_active", BooleanRadioFilter),)
    search_fields = ("code", "name", "number_tail")
    ordering = ("code",)
    fields = (("code", "name"), ("currency", "tail"), ("csv_profile", "ledger_account"), "is_active")
    readonly_fields = ("tail",)
    export_columns = ("code", "name", "currency", "number_tail", "is_active")
    empty_text = _("Our accounts at banks. The create_bank_account command adds one; a statement sets its number.")

    @admin.display(description=_("ends in"), ordering="number_tail")
    def tail(self, row: BankAccount) -> str:
        return f"•••• {row.number_tail}" if row.number_tail else "–"

    @admin.display(description=_("state"), ordering="is_active")
    def standing(self, row: BankAccount) -> Any:
        return label("customer.active" if row.is_active else "customer.inactive")
