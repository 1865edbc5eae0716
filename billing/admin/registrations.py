"""Lists of what is owed: customers, households, invoices, credit memos, credit on hand, allocations."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateFilter,
    RangeNumericFilter,
)

from billing.admin.base import may_here
from billing.admin.columns import NOTHING, link_column, link_to, money_column, show_money
from billing.admin.exports import ExportableAdmin
from billing.admin.words_and_colours import invoice_label, label
from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import Allocation, CreditItem, CreditMemo, Customer, Household, Invoice, InvoiceLine
from billing.office import clock
from billing.office.models.user import Mode


def may_keep_master_data(request: HttpRequest) -> bool:
    """Who may change names, addresses and telephone numbers: those who enter payments, and school admins."""
    return may_here(request, "enter_payment", Mode.DO) or may_here(request, "set_prices", Mode.MAKE)


def today_of(request: HttpRequest) -> Any:
    return request.organization.today(clock.now())  # type: ignore[attr-defined]


class MasterDataForm(forms.ModelForm):  # type: ignore[type-arg]
    """Text as people type it: normalised, without card or account numbers (invariant 47)."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            if isinstance(value, str):
                self._clean_text(cleaned, name, value)
        return cleaned

    def _clean_text(self, cleaned: dict[str, Any], name: str, value: str) -> None:
        try:
            cleaned[name] = clean_text(
                value, field=name, longest=getattr(self.fields[name], "max_length", None) or 2000
            )
        except BadInput as trouble:
            self.add_error(name, str(trouble))


class CustomerForm(MasterDataForm):
    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        taken = Customer.objects.filter(organization=self.instance.organization, code=code).exclude(pk=self.instance.pk)
        if taken.exists():
            raise ValidationError(_("There is already a customer %(code)s."), params={"code": code}, code="taken")
        return code


class OwnRowsMixin:
    """Adding and changing master data of the organization worked in; columns not on the form are never written."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and may_keep_master_data(request)  # type: ignore[attr-defined]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_add_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        organization = request.organization  # type: ignore[attr-defined]

        class OfOrganization(form):  # type: ignore[misc,valid-type]
            def __init__(self, *args: Any, **more: Any) -> None:
                super().__init__(*args, **more)
                if self.instance.organization_id is None:
                    self.instance.organization = organization

        return OfOrganization

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A foreign key takes only rows of the organization worked in."""
        kwargs["queryset"] = db_field.remote_field.model.objects.filter(
            organization=request.organization  # type: ignore[attr-defined]
        )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save(force_insert=True)
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)


