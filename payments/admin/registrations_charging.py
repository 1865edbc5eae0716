"""Lists of charges at processors and of what they refused or failed to do (R40, R48, R159)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeNumericFilter

from billing.admin.columns import code_column, link_column, link_to, money_column
from billing.admin.exports import ExportableAdmin
from billing.admin.facts import words_of
from billing.admin.filters import DayFilter
from billing.admin.words_and_colours import label
from payments.admin.charge_words import look_of
from payments.gateways.base import Reason
from payments.models import GatewayAccount, GatewayError, PaymentAttempt
from payments.models.payment_method import Instrument


class AccountFilter(DropdownFilter):
    """Only accounts of the organization worked in."""

    title = _("gateway account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        mine = GatewayAccount.objects.filter(organization=request.organization)  # type: ignore[attr-defined]
        return [(str(one.pk), one.name) for one in mine]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(gateway_account=int(value)) if value.isascii() and value.isdigit() else queryset


class WordsFilter(DropdownFilter):
    """Among stored codes, in the reader's words."""

    column = ""
    codes: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        words = words_of(self.parameter_name or "")
        return [(code, words.get(code, code)) for code in self.codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{self.column: value}) if value in self.codes else queryset


class ReasonFilter(WordsFilter):
    title = _("reason")
    parameter_name = column = "reason"
    codes = tuple(str(one) for one in Reason)


class InstrumentFilter(WordsFilter):
    title = _("method")
    parameter_name = "instrument"
    column = "method__instrument"
    codes = tuple(Instrument.values)


class ChannelFilter(WordsFilter):
    title = _("from")
    parameter_name = column = "channel"
    codes = ("portal", "autopay", "office", "counter", "api")


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ExportableAdmin):
    list_display = (
        "attempt_link", "customer_link", "operation", "method", "gateway_account", "amount_money", "standing",
        "reason_words", "created_at",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("customer", "method", "gateway_account")
    list_filter = (
        ("state", ChoicesDropdownFilter), AccountFilter, ("operation", ChoicesDropdownFilter), InstrumentFilter,
        ReasonFilter, ChannelFilter, ("created_at", DayFilter), ("amount", RangeNumericFilter),
    )  # fmt: skip
    extra_lookups = ("customer",)
    search_fields = ("number", "key", "gateway_ref", "customer__code", "customer__name", "claims__invoice__number")
    search_help_text = _("Number, our key, processor's reference, customer or invoice")
    ordering = ("-id",)
    fields = (
        ("number", "operation", "state"), ("customer", "method"), ("gateway_account", "channel"),
        ("amount", "currency", "approved_amount"), ("reason", "raw_code", "raw_text"), ("gateway_ref", "money_state"),
        ("created_at", "sent_at", "settled_at"), "payment",
    )  # fmt: skip
    export_columns = (
        "number", "key", "customer__code", "customer__name", "operation", "state", "gateway_account__name",
        "gateway_account__kind", "method__instrument", "channel", "currency", "amount", "approved_amount", "reason",
        "raw_code", "gateway_ref", "payment__number", "created_at", "sent_at", "settled_at", "settled_from",
    )  # fmt: skip
    empty_text = _("Charges at processors, one row a try. The first comes when a family pays online.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    amount_money = money_column("amount", _("amount"))
    reason_words = code_column("reason", _("reason"))

    @admin.display(description=_("attempt"), ordering="id")
    def attempt_link(self, row: PaymentAttempt) -> Any:
        return link_to(row, "attempt", row.number)

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: PaymentAttempt) -> Any:
        return label(look_of(row.state, row.settled_from))


@admin.register(GatewayError)
class GatewayErrorAdmin(ExportableAdmin):
    """What processors refused or failed to do, in their words (R40)."""

    list_display = (
        "at", "gateway_account", "attempt_link", "customer_link", "operation_words", "reason_words", "raw_code",
        "raw_text",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("attempt", "customer", "gateway_account")
    list_filter = (AccountFilter, ReasonFilter, ("at", DayFilter))
    extra_lookups = ("customer", "attempt")
    search_fields = ("raw_code", "raw_text", "attempt__number", "customer__code", "customer__name")
    search_help_text = _("Processor's code or words, attempt or customer")
    ordering = ("-id",)
    fields = (("at", "gateway_account"), ("attempt", "customer"), ("operation", "reason"), ("raw_code", "raw_text"))
    export_columns = (
        "at", "gateway_account__name", "gateway_account__kind", "attempt__number", "customer__code", "customer__name",
        "operation", "reason", "raw_code", "raw_text",
    )  # fmt: skip
    empty_text = _("Nothing was refused and nothing failed at a processor yet.")

    attempt_link = link_column("attempt", _("attempt"), "attempt", text="number")
    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    operation_words = code_column("operation", _("asked for"))
    reason_words = code_column("reason", _("reason"))
