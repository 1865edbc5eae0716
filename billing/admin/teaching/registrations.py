"""The list of lesson credits."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter

from billing.admin.columns import link_column
from billing.admin.exports import ExportableAdmin
from billing.admin.teaching.panels import left_of, look_of
from billing.admin.words_and_colours import label
from billing.models import LessonCredit
from billing.models.lesson import LessonCreditKind
from billing.money import format_money
from billing.office import clock


@admin.register(LessonCredit)
class LessonCreditAdmin(ExportableAdmin):
    action = "manage_agreements"
    list_display = (
        "granted_on", "customer_link", "student", "agreement_link", "kind", "what_granted", "what_left", "expires_on",
        "standing",
    )  # fmt: skip
    list_display_links = ("granted_on",)
    list_select_related = ("customer", "student", "agreement", "credit_memo__credit_item", "organization")
    list_filter = (
        ("kind", ChoicesDropdownFilter), ("granted_on", RangeDateFilter), ("expires_on", RangeDateFilter),
        ("expired_on", RangeDateFilter), ("withdrawn_on", RangeDateFilter),
    )  # fmt: skip
    extra_lookups = ("customer", "agreement", "student")
    search_fields = ("customer__code", "customer__name", "student__code", "student__name", "agreement__number")
    search_help_text = _("Customer, student or agreement")
    ordering = ("-granted_on", "-id")
    fields = (
        ("customer", "student", "agreement"), ("kind", "granted", "used", "currency"),
        ("granted_on", "expires_on", "expired_on", "withdrawn_on"), ("attendance", "credit_memo"), "reason",
    )  # fmt: skip
    export_columns = (
        "granted_on", "customer__code", "customer__name", "student__code", "agreement__number", "kind", "currency",
        "granted", "used", "expires_on", "expired_on", "withdrawn_on", "credit_memo__number", "reason",
    )  # fmt: skip
    empty_text = _(
        "What families got back for lessons that did not take place. The first one comes about when a lesson that was"
        " paid for is marked as cancelled."
    )

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    agreement_link = link_column("agreement", _("agreement"), "agreement", sort="agreement__number")

    @admin.display(description=_("granted"), ordering="granted")
    def what_granted(self, row: LessonCredit) -> str:
        return _amount(row, row.granted)

    @admin.display(description=_("left"))
    def what_left(self, row: LessonCredit) -> str:
        return _amount(row, left_of(row))

    @admin.display(description=_("state"))
    def standing(self, row: LessonCredit) -> Any:
        return label(look_of(row, row.organization.today(clock.now())))


def _amount(row: LessonCredit, value: Any) -> str:
    return format_money(value, row.currency) if row.kind == LessonCreditKind.MONEY else f"{value:.0f}"
