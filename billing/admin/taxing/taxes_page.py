"""Taxes: the codes of the organization with what holds where, now and before; adding is asked for (R39, R86)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.deeds import deed
from billing.admin.taxing.words import PLACES
from billing.admin.working import Field, Form, attempt, back_to, show_form
from billing.errors import Sentence
from billing.inputs import parse_day
from billing.models import TaxCode, TaxRate
from billing.models.tax import ABROAD, EVERYWHERE, TaxKind
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from billing.rules.address_data import COUNTRIES
from billing.rules.tax_parts import percent
from billing.services.taxing import codes
from billing.services.taxing.codes import SHOWN_EVERYWHERE, CodeOrder, RateOrder

ASKING = (Mode.MAKE, Mode.CHECK)


@console_path("taxes/", "taxes", "see_reports")
@require_GET
def taxes(request: ConsoleRequest) -> HttpResponse:
    """All codes with their rates, the newest first. Three queries."""
    today = request.organization.today(clock.now())
    rates: dict[int, list[TaxRate]] = {}
    rows = TaxRate.objects.filter(organization=request.organization).order_by("place", "-effective_on", "-id")
    for rate in rows.select_related("made_by"):
        rates.setdefault(rate.tax_code_id, []).append(rate)
    found = TaxCode.objects.filter(organization=request.organization).order_by("code")
    shown = [(code, _rows(request.organization, rates.get(code.pk, []), today)) for code in found]
    context = console_context(
        request, _("Taxes"), codes=shown, waiting=_waiting(request),
        may_ask=may_here(request, codes.ACTION, *ASKING),
    )  # fmt: skip
    return render(request, "console/taxing/taxes.html", context)


def _rows(organization: Organization, rates: list[TaxRate], today: date) -> list[dict[str, Any]]:
    """Each rate with how it stands: to come, holding, or replaced by a newer one of its place."""
    found, held = [], set[str]()
    for rate in rates:
        state = "coming" if rate.effective_on > today else "replaced" if rate.place in held else "holds"
        if state == "holds":
            held.add(rate.place)
        parts = [(part["name"], percent(Decimal(part["rate"]))) for part in rate.parts]
        found.append(
            {"rate": rate, "percent": percent(rate.rate), "parts": parts, "state": state,
             "place": place_words(organization, rate.place)}
        )  # fmt: skip
    return found


def place_words(organization: Organization, place: str) -> str:
    country = COUNTRIES.get(organization.country)
    name = country.regions.get(place, "") if country else ""
    return f"{place} · {name}" if name else str(PLACES.get(place or SHOWN_EVERYWHERE, place))


def _waiting(request: ConsoleRequest) -> list[ApprovalRequest]:
    rows = ApprovalRequest.objects.filter(
        organization=request.organization, action=codes.ACTION, subject__startswith="tax_",
        state=ApprovalState.REQUESTED, expires_at__gt=clock.now(),
    )  # fmt: skip
    return list(rows.select_related("requested_by").order_by("id"))


# A code


def _code_form() -> Form:
    return Form(
        [
            Field("name", gettext_lazy("Name on invoices"), longest=120,
                  help=gettext_lazy("As customers know it: GST, VAT, Sales tax.")),
            Field("code", gettext_lazy("Code"), longest=40, help=gettext_lazy("For lists and files, as gst-lessons.")),
            Field("kind", gettext_lazy("Kind of tax"), "select", choices=TaxKind.choices),
            Field("is_inclusive", gettext_lazy("Prices"), "select", choices=[
                ("no", gettext_lazy("are before tax")), ("yes", gettext_lazy("include it")),
            ]),
            Field("reason", gettext_lazy("Reason"), "area"),
        ]
    )  # fmt: skip


@console_path("taxes/new/", "tax_code_new", codes.ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def new_code(request: ConsoleRequest) -> HttpResponse:
    """Ask for a tax code."""
    form = _code_form()
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ApprovalRequest:
            return codes.ask_for_code(
                organization=request.organization, reason=form.typed("reason"), by=request.user, now=clock.now(),
                order=CodeOrder(
                    form.typed("code"), form.typed("name"), form.typed("kind"), form.typed("is_inclusive") == "yes"
                ),
            )  # fmt: skip

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    effect = _("The code can be chosen for plans and their items once another person has approved. Then add its rates.")
    return show_form(
        request, form, title=_("New tax code"), button=_("Ask for the tax code"), back=reverse("admin:taxes"),
        facts=[(_("What it does"), effect)],
    )  # fmt: skip


# A rate


def _rate_form(organization: Organization, today: date) -> Form:
    country = COUNTRIES.get(organization.country)
    places = [(EVERYWHERE, PLACES[SHOWN_EVERYWHERE])]
    places += [(code, f"{code} · {name}") for code, name in (country.regions if country else {}).items()]
    return Form(
        [
            Field("percent", gettext_lazy("Percent"), longest=10, help=gettext_lazy("18 for 18 %; 8.875 for 8.875 %.")),
            Field("place", gettext_lazy("Place"), "select", required=False, choices=[*places, (ABROAD, PLACES[ABROAD])],
                  help=gettext_lazy("Where the customer's billing profile is. A place goes before everywhere else.")),
            Field("effective_on", gettext_lazy("Holds from"), "date", value=today.isoformat()),
            Field("parts", gettext_lazy("Made up of"), "area", required=False,
                  help=gettext_lazy('One part a line, for example "CGST 9". Together they make the rate.')),
            Field("reason", gettext_lazy("Reason"), "area"),
        ]
    )  # fmt: skip


@console_path("taxes/<int:pk>/rate/", "tax_rate_new", codes.ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def new_rate(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask for a rate of a code."""
    rows = TaxCode.objects.select_related("organization")
    code = get_object_or_404(rows, pk=pk, organization=request.organization)
    form = _rate_form(request.organization, request.organization.today(clock.now()))
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ApprovalRequest:
            order = RateOrder(
                form.typed("place"), parse_day(form.typed("effective_on"), field="effective_on"),
                codes.read_percent(form.typed("percent"), field="percent"), codes.read_part_lines(form.typed("parts")),
            )  # fmt: skip
            return codes.ask_for_rate(
                code=code, order=order, reason=form.typed("reason"), by=request.user, now=clock.now()
            )

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    effect = _("What is billed from that day on is taxed so. What was billed stays.")
    return show_form(
        request, form, title=_("New rate of {name}").format(name=code.name), button=_("Ask for the rate"),
        back=reverse("admin:taxes"), facts=[(_("Tax code"), code.code), (_("What it does"), effect)],
    )  # fmt: skip


@deed(codes.ACTION, "tax_code", label=gettext_lazy("Add the tax code"), facts=codes.code_facts_now)
def _carry_out_code(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    code = codes.carry_out_code(request=asked, now=now)
    return _("Approved; the tax code {code} was added. Now add its rates.").format(code=code.code)


@deed(codes.ACTION, "tax_rate", label=gettext_lazy("Add the tax rate"), facts=codes.rate_facts_now)
def _carry_out_rate(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    codes.carry_out_rate(request=asked, now=now)
    return _("Approved; the rate holds from its first day on.")
