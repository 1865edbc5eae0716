"""Plans and prices: the list, setting up a draft, asking for approval and for other prices (R61)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import LABELS
from billing.admin.invoice_page import waiting_for
from billing.admin.plans.reading import find_plan, key_of, whole_number
from billing.admin.working import Field, Form, attempt, back_to, show_form
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.models import AgreementKind, Basis, Frequency, Plan, TaxCode
from billing.models.plan import PlanState
from billing.money import parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.user import Mode
from billing.selectors.prices import prices_on
from billing.services.plans import offering
from billing.services.plans.offering import ItemOrder, PlanOrder

ASKING = (Mode.MAKE, Mode.CHECK)
LABELS |= {
    "tax_code": gettext_lazy("Tax"), "lessons_per_period": gettext_lazy("Lessons a period"),
    "lesson_minutes": gettext_lazy("Minutes a lesson"), "package_size": gettext_lazy("Lessons in the package"),
    "validity_days": gettext_lazy("Package is valid for days"), "duration_months": gettext_lazy("Ends after months"),
    "families_may_choose": gettext_lazy("Families may choose it"), "is_once": gettext_lazy("only once"),
    "is_prorated": gettext_lazy("by the day"),
}  # fmt: skip
YES_NO = [("", gettext_lazy("no")), ("yes", gettext_lazy("yes"))]


@console_path("plans/", "plans", "manage_agreements")
@require_GET
def plans(request: ConsoleRequest) -> HttpResponse:
    """All plans with their prices of today. Two queries."""
    today = request.organization.today(clock.now())
    rows = list(Plan.objects.filter(organization=request.organization).order_by("state", "name", "code"))
    prices = prices_on([row.pk for row in rows], today)
    by_plan: dict[int, list[Any]] = {row.pk: [] for row in rows}
    for frequency in Frequency:
        for row in rows:
            if (row.pk, frequency) in prices:
                by_plan[row.pk].append(prices[row.pk, frequency])
    context = console_context(
        request, _("Plans and prices"), may_ask=may_here(request, offering.PRICES, *ASKING), today=today,
        rows=[{"plan": row, "prices": by_plan[row.pk], "look": f"plan.{row.state}"} for row in rows],
    )  # fmt: skip
    return render(request, "console/plans/plans.html", context)


def _form(organization: Organization, plan: Plan | None = None) -> Form:
    """The inputs of a draft, with what it says now."""
    codes = TaxCode.objects.filter(organization=organization, is_active=True).order_by("code")

    def number(name: str) -> str:
        return str(getattr(plan, name) or "") if plan else ""

    def text(name: str, default: str = "") -> str:
        return str(getattr(plan, name)) if plan else default

    count = gettext_lazy("Empty: not so.")
    return Form(
        [
            Field("name", gettext_lazy("Name"), value=text("name"), longest=120),
            Field("code", gettext_lazy("Code"), value=text("code"), longest=40,
                  help=gettext_lazy("Short, for lists and files, as piano-30.")),
            Field("kind", gettext_lazy("Kind"), "select", text("kind"), choices=AgreementKind.choices),
            Field("basis", gettext_lazy("Billed"), "select", text("basis"), choices=Basis.choices,
                  help=gettext_lazy("By attendance: after the period, for the lessons that were attended.")),
            Field("line_text", gettext_lazy("Words on the invoice"), value=text("line_text"), longest=120),
            Field("description", gettext_lazy("Description"), "area", text("description"), required=False),
            Field("tax_code", gettext_lazy("Tax"), "select", number("tax_code_id"), required=False,
                  choices=[("", gettext_lazy("none")), *((str(code.pk), code.name) for code in codes)]),
            Field("lessons_per_period", gettext_lazy("Lessons a period"), value=number("lessons_per_period"),
                  required=False, longest=5),
            Field("lesson_minutes", gettext_lazy("Minutes a lesson"), value=number("lesson_minutes"), required=False,
                  longest=5),
            Field("is_group", gettext_lazy("Group lessons"), "select", "yes" if plan and plan.is_group else "",
                  required=False, choices=YES_NO),
            Field("package_size", gettext_lazy("Lessons in the package"), value=number("package_size"),
                  required=False, longest=5, help=gettext_lazy("Of packages only.")),
            Field("validity_days", gettext_lazy("Package is valid for days"), value=number("validity_days"),
                  required=False, longest=5, help=gettext_lazy("Empty: no end.")),
            Field("duration_months", gettext_lazy("Ends after months"), value=number("duration_months"),
                  required=False, longest=5, help=gettext_lazy("Empty: it runs until cancelled.")),
            Field("department", gettext_lazy("Department"), value=text("department"), required=False, longest=40),
            Field("project", gettext_lazy("Project"), value=text("project"), required=False, longest=40, help=count),
            Field("families", gettext_lazy("Families may choose it"), "select",
                  "yes" if plan and plan.families_may_choose else "", required=False, choices=YES_NO),
        ]
    )  # fmt: skip


def _order(form: Form) -> PlanOrder:
    """Raises BadInput at the input."""
    return PlanOrder(
        code=form.typed("code"), name=form.typed("name"), kind=form.typed("kind"), line_text=form.typed("line_text"),
        basis=form.typed("basis") if form.typed("basis") in Basis.values else Basis.SCHEDULE,
        description=form.typed("description"), tax_code_id=key_of(form, "tax_code"),
        lessons_per_period=whole_number(form, "lessons_per_period"),
        lesson_minutes=whole_number(form, "lesson_minutes"), is_group=form.typed("is_group") == "yes",
        package_size=whole_number(form, "package_size"), validity_days=whole_number(form, "validity_days"),
        duration_months=whole_number(form, "duration_months"), department=form.typed("department"),
        project=form.typed("project"), families_may_choose=form.typed("families") == "yes",
    )  # fmt: skip


@console_path("plans/new/", "plan_new", offering.PRICES, *ASKING)
@require_http_methods(["GET", "POST"])
def plan_new(request: ConsoleRequest) -> HttpResponse:
    form = _form(request.organization)
    if request.method == "POST":
        form.read(request.POST)
        done, made = attempt(
            form,
            lambda: offering.draft_plan(
                organization=request.organization, order=_order(form), now=clock.now(), by=request.user
            ),
        )
        if done and made is not None:
            return back_to(request, "plan", made.pk, _("Drafted. Give it a price, then ask for its approval."))
    return show_form(
        request, form, title=_("New plan"), button=_("Draft the plan"), back=reverse("admin:plans"),
        facts=[(_("What it does"), _("Drafts a plan. It is offered once it has a price and another person agreed."))],
    )  # fmt: skip


@console_path("plans/<int:pk>/edit/", "plan_edit", offering.PRICES, *ASKING)
@require_http_methods(["GET", "POST"])
def plan_edit(request: ConsoleRequest, pk: int) -> HttpResponse:
    plan = find_plan(request, pk)
    form = _form(request.organization, plan)
    if request.method == "POST":
        form.read(request.POST)
        done, _made = attempt(form, lambda: offering.change_draft(plan=plan, order=_order(form)))
        if done:
            return back_to(request, "plan", pk, _("Saved."))
    return show_form(
        request, form, title=_("Change {plan}").format(plan=plan), button=_("Save"),
        back=reverse("admin:plan", args=[pk]),
    )  # fmt: skip


@console_path("plans/<int:pk>/", "plan", "manage_agreements")
@require_GET
def plan_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    plan = find_plan(request, pk)
    today = request.organization.today(clock.now())
    holding = prices_on([pk], today)
    subjects = [f"plan:{pk}", *(f"plan:{pk}:price:{frequency}" for frequency in Frequency)]
    context = console_context(
        request, plan.name, plan=plan, look=f"plan.{plan.state}", today=today,
        prices=[{"price": price, "holds": holding.get((pk, price.frequency)) == price} for price in plan.prices.all()],
        items=list(plan.items.select_related("tax_code")), agreements=plan.agreements.count(),
        waiting=waiting_for(request, subjects), may_ask=may_here(request, offering.PRICES, *ASKING),
        is_draft=plan.state == PlanState.DRAFT,
    )  # fmt: skip
    return render(request, "console/plans/plan.html", context)


# Prices


def _frequencies(plan: Plan) -> list[tuple[str, Any]]:
    package = plan.kind == AgreementKind.PACKAGE
    return [(key, words) for key, words in Frequency.choices if (key == Frequency.PACKAGE) == package]


@console_path("plans/<int:pk>/price/", "plan_price", offering.PRICES, *ASKING)
@require_http_methods(["GET", "POST"])
def plan_price(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Of a draft: written at once. Of a plan on offer: asked for."""
    plan = find_plan(request, pk)
    today, currency = request.organization.today(clock.now()), request.organization.currency
    draft = plan.state == PlanState.DRAFT
    form = Form(
        [
            Field("frequency", gettext_lazy("How often it is billed"), "select", choices=_frequencies(plan)),
            Field("amount", gettext_lazy("Price"), "amount"),
            Field("effective_on", gettext_lazy("From"), "date", today.isoformat()),
            *([] if draft else [Field("reason", gettext_lazy("Reason"), "area")]),
        ]
    )
    if request.method == "POST":
        form.read(request.POST)
        answer = _save_price(request, plan, form, draft)
        if answer is not None:
            return answer
    by_lesson = plan.basis == Basis.ATTENDANCE
    each = _("The price of one lesson.") if by_lesson else _("The price of one period, or of the package.")
    effect = _("Agreements that run keep the price they were made with.")
    return show_form(
        request, form, title=_("Price of {plan}").format(plan=plan), back=reverse("admin:plan", args=[pk]),
        button=_("Give it this price") if draft else _("Ask for this price"), currency=currency,
        facts=[(_("Price"), each), (_("What it does"), effect)],
    )  # fmt: skip


