"""Deeds about a policy: setting it up, billing its revival, riders and additional premiums (R8, R74)."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.plans.reading import find_agreement, optional_amount
from billing.admin.working import Field, Form, attempt, back_to, show_form
from billing.errors import DomainError
from billing.models import Agreement, AgreementKind, AgreementState, Invoice
from billing.money import ZERO, format_money, parse_amount
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.premiums import amount_due
from billing.services.insurance.extras import ADDITIONAL, RIDER, ExtraOrder, bill_extra_premium
from billing.services.insurance.revival_bills import check_revival, prepare_revival
from billing.services.insurance.setting_up import PolicyOrder, set_up_policy


def find_insured(request: ConsoleRequest, pk: int) -> Agreement:
    """An agreement that has its policy, or 404."""
    agreement = find_agreement(request, pk)
    if agreement.kind != AgreementKind.POLICY or not hasattr(agreement, "insurance"):
        raise Http404
    return agreement


def facts_of(agreement: Agreement, *more: tuple[str, str]) -> list[tuple[str, str]]:
    named = f"{agreement.insurance.policy_number} · {agreement.customer.shown_name}"
    return [(_("Insurance policy"), named), *more]


def show_deed(
    request: ConsoleRequest, agreement: Agreement, form: Form, *, title: object, button: object,
    facts: Any = (), **more: Any,
) -> HttpResponse:  # fmt: skip
    back = reverse("admin:agreement", args=[agreement.pk]) + "#insurance"
    return show_form(
        request, form, title=title, button=button, back=back, facts=facts, currency=agreement.currency, **more
    )  # fmt: skip


@console_path("agreements/<int:pk>/policy/", "policy_setup", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def policy_setup(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The number printed on the policy, and what it insures."""
    agreement = find_agreement(request, pk)
    if agreement.kind != AgreementKind.POLICY:
        raise Http404
    form = Form(
        [
            Field("policy_number", gettext_lazy("Policy number"), required=False, longest=40,
                  help=gettext_lazy("As printed on the policy; empty: the next of our own series.")),
            Field("product", gettext_lazy("Product"), required=False, longest=40,
                  help=gettext_lazy("A short word such as LIFE; a number of our series carries it.")),
            Field("insured_name", gettext_lazy("Life assured"), required=False, longest=160),
            Field("sum_assured", gettext_lazy("Sum assured"), "amount", required=False),
        ]
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)

        def work() -> Any:
            order = PolicyOrder(
                form.typed("policy_number"), form.typed("product"), form.typed("insured_name"),
                optional_amount(form, "sum_assured", agreement.currency),
            )  # fmt: skip
            return set_up_policy(agreement=agreement, order=order, now=clock.now(), by=request.user)

        done, policy = attempt(form, work)
        if done and policy is not None:
            words = _("This agreement is policy {number} now.")
            return back_to(request, "agreement", pk, words.format(number=policy.policy_number), "insurance")
    named = f"{agreement.number} · {agreement.customer.shown_name} · {agreement.plan}"
    return show_deed(
        request, agreement, form, title=_("Set up the policy"), button=_("Set it up"), facts=[(_("Agreement"), named)]
    )  # fmt: skip


@console_path("agreements/<int:pk>/revive/", "policy_revive", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def policy_revive(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Bill what revives a lapsed policy; paying it puts it in force again."""
    agreement = find_insured(request, pk)
    today = request.organization.today(clock.now())
    form, due = Form([]), amount_due(agreement, today)
    trouble, facts = "", facts_of(agreement)
    try:
        check_revival(agreement, today, due.revival.last_on if due.revival else today)
    except DomainError as refusal:
        trouble = str(refusal)
    else:
        assert due.revival is not None
        missed = sum((one.item.open_amount for one in due.revival.unbilled), start=ZERO)
        facts += [
            (_("Premiums missed, billed now"), format_money(missed, agreement.currency)),
            (_("Late fee, billed now"), format_money(due.revival.fee_left, agreement.currency)),
            (_("To pay in all"), format_money(due.amount.total, agreement.currency)),
            (_("May be revived until"), date_format(due.revival.last_on)),
        ]
    if request.method == "POST" and not trouble:
        done, invoices = attempt(
            form, lambda: prepare_revival(agreement=agreement, on=today, now=clock.now(), by=request.user)
        )
        if done and invoices is not None:
            return back_to(request, "agreement", pk, _billed_told(agreement, invoices), "insurance")
    button = _("Bill the revival: {amount}").format(amount=format_money(due.amount.total, agreement.currency))
    return show_deed(
        request, agreement, form, title=_("Revive the policy"), button=button, facts=facts, trouble=trouble
    )  # fmt: skip


def _billed_told(agreement: Agreement, invoices: Sequence[Invoice]) -> str:
    """What is to be paid now, or that waiting credit has paid it."""
    agreement.refresh_from_db(fields=["state"])
    if agreement.state != AgreementState.LAPSED:
        return _("What was due is paid.")
    total = sum((one.open_amount for one in invoices), start=ZERO)
    words = _("Billed. Once {amount} is paid the policy is in force again.")
    return words.format(amount=format_money(total, agreement.currency))


@console_path("agreements/<int:pk>/rider/", "policy_rider", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def policy_rider(request: ConsoleRequest, pk: int) -> HttpResponse:
    fields = [
        Field("rider", gettext_lazy("Rider"), longest=80, help=gettext_lazy("What it insures besides.")),
        Field("amount", gettext_lazy("Premium"), "amount", help=gettext_lazy("As the plan's price: its tax is added.")),
    ]
    return _extra(request, find_insured(request, pk), RIDER, fields, _("Rider premium"), _("Bill the rider premium"))


@console_path("agreements/<int:pk>/additional-premium/", "policy_additional", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def policy_additional(request: ConsoleRequest, pk: int) -> HttpResponse:
    fields = [
        Field("sum_assured", gettext_lazy("New sum assured"), "amount"),
        Field("amount", gettext_lazy("Premium"), "amount", help=gettext_lazy("As the plan's price: its tax is added.")),
    ]
    title, button = _("Additional premium"), _("Bill the additional premium")
    return _extra(request, find_insured(request, pk), ADDITIONAL, fields, title, button)


def _extra(
    request: ConsoleRequest, agreement: Agreement, kind: str, fields: list[Field], title: str, button: str
) -> HttpResponse:
    """Billed at once; a second click bills nothing, since the key was made with the form."""
    form = Form(fields, hidden={"request_key": uuid4().hex})
    if request.method == "POST":
        form.read(request.POST)

        def work() -> Any:
            order = ExtraOrder(
                kind, parse_amount(form.typed("amount"), agreement.currency, field="amount"),
                form.typed("request_key")[:40], rider=form.typed("rider"),
                sum_assured=optional_amount(form, "sum_assured", agreement.currency),
            )  # fmt: skip
            return bill_extra_premium(agreement=agreement, order=order, now=clock.now(), by=request.user)

        done, made = attempt(form, work)
        if done and made is not None:
            numbers = ", ".join(invoice.number for invoice in made[1])
            return back_to(
                request, "agreement", agreement.pk, _("Billed with {numbers}.").format(numbers=numbers), "insurance"
            )  # fmt: skip
    return show_deed(request, agreement, form, title=title, button=button, facts=facts_of(agreement))
