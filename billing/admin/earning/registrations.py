"""Lists of who is paid and of what they earned."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RangeDateFilter

from billing.admin.columns import link_column, link_to, money_column, show_money
from billing.admin.earning.rights import SEE, may_keep_providers, visible_providers
from billing.admin.exports import ExportableAdmin
from billing.admin.registrations import MasterDataForm, OwnRowsMixin
from billing.admin.words_and_colours import label
from billing.models import Earning, Provider
from billing.models.earning import PayoutBatchState
from billing.models.party import ProviderKind
from billing.office.models import User
from billing.office.models.user import Role
from billing.rules.explaining import explanation


class ProviderForm(MasterDataForm):
    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if self._others().filter(code=code).exists():
            raise ValidationError(_("There is already a provider %(code)s."), params={"code": code}, code="taken")
        return code

    def clean_user(self) -> User | None:
        user: User | None = self.cleaned_data["user"]
        if user is not None and self._others().filter(user=user).exists():
            raise ValidationError(_("This login belongs to another provider."), code="taken")
        return user

    def clean_manager(self) -> Provider | None:
        manager: Provider | None = self.cleaned_data["manager"]
        if manager is not None and manager.pk == self.instance.pk:
            raise ValidationError(_("Nobody reports to themselves."), code="own_manager")
        return manager

    def _others(self) -> QuerySet[Provider]:
        return Provider.objects.filter(organization=self.instance.organization).exclude(pk=self.instance.pk)


@admin.register(Provider)
class ProviderAdmin(OwnRowsMixin, ExportableAdmin):
    action = SEE
    form = ProviderForm
    list_display = ("provider", "kind", "reports_to", "owed_money", "standing")
    list_display_links = None
    list_filter = (("kind", ChoicesDropdownFilter), ("is_active", BooleanRadioFilter))
    search_fields = ("code", "name", "latin_name")
    search_help_text = _("Code or name")
    ordering = ("name",)
    fields = (("code", "kind"), ("name", "latin_name"), ("email", "tax_id"), ("user", "manager"), "is_active")
    export_columns = ("code", "kind", "name", "latin_name", "email", "tax_id", "manager__code", "is_active")
    empty_text = _("Teachers are paid by lessons, agents by commission. Add the first, then name it on its agreements.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What each is owed in the organization's currency, for the rows of the page."""
        currency = request.organization.currency  # type: ignore[attr-defined]
        unpaid = Earning.objects.filter(provider=OuterRef("pk"), currency=currency).exclude(
            payout__batch__state=PayoutBatchState.PAID
        )
        rows = super().get_queryset(request).filter(pk__in=visible_providers(request))
        owed = unpaid.order_by().values("provider").annotate(s=Sum("amount")).values("s")
        found: QuerySet[Any] = rows.annotate(owed_sum=Subquery(owed)).select_related("manager", "organization")
        return found

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_keep_providers(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("code", "kind") if obj is not None else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A login of a teacher here; a manager who is an agent here."""
        here = request.organization  # type: ignore[attr-defined]
        if db_field.name == "user":
            held = Q(memberships__organization=here, memberships__withdrawn_at__isnull=True)
            kwargs["queryset"] = User.objects.filter(held, memberships__role=Role.TEACHER).distinct()
            return super(OwnRowsMixin, self).formfield_for_foreignkey(db_field, request, **kwargs)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.queryset = field.queryset.filter(kind=ProviderKind.AGENT)
        return field

    @admin.display(description=_("provider"), ordering="name")
    def provider(self, row: Provider) -> Any:
        return link_to(row, "provider", row)

    @admin.display(description=_("reports to"), ordering="manager__name")
    def reports_to(self, row: Provider) -> Any:
        return link_to(row.manager, "provider", row.manager) if row.manager else "–"

    @admin.display(description=_("owed"))
    def owed_money(self, row: Any) -> Any:
        return show_money(row.owed_sum, row.organization.currency)

    @admin.display(description=_("state"))
    def standing(self, row: Provider) -> Any:
        return label("customer.active" if row.is_active else "customer.inactive")


@admin.register(Earning)
class EarningAdmin(ExportableAdmin):
    action = SEE
    list_display = ("earned_on", "provider_link", "kind", "amount_money", "paid_with", "why")
    list_display_links = ("earned_on",)
    list_select_related = ("provider", "payout__batch")
    list_filter = (("earned_on", RangeDateFilter), ("kind", ChoicesDropdownFilter))
    extra_lookups = ("provider",)
    search_fields = ("provider__code", "provider__name", "source")
    search_help_text = _("Provider or source")
    ordering = ("-id",)
    fields = (
        ("provider", "kind"), ("earned_on", "made_at"), ("amount", "currency"), "why", ("agreement", "attendance"),
        ("allocation", "reverses"), ("payout", "entry"), "source",
    )  # fmt: skip
    readonly_fields = ("why",)
    export_columns = ("earned_on", "provider__code", "provider__name", "kind", "currency", "amount", "source")
    empty_text = _("What lessons and premiums earned. The first comes when attendance is told or a premium is paid.")

    provider_link = link_column("provider", _("provider"), "provider", sort="provider__name")
    amount_money = money_column("amount", _("amount"))
    paid_with = link_column("payout__batch", _("payout"), "payout_batch", "number", sort="payout__batch__number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(provider__in=visible_providers(request))

    @admin.display(description=_("how it came about"))
    def why(self, row: Earning) -> str:
        return explanation(row.derivation, row.currency)