def _save_price(request: ConsoleRequest, plan: Plan, form: Form, draft: bool) -> HttpResponse | None:
    def read() -> tuple[str, Decimal, date]:
        currency = request.organization.currency
        amount = parse_amount(form.typed("amount"), currency)
        return form.typed("frequency"), amount, parse_day(form.typed("effective_on"), field="effective_on")

    def work() -> Any:
        frequency, amount, day = read()
        if draft:
            return offering.price_draft(
                plan=plan, frequency=frequency, amount=amount, effective_on=day, now=clock.now(), by=request.user
            )
        return offering.ask_for_price(
            plan=plan, frequency=frequency, amount=amount, effective_on=day, reason=form.typed("reason"),
            by=request.user, now=clock.now(),
        )  # fmt: skip

    done, made = attempt(form, work)
    if not done or made is None:
        return None
    if draft:
        return back_to(request, "plan", plan.pk, _("Saved."))
    return back_to(request, "approval", made.pk, _("Asked. Another person decides."))


@console_path("plans/<int:pk>/items/", "plan_items", offering.PRICES, *ASKING)
@require_http_methods(["GET", "POST"])
def plan_items(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The further lines of a draft, a line of text each."""
    plan = find_plan(request, pk)
    lines = [
        " | ".join([item.line_text, f"{item.amount:f}", *(["once"] if item.is_once else []),
                    *(["by the day"] if item.is_prorated else []), item.per_frequency]).removesuffix(" | ")
        for item in plan.items.all()
    ]  # fmt: skip
    words = _("Words on the invoice | amount, then as needed | once, | by the day, or a frequency such as | monthly.")
    form = Form([Field("items", gettext_lazy("Further lines"), "area", "\n".join(lines), required=False, longest=2000,
                       help=words)])  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        done, _made = attempt(
            form,
            lambda: offering.set_draft_items(plan=plan, items=read_items(form.typed("items"), plan.organization)),
        )
        if done:
            return back_to(request, "plan", pk, _("Saved."))
    return show_form(
        request, form, title=_("Further lines of {plan}").format(plan=plan), button=_("Save the lines"),
        back=reverse("admin:plan", args=[pk]),
        facts=[(_("For example"), "Sheet music | 5.00"), ("", "Registration | 25.00 | once")],
    )  # fmt: skip


def read_items(text: str, organization: Organization) -> list[ItemOrder]:
    """Raises BadInput naming the line."""
    found = []
    for row in filter(None, map(str.strip, text.splitlines())):
        words, *rest = (part.strip() for part in row.split("|"))
        marks = {mark.lower() for mark in rest[1:]}
        frequency = next(iter(marks & set(Frequency.values)), "")
        if not rest or marks - {"once", "by the day", frequency}:
            sentence = gettext_lazy("{row}: write the words, a bar, the amount, for example Sheet music | 5.00.")
            raise BadInput(sentence, field="items", code="not_an_item", row=row[:60])
        amount = parse_amount(rest[0], organization.currency, field="items")
        found.append(ItemOrder(words, amount, frequency, is_once="once" in marks, is_prorated="by the day" in marks))
    return found


# What two people decide


@console_path("plans/<int:pk>/ask/", "plan_ask", offering.PRICES, *ASKING)
@require_http_methods(["GET", "POST"])
def plan_ask(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask to offer a plan, or to offer it no longer: ?do=retire."""
    plan = find_plan(request, pk)
    retire = request.GET.get("do", request.POST.get("do")) == "retire"
    form = Form([Field("reason", gettext_lazy("Reason"), "area")], hidden={"do": "retire" if retire else ""})
    if request.method == "POST":
        form.read(request.POST)
        done, asked = attempt(
            form,
            lambda: offering.ask_about_plan(
                plan=plan, deed=offering.RETIRE if retire else offering.OFFER, reason=form.typed("reason"),
                by=request.user, now=clock.now(),
            ),
        )  # fmt: skip
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    title = _("No longer offer {plan}") if retire else _("Offer {plan}")
    effect = (
        _("Nobody is enrolled in it any more; running agreements keep it.")
        if retire
        else _("Families can be enrolled in it, once a manager or finance has agreed.")
    )
    return show_form(
        request, form, title=title.format(plan=plan), button=_("Ask for approval"), danger=retire,
        back=reverse("admin:plan", args=[pk]), facts=[(_("What it does"), effect)],
    )  # fmt: skip


def _plan_of(asked: ApprovalRequest) -> Plan:
    return Plan.objects.select_related("organization").get(pk=subject_key(asked))


def _offer_now(asked: ApprovalRequest) -> dict[str, Any]:
    return offering.offer_facts(_plan_of(asked), str(asked.shown["deed"]))


@deed(offering.PRICES, offering.OFFER, label=gettext_lazy("Offer the plan"), facts=_offer_now)
@deed(offering.PRICES, offering.RETIRE, label=gettext_lazy("No longer offer the plan"), facts=_offer_now)
def _carry_out_offer(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    plan = offering.carry_out_offer(request=asked, plan=_plan_of(asked), now=now)
    return (
        gettext_lazy("Approved; the plan is offered.")
        if plan.state == PlanState.ACTIVE
        else gettext_lazy("Approved; the plan is no longer offered.")
    )


def _price_now(asked: ApprovalRequest) -> dict[str, Any]:
    return offering.price_facts_of(asked, _plan_of(asked))


@deed(offering.PRICES, offering.PRICE, label=gettext_lazy("Change the price"), facts=_price_now)
def _carry_out_price(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    offering.carry_out_price(request=asked, plan=_plan_of(asked), now=now, by=by)
    return gettext_lazy("Approved; the price holds from its day on.")
