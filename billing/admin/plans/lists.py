"""Lists of agreements, students and discount rules."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RangeDateFilter

from billing.admin.base import may_here
from billing.admin.columns import link_to, state_column
from billing.admin.exports import ExportableAdmin
from billing.admin.filters import OwnDropdownFilter
from billing.admin.registrations import MasterDataForm, OwnRowsMixin
from billing.models import Agreement, DiscountRule, Student
from billing.office.models.user import Mode


@admin.register(Agreement)
class AgreementAdmin(ExportableAdmin):
    """Who agreed on what; each row opens the agreement's page."""

    action = "manage_agreements"
    list_display = ("number_", "state_", "customer_", "student_", "plan_", "frequency", "starts_on", "ends_on")
    list_display_links = None
    list_filter = (
        ("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter), ("frequency", ChoicesDropdownFilter),
        ("plan", OwnDropdownFilter), ("starts_on", RangeDateFilter), ("ends_on", RangeDateFilter),
        ("backend", ChoicesDropdownFilter),
    )  # fmt: skip
    search_fields = ("number", "customer__code", "customer__name", "student__name", "student__code")
    search_help_text = _("Number, customer or student")
    ordering = ("-id",)
    list_select_related = ("customer", "student", "plan")
    exclude = ("request_key",)
    export_columns = (
        "number", "state", "kind", "customer__code", "customer__name", "student__name", "plan__code", "frequency",
        "starts_on", "ends_on", "backend",
    )  # fmt: skip
    empty_text = _("What was agreed with families: lessons, packages, policies. Make the first with Enrol.")
    state_ = state_column("agreement", _("state"))

    @admin.display(description=_("number"), ordering="number")
    def number_(self, row: Agreement) -> Any:
        return link_to(row, "agreement", row.number)

    @admin.display(description=_("customer"), ordering="customer__name")
    def customer_(self, row: Agreement) -> Any:
        return link_to(row.customer, "customer", row.customer)

    @admin.display(description=_("student"), ordering="student__name")
    def student_(self, row: Agreement) -> str:
        return row.student.name if row.student is not None else "–"

    @admin.display(description=_("plan"), ordering="plan__name")
    def plan_(self, row: Agreement) -> Any:
        return link_to(row.plan, "plan", row.plan)


class CodeOnceForm(MasterDataForm):
    """A code is taken once in an organization."""

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        rows = self._meta.model.objects.filter(organization=self.instance.organization, code=code)
        if rows.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("The code %(code)s is taken."), params={"code": code}, code="taken")
        return code


@admin.register(Student)
class StudentAdmin(OwnRowsMixin, ExportableAdmin):
    action = "manage_agreements"
    form = CodeOnceForm
    list_display = ("code", "name", "customer_", "is_staff_child", "is_active")
    list_filter = (("is_staff_child", BooleanRadioFilter), ("is_active", BooleanRadioFilter))
    search_fields = ("code", "name", "latin_name", "customer__code", "customer__name")
    search_help_text = _("Code, name or customer")
    ordering = ("name",)
    autocomplete_fields = ("customer",)
    list_select_related = ("customer",)
    fields = (("code", "customer"), ("name", "latin_name"), ("is_staff_child", "is_active"))
    export_columns = ("code", "name", "latin_name", "customer__code", "is_staff_child", "is_active")
    empty_text = _("Whom lessons are for. Students come with their first enrolment, or are added here.")

    @admin.display(description=_("customer"), ordering="customer__name")
    def customer_(self, row: Student) -> Any:
        return link_to(row.customer, "customer", row.customer)


@admin.register(DiscountRule)
class DiscountRuleAdmin(OwnRowsMixin, ExportableAdmin):
    """Who sets prices sets discounts; running agreements follow when schedules are computed anew."""

    action = "manage_agreements"
    form = CodeOnceForm
    list_display = ("code", "name", "cause", "percent", "stacks", "starts_on", "ends_on")
    list_filter = (("cause", ChoicesDropdownFilter), ("stacks", BooleanRadioFilter))
    search_fields = ("code", "name")
    ordering = ("code",)
    fields = (
        ("code", "name"), ("cause", "percent"), ("from_nth", "after_months"), "plans", "stacks",
        ("starts_on", "ends_on"),
    )  # fmt: skip
    filter_horizontal = ("plans",)
    export_columns = ("code", "name", "cause", "percent", "stacks", "starts_on", "ends_on")
    empty_text = _(
        "Percent off for brothers and sisters, several classes, children of staff or loyalty. After a change compute"
        " the schedules anew."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_here(request, "set_prices", Mode.MAKE, Mode.CHECK)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = db_field.remote_field.model.objects.filter(
            organization=request.organization  # type: ignore[attr-defined]
        )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save(force_insert=True)
        elif own := [name for name in form.changed_data if name != "plans"]:
            obj.save(update_fields=own)
