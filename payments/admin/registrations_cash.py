"""Lists of cash: points, sessions, counts, movements."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RangeDateFilter

from billing.admin.base import may_here
from billing.admin.columns import link_column, link_to, money_column, show_money, state_column
from billing.admin.exports import ExportableAdmin
from billing.admin.filters import DayFilter
from billing.admin.words_and_colours import label
from payments.models.cash import CashCount, CashMovement, CashPoint, DrawerSession, SessionState
from payments.services.denominations import counted_of


@admin.register(CashPoint)
class CashPointAdmin(ExportableAdmin):
    list_display = ("point", "kind", "standing")
    list_display_links = None
    list_filter = (("kind", ChoicesDropdownFilter), ("is_active", BooleanRadioFilter))
    search_fields = ("name",)
    ordering = ("name",)
    fields = (("name", "kind"), "is_active")
    export_columns = ("name", "kind", "is_active")
    empty_text = _("Drawers, drivers' bags and drop boxes. A supervisor adds one under Cash → Drawers.")

    @admin.display(description=_("name"), ordering="name")
    def point(self, row: CashPoint) -> Any:
        return link_to(row, "cash_point", row.name)

    @admin.display(description=_("state"), ordering="is_active")
    def standing(self, row: CashPoint) -> Any:
        return label("customer.active" if row.is_active else "customer.inactive")


@admin.register(DrawerSession)
class DrawerSessionAdmin(ExportableAdmin):
    """Closed ones for everybody; the others for those who read the books. See Note [Blind counts]."""

    list_display = (
        "session", "cash_point", "opened_by", "opened_at", "closed_at", "expected_money", "counted_money",
        "variance_money", "standing",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("cash_point", "opened_by")
    list_filter = (
        ("state", ChoicesDropdownFilter), ("opened_on", RangeDateFilter), ("cash_point__kind", ChoicesDropdownFilter),
    )  # fmt: skip
    extra_lookups = ("cash_point",)
    search_fields = ("cash_point__name", "opened_by__username", "variance_reason")
    ordering = ("-id",)
    fields = (
        ("cash_point", "currency"), "state", ("opened_on", "opened_at", "opened_by"), "opening_float",
        ("expected_amount", "counted_amount", "variance"), "variance_reason", ("closed_at", "closed_by"),
        ("approval", "entry"),
    )  # fmt: skip
    export_columns = (
        "cash_point__name", "currency", "state", "opened_at", "opened_by__username", "opening_float",
        "expected_amount", "counted_amount", "variance", "variance_reason", "closed_at", "closed_by__username",
    )  # fmt: skip
    empty_text = _("Drawers that were opened and counted. Open one under Cash → Drawers.")

    expected_money = money_column("expected_amount", _("expected"), sort=False)
    counted_money = money_column("counted_amount", _("counted"), sort=False)
    standing = state_column("drawer", _("state"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if not may_here(request, "see_journal"):
            return rows.filter(state=SessionState.CLOSED)
        return rows.exclude(~Q(state=SessionState.CLOSED), opened_by=request.user.pk)

    @admin.display(description=_("day"), ordering="opened_on")
    def session(self, row: DrawerSession) -> Any:
        return link_to(row, "drawer", row.opened_on.isoformat())

    @admin.display(description=_("difference"))
    def variance_money(self, row: DrawerSession) -> Any:
        return show_money(row.variance, row.currency)


@admin.register(CashCount)
class CashCountAdmin(ExportableAdmin):
    """For those who read the books, but not the counts of their own drawer before it is closed."""

    action = "see_journal"
    list_display = ("counted_at", "place", "counted_by", "counted_money", "expected_money", "note")
    list_select_related = ("session__cash_point", "counted_by")
    list_filter = (("counted_at", DayFilter),)
    extra_lookups = ("session",)
    search_fields = ("session__cash_point__name", "counted_by__username", "note")
    ordering = ("-id",)
    fields = (
        ("session", "currency"), ("counted_amount", "expected_amount"), "notes_and_coins", "note",
        ("counted_at", "counted_by"), "entry",
    )  # fmt: skip
    readonly_fields = ("notes_and_coins",)
    export_columns = (
        "counted_at", "session__cash_point__name", "currency", "counted_amount", "expected_amount", "note",
        "counted_by__username",
    )  # fmt: skip
    empty_text = _("Notes and coins counted, of drawers and of the safe. The first comes with the first drawer closed.")

    counted_money = money_column("counted_amount", _("counted"))
    expected_money = money_column("expected_amount", _("expected"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own = Q(session__opened_by=request.user.pk) & ~Q(session__state=SessionState.CLOSED)
        return super().get_queryset(request).exclude(own)

    @admin.display(description=_("notes and coins"))
    def notes_and_coins(self, row: CashCount) -> str:
        return ", ".join(f"{pieces} × {face}" for face, pieces in counted_of(row.denominations))

    @admin.display(description=_("what"))
    def place(self, row: CashCount) -> Any:
        return link_to(row.session, "drawer", row.session) if row.session else _("safe")


@admin.register(CashMovement)
class CashMovementAdmin(ExportableAdmin):
    list_display = ("moved_at", "kind", "amount_money", "session_link", "moved_by", "reason")
    list_select_related = ("session__cash_point", "moved_by")
    list_filter = (("kind", ChoicesDropdownFilter), ("moved_at", DayFilter))
    extra_lookups = ("session",)
    search_fields = ("session__cash_point__name", "moved_by__username", "reason")
    ordering = ("-id",)
    fields = (
        ("kind", "session"), ("amount", "currency"), "reason", "bank_account", ("moved_at", "moved_by"), "entry",
    )  # fmt: skip
    export_columns = (
        "moved_at", "kind", "currency", "amount", "session__cash_point__name", "bank_account__code", "reason",
        "moved_by__username",
    )  # fmt: skip
    empty_text = _("Cash moved between drawers, safe and bank, and paid out. A drawer's page moves the first.")

    amount_money = money_column("amount", _("amount"))
    session_link = link_column("session", _("drawer"), "drawer")
