"""The billing profile of a customer: name, address and tax id on invoices, checked; exemption asked for (R39)."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.customer_page import find_customer
from billing.admin.deeds import deed, subject_key
from billing.admin.panels import Context, panel
from billing.admin.registrations import may_keep_master_data
from billing.admin.working import Field, Form, attempt, back_to, show_form
from billing.errors import NotPermitted, Sentence
from billing.models import BillingProfile, Customer
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.rules.address_data import COUNTRIES
from billing.rules.addresses import Address
from billing.services.taxing import profiles
from billing.services.taxing.profiles import ProfileOrder

ASKING = (Mode.MAKE, Mode.CHECK)


def _profile_of(customer: Customer) -> BillingProfile | None:
    """No query where the customer was read with it."""
    return getattr(customer, "billing_profile", None)


@panel("customer", "console/taxing/profile_panel.html", order=15)
def _panel(request: ConsoleRequest, customer: Customer) -> Context:
    profile = _profile_of(customer)
    country = COUNTRIES.get(profile.country) if profile else None
    return {
        "profile": profile, "country": country.name if country else "",
        "region": country.regions.get(profile.region, profile.region) if country and profile else "",
        "may_keep": may_keep_master_data(request), "may_exempt": may_here(request, profiles.ACTION, *ASKING),
        "customer": customer,
    }  # fmt: skip


def _form(customer: Customer, profile: BillingProfile | None) -> Form:
    p = profile or BillingProfile(legal_name=customer.name, country=customer.organization.country,
                                  tax_id=customer.tax_id)  # fmt: skip
    countries = sorted(((code, one.name) for code, one in COUNTRIES.items()), key=lambda pair: str(pair[1]))
    return Form(
        [
            Field("legal_name", gettext_lazy("Name on invoices"), value=p.legal_name, longest=160),
            Field("country", gettext_lazy("Country"), "select", value=p.country, choices=countries),
            Field("street", gettext_lazy("Street and number"), value=p.street, longest=200),
            Field("city", gettext_lazy("City"), value=p.city, longest=80),
            Field("region", gettext_lazy("State or region"), value=p.region, required=False, longest=80,
                  help=gettext_lazy("Its code or its name, as NY or New York. It decides the tax.")),
            Field("postal_code", gettext_lazy("Postal code"), value=p.postal_code, required=False, longest=12),
            Field("tax_id", gettext_lazy("Tax id"), value=p.tax_id, required=False, longest=40,
                  help=gettext_lazy("Unified business number, GSTIN, VAT number, EIN; checked by its check digit.")),
        ]
    )  # fmt: skip


@console_path("customers/<int:pk>/billing-profile/", "billing_profile", "see_receivables")
@require_http_methods(["GET", "POST"])
def billing_profile(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Make or change it: whoever keeps names and addresses."""
    customer = find_customer(request, pk)
    form = _form(customer, _profile_of(customer))
    allowed = may_keep_master_data(request)
    if request.method == "POST":
        form.read(request.POST)

        def work() -> BillingProfile:
            if not allowed:
                raise NotPermitted()
            address = {name: form.typed(name) for name in ("street", "city", "country", "region", "postal_code",
                                                            "tax_id")}  # fmt: skip
            order = ProfileOrder(form.typed("legal_name"), Address(**address))
            return profiles.save_profile(customer=customer, order=order, now=clock.now(), by=request.user)

        done, _saved = attempt(form, work)
        if done:
            return back_to(request, "customer", pk, _("The billing profile is saved and checked."), "billing-profile")
    effect = _("Invoices issued from now on are made out so. Those already issued stay; the trail keeps what it was.")
    return show_form(
        request, form, title=_("Billing profile of {name}").format(name=customer), button=_("Save the billing profile"),
        back=reverse("admin:customer", args=[pk]), facts=[(_("What it does"), effect)],
        trouble="" if allowed else str(NotPermitted()),
    )  # fmt: skip


# Exemption: always two people


@console_path("customers/<int:pk>/tax-exemption/", "tax_exemption", profiles.ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def tax_exemption(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask to exempt a customer from tax, or to end that."""
    customer = find_customer(request, pk)
    profile = _profile_of(customer)
    end = bool(profile and profile.is_exempt)
    fields = [Field("reason", gettext_lazy("Reason of this request"), "area")]
    if not end:
        example = gettext_lazy("Invoices say it, for example: registered charity, certificate 4711.")
        fields.insert(0, Field("because", gettext_lazy("Why exempt"), longest=200, help=example))
    form = Form(fields)
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ApprovalRequest:
            return profiles.ask_for_exemption(
                customer=customer, is_exempt=not end, because=form.typed("because"), reason=form.typed("reason"),
                by=request.user, now=clock.now(),
            )  # fmt: skip

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    effect = (
        _("What is billed from now on is taxed again.") if end
        else _("What is billed from now on carries no tax; a price that includes tax is paid without it.")
    )  # fmt: skip
    verb = _("End the exemption of {name}") if end else _("Exempt {name} from tax")
    return show_form(
        request, form, title=verb.format(name=customer), back=reverse("admin:customer", args=[pk]),
        button=_("Ask to end the exemption") if end else _("Ask to exempt from tax"),
        facts=[(_("What it does"), effect)], trouble="" if profile else str(profiles.NoProfile()),
    )  # fmt: skip


def _customer_of(asked: ApprovalRequest) -> Customer:
    rows = Customer.objects.select_related("organization")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _touched(asked: ApprovalRequest) -> set[int]:
    return profiles.touched(_customer_of(asked))


def _exemption_now(asked: ApprovalRequest) -> dict[str, Any]:
    return profiles.exemption_facts_now(asked, _customer_of(asked))


@deed(profiles.ACTION, "tax_exempt", label=gettext_lazy("Exempt from tax"), facts=_exemption_now, customer=_touched)
@deed(
    profiles.ACTION, "tax_not_exempt", label=gettext_lazy("End the exemption"), facts=_exemption_now,
    customer=_touched,
)  # fmt: skip
def _carry_out_exemption(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    profiles.carry_out_exemption(request=asked, customer=_customer_of(asked), now=now)
    return gettext_lazy("Approved and carried out.")
