"""Charging something once beside the schedule, taking that back, and billing a period again whose invoice is void."""

from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.plans.reading import find_agreement, key_of, optional_day
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import Sentence
from billing.inputs import parse_day
from billing.models import Agreement, Charge, Installment, TaxCode
from billing.money import format_money, parse_amount
from billing.office import clock
from billing.office.models.user import Mode
from billing.services.runs.charging import ChargeOrder, charge_once, take_charge_back
from billing.services.runs.voiding import plan_again

MANAGE = "manage_agreements"


@console_path("agreements/<int:pk>/charge/", "charge_new", MANAGE, Mode.DO)
@require_http_methods(["GET", "POST"])
def charge_new(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    form = _charge_form(request)
    if request.method == "POST":
        form.read(request.POST)
        done, made = attempt(
            form,
            lambda: charge_once(agreement=agreement, order=_order(form, agreement), now=clock.now(), by=request.user),
        )
        if done and made is not None:
            words = _("Charged: {text}. The next run bills it.").format(text=made.description)
            return back_to(request, "agreement", pk, words, "charges")
    named = f"{agreement.number} · {agreement.customer.shown_name} · {agreement.plan}"
    return show_form(
        request, form, title=_("Charge once"), button=_("Charge it"), back=reverse("admin:agreement", args=[pk]),
        facts=[(_("Agreement"), named)], currency=agreement.currency,
    )  # fmt: skip


def _charge_form(request: ConsoleRequest) -> Form:
    codes = TaxCode.objects.filter(organization=request.organization).order_by("code")
    choices: list[tuple[str, Sentence]] = [("", gettext_lazy("no tax")), *((str(code.pk), code.name) for code in codes)]
    today = request.organization.today(clock.now()).isoformat()
    return Form(
        [
            Field("text", gettext_lazy("Words on the invoice"), longest=200),
            Field("amount", gettext_lazy("Amount"), "amount",
                  help=gettext_lazy("With tax, if its tax code includes it.")),
            Field("tax_code", gettext_lazy("Tax code"), "select", choices=choices, required=False),
            Field("on", gettext_lazy("Day it is about"), "date", today),
            Field("bill_on", gettext_lazy("Not billed before"), "date", required=False),
        ],
        hidden={"request_key": uuid4().hex},
    )  # fmt: skip


def _order(form: Form, agreement: Agreement) -> ChargeOrder:
    return ChargeOrder(
        text=form.typed("text"), amount=parse_amount(form.typed("amount"), agreement.currency),
        on=parse_day(form.typed("on"), field="on"), bill_on=optional_day(form, "bill_on"),
        tax_code_id=key_of(form, "tax_code"), request_key=form.typed("request_key"),
    )  # fmt: skip


@console_path("charges/<int:pk>/take-back/", "charge_take_back", MANAGE, Mode.DO)
@require_http_methods(["GET", "POST"])
def take_back(request: ConsoleRequest, pk: int) -> HttpResponse:
    rows = Charge.objects.select_related("agreement", "organization")
    charge = get_object_or_404(rows, pk=pk, organization=request.organization)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _charge = attempt(form, lambda: take_charge_back(charge=charge, reason=form.typed("reason")))
        if done:
            return back_to(request, "agreement", charge.agreement_id, _("Taken back; it is not billed."), "charges")
    amount = format_money(charge.net_amount + charge.tax_amount, charge.currency)
    return show_form(
        request, form, title=_("Take a charge back"), danger=True,
        button=_("Take back {what} ({amount})").format(what=charge.description, amount=amount),
        back=reverse("admin:agreement", args=[charge.agreement_id]),
        facts=[(_("Charge"), charge.description), (_("Amount"), amount)],
    )  # fmt: skip


@console_path("installments/<int:pk>/plan-again/", "installment_plan_again", MANAGE, Mode.DO)
@require_http_methods(["GET", "POST"])
def again(request: ConsoleRequest, pk: int) -> HttpResponse:
    rows = Installment.objects.select_related("agreement", "agreement__customer", "organization")
    period = get_object_or_404(rows, pk=pk, organization=request.organization)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _change = attempt(
            form, lambda: plan_again(installment=period, reason=form.typed("reason"), now=clock.now(), by=request.user)
        )
        if done:
            return back_to(request, "agreement", period.agreement_id, _("Planned again. A supplement run bills it."))
    days = f"{date_format(period.period_start)} – {date_format(period.period_end)}"
    amount = format_money(period.amount, period.currency)
    return show_form(
        request, form, title=_("Bill a period after all"), back=reverse("admin:agreement", args=[period.agreement_id]),
        button=_("Plan {amount} again").format(amount=amount),
        facts=[
            (_("Agreement"), f"{period.agreement.number} · {period.agreement.customer.shown_name}"),
            (_("Period"), days), (_("Amount"), amount), (_("Not billed because"), period.skipped_because or "–"),
        ],
    )  # fmt: skip