class HoldFilter(DropdownFilter):
    title = _("credit hold")
    parameter_name = "hold"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("on hold")), ("no", _("not on hold"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_on_hold=self.value() == "yes") if self.value() in ("yes", "no") else queryset


@admin.register(Customer)
class CustomerAdmin(OwnRowsMixin, ExportableAdmin):
    form = CustomerForm
    list_display = (
        "customer", "contact", "household_name", "open_money", "overdue_money", "unapplied_money", "standing",
    )  # fmt: skip
    list_display_links = None
    list_filter = (HoldFilter, ("is_active", BooleanRadioFilter))
    search_fields = ("code", "name", "latin_name", "phone")
    search_help_text = _("Code, name or telephone")
    ordering = ("code",)
    autocomplete_fields = ("household",)
    fields = (
        ("code", "household"), ("name", "latin_name"), ("email", "phone"), "address", ("language", "tax_id"),
        "is_active", ("credit_limit_shown", "hold_shown"),
    )  # fmt: skip
    readonly_fields = ("credit_limit_shown", "hold_shown")
    export_columns = ("code", "name", "latin_name", "household__name", "email", "phone", "language", "is_on_hold")
    empty_text = _("Everyone who owes and pays. Add the first, or load a file of them with the load_customers command.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What each owes is summed for the rows of the page only, in the organization's currency."""
        on, currency = today_of(request), request.organization.currency  # type: ignore[attr-defined]
        owed = Invoice.objects.filter(customer=OuterRef("pk"), currency=currency, open_amount__gt=0).order_by()
        left = CreditItem.objects.filter(customer=OuterRef("pk"), currency=currency, unapplied_amount__gt=0).order_by()
        rows = super().get_queryset(request).select_related("household", "organization")
        return rows.annotate(  # type: ignore[no-any-return]
            open_sum=Subquery(owed.values("customer").annotate(s=Sum("open_amount")).values("s")),
            overdue_sum=Subquery(
                owed.filter(due_on__lt=on).values("customer").annotate(s=Sum("open_amount")).values("s")
            ),
            unapplied_sum=Subquery(left.values("customer").annotate(s=Sum("unapplied_amount")).values("s")),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "code") if obj is not None else self.readonly_fields

    @admin.display(description=_("customer"), ordering="code")
    def customer(self, row: Customer) -> Any:
        return link_to(row, "customer", row)

    @admin.display(description=_("contact"))
    def contact(self, row: Customer) -> str:
        return row.phone or row.email or "–"

    @admin.display(description=_("household"), ordering="household__name")
    def household_name(self, row: Customer) -> Any:
        return row.household or NOTHING

    @admin.display(description=_("owes"))
    def open_money(self, row: Any) -> Any:
        return show_money(row.open_sum, row.organization.currency)

    @admin.display(description=_("of it overdue"))
    def overdue_money(self, row: Any) -> Any:
        return show_money(row.overdue_sum, row.organization.currency)

    @admin.display(description=_("unapplied"))
    def unapplied_money(self, row: Any) -> Any:
        return show_money(row.unapplied_sum, row.organization.currency)

    @admin.display(description=_("state"))
    def standing(self, row: Customer) -> Any:
        if row.holds_on(row.organization.today(clock.now())):
            return label("customer.on_hold")
        return label("customer.active" if row.is_active else "customer.inactive")

    @admin.display(description=_("credit limit"))
    def credit_limit_shown(self, row: Customer) -> Any:
        return _("no limit") if row.credit_limit is None else show_money(row.credit_limit, row.organization.currency)

    @admin.display(description=_("credit hold"))
    def hold_shown(self, row: Customer) -> Any:
        return label("customer.on_hold") if row.is_on_hold else "–"


@admin.register(Household)
class HouseholdAdmin(OwnRowsMixin, ExportableAdmin):
    form = MasterDataForm
    list_display = ("name", "members")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name",)
    export_columns = ("name",)
    empty_text = _("Families whose members see what they owe together. Add the first, then name it on its customers.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("customers")

    @admin.display(description=_("members"))
    def members(self, row: Household) -> str:
        return ", ".join(customer.shown_name for customer in row.customers.all()) or "–"


class InvoiceStateFilter(DropdownFilter):
    """What can be computed is not a state: overdue follows from the open amount and the day."""

    title = _("state")
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", _("open")), ("overdue", _("overdue")), ("part_paid", _("part-paid")), ("paid", _("paid")),
            ("disputed", _("disputed")), ("void", _("void")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        open_rows = queryset.filter(open_amount__gt=0)
        if self.value() == "open":
            return open_rows
        if self.value() == "overdue":
            return open_rows.filter(due_on__lt=today_of(request))
        if self.value() == "part_paid":
            return open_rows.filter(applied_amount__gt=0)
        if self.value() == "paid":
            return queryset.filter(open_amount=0, voided_on__isnull=True)
        if self.value() == "disputed":
            return open_rows.filter(is_disputed=True)
        return queryset.filter(voided_on__isnull=False) if self.value() == "void" else queryset


class ReadOnlyInline(TabularInline):
    """Lines of a document: seen by whoever sees the document, changed by nobody."""

    extra = 0
    max_num = 0
    can_delete = False
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class InvoiceLineInline(ReadOnlyInline):
    model = InvoiceLine
    fields = ("description", "explanation", "quantity", "unit_price", "net_amount", "tax_amount")


@admin.register(Invoice)
class InvoiceAdmin(ExportableAdmin):
    list_display = ("invoice", "customer_link", "issued_on", "due_on", "invoiced_money", "open_money", "standing")
    list_display_links = None
    list_select_related = ("customer", "organization")
    list_filter = (
        InvoiceStateFilter, ("issued_on", RangeDateFilter), ("due_on", RangeDateFilter),
        ("invoiced_amount", RangeNumericFilter), ("kind", ChoicesDropdownFilter),
    )  # fmt: skip
    extra_lookups = ("customer",)
    search_fields = ("number", "customer__code", "customer__name", "creditor_reference")
    search_help_text = _("Number, customer or reference")
    ordering = ("-issued_on", "-id")
    inlines = (InvoiceLineInline,)
    fields = (
        ("number", "kind"), "customer", ("issued_on", "due_on"), ("terms", "discount_until"),
        ("net_amount", "tax_amount", "invoiced_amount"), ("applied_amount", "discounted_amount", "written_off_amount"),
        ("open_amount", "currency"), ("is_disputed", "is_opening", "voided_on"), ("creditor_reference", "entry"),
        ("department", "project"),
    )  # fmt: skip
    export_columns = (
        "number", "customer__code", "customer__name", "issued_on", "due_on", "currency", "net_amount", "tax_amount",
        "invoiced_amount", "applied_amount", "discounted_amount", "written_off_amount", "open_amount", "is_disputed",
        "voided_on",
    )  # fmt: skip
    empty_text = _("Every invoice, with what is still open. They come from billing runs and the load_invoices command.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    invoiced_money = money_column("invoiced_amount", _("total"))
    open_money = money_column("open_amount", _("open"))

    @admin.display(description=_("invoice"), ordering="number")
    def invoice(self, row: Invoice) -> Any:
        return link_to(row, "invoice", row.number)

    @admin.display(description=_("state"), ordering="due_on")
    def standing(self, row: Invoice) -> Any:
        return invoice_label(row, row.organization.today(clock.now()))


@admin.register(CreditMemo)
class CreditMemoAdmin(ExportableAdmin):
    list_display = ("number", "customer_link", "issued_on", "total_money", "unapplied_money", "reason", "standing")
    list_select_related = ("credit_item__customer",)
    list_filter = (("issued_on", RangeDateFilter),)
    search_fields = ("number", "credit_item__customer__code", "credit_item__customer__name")
    ordering = ("-issued_on", "-id")
    fields = ("number", "issued_on", ("net_amount", "tax_amount"), "reason", "credit_item", "entry")
    export_columns = (
        "number", "credit_item__customer__code", "issued_on", "credit_item__currency", "net_amount", "tax_amount",
        "credit_item__unapplied_amount", "reason",
    )  # fmt: skip
    empty_text = _("Documents that give back part of what was billed. A credit memo is asked for on an invoice's page.")

    customer_link = link_column("credit_item__customer", _("customer"), "customer", sort="credit_item__customer__code")
    total_money = money_column("credit_item__amount", _("total"), "credit_item__currency")
    unapplied_money = money_column("credit_item__unapplied_amount", _("unapplied"), "credit_item__currency")

    @admin.display(description=_("state"))
    def standing(self, row: CreditMemo) -> Any:
        return credit_label(row.credit_item)


def credit_label(item: CreditItem) -> Any:
    if item.reversed_on is not None:
        return label("credit.reversed")
    return label("credit.unapplied" if item.unapplied_amount else "credit.used")


class UnappliedFilter(DropdownFilter):
    title = _("unapplied")
    parameter_name = "unapplied"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("with something left"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(unapplied_amount__gt=Decimal(0)) if self.value() == "yes" else queryset


@admin.register(CreditItem)
class CreditItemAdmin(ExportableAdmin):
    list_display = ("number", "kind", "customer_link", "available_on", "brought_money", "unapplied_money", "standing")
    list_select_related = ("customer",)
    list_filter = (UnappliedFilter, ("kind", ChoicesDropdownFilter), ("available_on", RangeDateFilter))
    search_fields = ("number", "customer__code", "customer__name")
    ordering = ("-id",)
    fields = (
        ("number", "kind"), "customer", "available_on",
        ("amount", "applied_amount", "refunded_amount"), ("unapplied_amount", "currency"), "reversed_on",
    )  # fmt: skip
    export_columns = (
        "number", "kind", "customer__code", "customer__name", "available_on", "currency", "amount", "applied_amount",
        "refunded_amount", "unapplied_amount", "reversed_on",
    )  # fmt: skip
    empty_text = _("What payments and credit memos brought, and what of it is not yet set against an invoice.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    brought_money = money_column("amount", _("amount"))
    unapplied_money = money_column("unapplied_amount", _("unapplied"))

    @admin.display(description=_("state"))
    def standing(self, row: CreditItem) -> Any:
        return credit_label(row)


@admin.register(Allocation)
class AllocationAdmin(ExportableAdmin):
    list_display = ("allocated_on", "kind", "customer_link", "from_credit", "to_invoice", "amount_money", "made_by")
    list_display_links = ("allocated_on",)
    list_select_related = ("customer", "credit_item", "invoice", "made_by")
    list_filter = (("allocated_on", RangeDateFilter), ("kind", ChoicesDropdownFilter))
    search_fields = ("invoice__number", "credit_item__number", "customer__code")
    ordering = ("-id",)
    fields = (
        ("kind", "allocated_on"), "customer", ("credit_item", "invoice"), ("amount", "currency"),
        ("strategy", "reason"), ("reverses", "entry"), ("made_at", "made_by"),
    )  # fmt: skip
    export_columns = (
        "allocated_on", "kind", "customer__code", "credit_item__number", "invoice__number", "currency", "amount",
        "strategy", "reason",
    )  # fmt: skip
    empty_text = _("Which credit was set against which invoice, with discounts and small differences.")

    customer_link = link_column("customer", _("customer"), "customer", sort="customer__code")
    from_credit = link_column("credit_item", _("from"), "credit_item", sort="credit_item__number")
    to_invoice = link_column("invoice", _("to invoice"), "invoice", sort="invoice__number")
    amount_money = money_column("amount", _("amount"))
