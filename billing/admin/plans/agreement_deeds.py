"""The deeds of an agreement, a page each: change, pause, go on, payers, discounts, cancel, extend (R55, R56)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.plans.enrol_page import offer_key, offer_words
from billing.admin.plans.reading import find_agreement, key_of, optional_amount, optional_day, typed_payers
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, Sentence
from billing.inputs import clean_text, parse_day
from billing.models import Agreement, AgreementChange, AgreementDiscount, DiscountRule
from billing.models.agreement import PauseKind
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.prices import offers
from billing.services.plans.changing import (
    NewTerms,
    change_payers,
    change_terms,
    end_discount,
    grant_discount,
    next_change_day,
)
from billing.services.plans.ending import cancel_agreement, earliest_last_day, extend_agreement
from billing.services.plans.resting import pause_agreement, resume_agreement

Read = Callable[[Form, str], AgreementChange]


def _reason() -> Field:
    return Field("reason", gettext_lazy("Reason"), "area")


def _deed(
    request: ConsoleRequest, agreement: Agreement, form: Form, work: Read, *, title: Sentence, button: Sentence,
    done: Sentence, facts: Any = (), danger: bool = False,
) -> HttpResponse:  # fmt: skip
    """The page of one deed: the form, and what work made of it."""
    if request.method == "POST":
        form.read(request.POST)

        def once() -> AgreementChange:
            reason = clean_text(form.typed("reason"), field="reason", longest=400, required=True)
            return work(form, reason)

        say_why(request, form.typed("reason"))
        carried, change = attempt(form, once)
        if carried and change is not None:
            return back_to(request, "agreement", agreement.pk, done, "changes")
    named = f"{agreement.number} · {agreement.customer.shown_name} · {agreement.plan}"
    return show_form(
        request, form, title=title, button=button, back=reverse("admin:agreement", args=[agreement.pk]), danger=danger,
        facts=[(_("Agreement"), named), *facts], currency=agreement.currency,
    )  # fmt: skip


@console_path("agreements/<int:pk>/change/", "agreement_change", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def change(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    today = request.organization.today(clock.now())
    choices = offers(request.organization, today, kind=agreement.kind, basis=agreement.basis)
    form = Form(
        [
            Field("offer", gettext_lazy("Plan"), "select", f"{agreement.plan_id}:{agreement.frequency}",
                  choices=[(offer_key(one), offer_words(one)) for one in choices]),
            Field("effective_on", gettext_lazy("From"), "date", next_change_day(agreement, today).isoformat(),
                  help=gettext_lazy("The next period begins on the day shown; within a period both are charged by"
                                    " the day.")),
            Field("price", gettext_lazy("Price agreed apart"), "amount", required=False,
                  help=gettext_lazy("Empty: the price of the list.")),
            _reason(),
        ]
    )  # fmt: skip

    def work(form: Form, reason: str) -> AgreementChange:
        chosen = next((one for one in choices if offer_key(one) == form.typed("offer")), None)
        if chosen is None:
            raise BadInput(gettext_lazy("Choose a plan."), field="offer", code="required")
        new = NewTerms(
            parse_day(form.typed("effective_on"), field="effective_on"), chosen.plan, chosen.frequency,
            optional_amount(form, "price", agreement.currency),
        )  # fmt: skip
        return change_terms(agreement=agreement, new=new, reason=reason, now=clock.now(), by=request.user)

    effect = _("Periods not billed yet are planned anew. What was billed beyond the day is settled by a charge.")
    return _deed(
        request, agreement, form, work, title=_("Change plan or price"), button=_("Change it"),
        done=_("Changed; the difference is shown below."), facts=[(_("What it does"), effect)],
    )  # fmt: skip


@console_path("agreements/<int:pk>/pause/", "agreement_pause", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def pause(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    today = request.organization.today(clock.now())
    form = Form(
        [
            Field("kind", gettext_lazy("Kind"), "select", choices=[
                (PauseKind.VACATION, gettext_lazy("vacation: the family is away")),
                (PauseKind.HOLD, gettext_lazy("hold: we stop billing")),
            ]),
            Field("from_on", gettext_lazy("First day"), "date", max(today, agreement.starts_on).isoformat()),
            Field("until_on", gettext_lazy("Last day"), "date", required=False,
                  help=gettext_lazy("Empty: until somebody lets it go on.")),
            _reason(),
        ]
    )  # fmt: skip

    def work(form: Form, reason: str) -> AgreementChange:
        kind = form.typed("kind")
        if kind not in PauseKind.values:
            raise BadInput(gettext_lazy("Choose one of the list."), field="kind", code="not_in_list")
        return pause_agreement(
            agreement=agreement, kind=kind, from_on=parse_day(form.typed("from_on"), field="from_on"),
            until_on=optional_day(form, "until_on"), reason=reason, now=clock.now(), by=request.user,
        )  # fmt: skip

    effect = _("Its days are not charged, unless the settings charge vacations. What was billed of them is given back.")
    return _deed(
        request, agreement, form, work, title=_("Pause"), button=_("Pause it"), done=_("Paused."),
        facts=[(_("What it does"), effect)],
    )  # fmt: skip


@console_path("agreements/<int:pk>/resume/", "agreement_resume", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def resume(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    today = request.organization.today(clock.now())
    form = Form([Field("on", gettext_lazy("First day it goes on"), "date", today.isoformat()), _reason()])
    return _deed(
        request, agreement, form,
        lambda form, reason: resume_agreement(
            agreement=agreement, on=parse_day(form.typed("on"), field="on"), reason=reason, now=clock.now(),
            by=request.user,
        ),
        title=_("Go on"), button=_("Let it go on"), done=_("It goes on."),
    )  # fmt: skip


@console_path("agreements/<int:pk>/payers/", "agreement_payers", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def payers(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    today = request.organization.today(clock.now())
    standing = agreement.payers.filter(until_on__isnull=True).select_related("customer")
    typed = "\n".join(f"{row.customer.code} {row.share.normalize():f}" for row in standing)
    form = Form(
        [
            Field("payers", gettext_lazy("Who pays which share"), "area", typed, required=False,
                  help=gettext_lazy("Empty: the customer pays all. Else a customer's code and a share a line, for"
                                    " example C00012 60.")),
            Field("from_on", gettext_lazy("From"), "date", next_change_day(agreement, today).isoformat()),
            _reason(),
        ]
    )  # fmt: skip
    return _deed(
        request, agreement, form,
        lambda form, reason: change_payers(
            agreement=agreement, shares=typed_payers(form, request.organization),
            from_on=parse_day(form.typed("from_on"), field="from_on"), reason=reason, now=clock.now(),
            by=request.user,
        ),
        title=_("Payers"), button=_("Share it so"), done=_("Shared so from then on."),
        facts=[(_("What it does"), _("Periods that begin on the day or later are billed to these payers."))],
    )  # fmt: skip


@console_path("agreements/<int:pk>/discount/", "agreement_discount", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def discount(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    today = request.organization.today(clock.now())
    rules = DiscountRule.objects.filter(organization=request.organization).order_by("name")
    form = Form(
        [
            Field("rule", gettext_lazy("Discount"), "select",
                  choices=[(str(rule.pk), f"{rule.name} ({rule.percent:f} %)") for rule in rules]),
            Field("from_on", gettext_lazy("From"), "date", next_change_day(agreement, today).isoformat()),
            Field("until_on", gettext_lazy("Last day"), "date", required=False),
            _reason(),
        ]
    )  # fmt: skip

    def work(form: Form, reason: str) -> AgreementChange:
        rule = rules.filter(pk=key_of(form, "rule") or 0).first()
        if rule is None:
            raise BadInput(gettext_lazy("Choose one of the list."), field="rule", code="not_in_list")
        return grant_discount(
            agreement=agreement, rule=rule, from_on=parse_day(form.typed("from_on"), field="from_on"),
            until_on=optional_day(form, "until_on"), reason=reason, now=clock.now(), by=request.user,
        )  # fmt: skip

    return _deed(
        request, agreement, form, work, title=_("Grant a discount"), button=_("Grant it"), done=_("Granted."),
    )  # fmt: skip


@console_path("agreements/discounts/<int:pk>/end/", "agreement_discount_end", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def discount_end(request: ConsoleRequest, pk: int) -> HttpResponse:
    rows = AgreementDiscount.objects.select_related("rule", "agreement__organization", "agreement__customer")
    granted = get_object_or_404(rows, pk=pk, organization=request.organization, until_on__isnull=True)
    today = request.organization.today(clock.now())
    form = Form([Field("last_on", gettext_lazy("Last day"), "date", today.isoformat()), _reason()])
    return _deed(
        request, granted.agreement, form,
        lambda form, reason: end_discount(
            granted=granted, last_on=parse_day(form.typed("last_on"), field="last_on"), reason=reason,
            now=clock.now(), by=request.user,
        ),
        title=_("End the discount {name}").format(name=granted.rule), button=_("End it"), done=_("It ends."),
    )  # fmt: skip


@console_path("agreements/<int:pk>/cancel/", "agreement_cancel", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    first = earliest_last_day(agreement, request.organization.today(clock.now()))
    form = Form([Field("last_on", gettext_lazy("Last day"), "date", first.isoformat()), _reason()])
    effect = _("Nothing is billed for later days; what was billed of them is given back by a charge.")
    facts = [(_("Last day at the earliest"), date_format(first)), (_("What it does"), effect)]
    return _deed(
        request, agreement, form,
        lambda form, reason: cancel_agreement(
            agreement=agreement, last_on=parse_day(form.typed("last_on"), field="last_on"), reason=reason,
            now=clock.now(), by=request.user,
        ),
        title=_("Cancel {number}").format(number=agreement.number), danger=True, facts=facts,
        button=_("Cancel {number}").format(number=agreement.number), done=_("Cancelled; see the last day above."),
    )  # fmt: skip


@console_path("agreements/<int:pk>/extend/", "agreement_extend", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def extend(request: ConsoleRequest, pk: int) -> HttpResponse:
    agreement = find_agreement(request, pk)
    form = Form(
        [Field("ends_on", gettext_lazy("New last day"), "date", required=False,
               help=gettext_lazy("Empty: until somebody cancels it.")), _reason()]
    )  # fmt: skip
    return _deed(
        request, agreement, form,
        lambda form, reason: extend_agreement(
            agreement=agreement, ends_on=optional_day(form, "ends_on"), reason=reason, now=clock.now(),
            by=request.user,
        ),
        title=_("Extend"), button=_("Extend it"), done=_("Extended."),
    )  # fmt: skip
