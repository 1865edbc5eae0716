"""Debt plans: agreeing on parts, whose sums the server shows before anything is written; a plan's page."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import find_customer
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, show_form
from billing.errors import BadInput, DomainError
from billing.inputs import parse_day
from billing.models import Customer, DebtPlan, Invoice
from billing.models.dunning import DebtPlanState
from billing.money import ZERO, parse_amount, split
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.recurrence import add_months
from billing.selectors.chasing.plans import progress_of
from billing.services.chasing.collections import COLLECT
from billing.services.chasing.debt_plans import MOST_PARTS, DebtPlanOrder, Part, agree_on_parts, end_plan

EVERY = [("month", gettext_lazy("month")), ("fortnight", gettext_lazy("two weeks")), ("week", gettext_lazy("week"))]


@console_path("customers/<int:pk>/debt-plan/", "debt_plan_new", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def debt_plan_new(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Choose invoices and parts; "show" works the parts out, "agree" writes the plan."""
    customer = find_customer(request, pk)
    invoices = list(Invoice.objects.filter(customer=customer).open().order_by("due_on", "id"))
    chosen = _chosen(request, invoices)
    currency = chosen[0].currency if chosen else request.organization.currency
    form = _form(request.organization.today(clock.now()))
    rows: list[tuple[str, str]] = []
    if request.method == "POST":
        form.read(request.POST)
        rows = list(zip(request.POST.getlist("due_on"), request.POST.getlist("amount"), strict=False))[:MOST_PARTS]
        if request.POST.get("step") == "agree":
            done, plan = attempt(form, lambda: _agree(request, customer, chosen, rows, currency, form))
            if done and plan is not None:
                return back_to(request, "debt_plan", plan.pk, _("Debt plan {number} is agreed.").format(number=plan))
        else:
            rows = _work_out(form, chosen, currency)
    context = console_context(
        request, _("Debt plan for {customer}").format(customer=customer), customer=customer, invoices=invoices,
        chosen={invoice.pk for invoice in chosen}, form=form, rows=rows, currency=currency,
        total=sum((invoice.open_amount for invoice in chosen), ZERO), made=_made(rows, currency),
    )  # fmt: skip
    return render(request, "console/chasing/debt_plan_new.html", context, status=REFUSED if form.errors else 200)


def _form(today: date) -> Form:
    return Form(
        [
            Field("count", gettext_lazy("Number of parts"), value="3", longest=2),
            Field("first", gettext_lazy("First part due"), "date", value=str(today + timedelta(days=14))),
            Field("every", gettext_lazy("Then every"), "select", value="month", choices=EVERY),
            Field("note", gettext_lazy("Note"), required=False, longest=200),
        ],
        hidden={"key": get_random_string(20)},
    )


def _chosen(request: ConsoleRequest, invoices: Sequence[Invoice]) -> list[Invoice]:
    """All that is open at first, later what is ticked."""
    if request.method != "POST":
        own = request.organization.currency
        return [invoice for invoice in invoices if invoice.currency == own]
    ticked = set(request.POST.getlist("invoice"))
    return [invoice for invoice in invoices if str(invoice.pk) in ticked]


def _work_out(form: Form, chosen: Sequence[Invoice], currency: str) -> list[tuple[str, str]]:
    """Equal parts that add up to what is chosen; the spare cents go to the first."""
    total = sum((invoice.open_amount for invoice in chosen), ZERO)
    try:
        count = _count(form.typed("count"))
        first = parse_day(form.typed("first"), field="first")
        if not total:
            raise BadInput(_("Choose at least one invoice."), field="invoices", code="required")
    except DomainError as refusal:
        form.refuse(refusal)
        return []
    amounts = split(total, [Decimal(1)] * count, currency)
    return [
        (_day(first, place, form.typed("every")).isoformat(), f"{amount:.2f}") for place, amount in enumerate(amounts)
    ]


def _count(typed: str) -> int:
    count = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else 0
    if not 1 <= count <= MOST_PARTS:
        sentence = _("Between 1 and {most} parts are expected.")
        raise BadInput(sentence, field="count", code="wrong_count", most=MOST_PARTS)
    return count


def _day(first: date, place: int, every: str) -> date:
    if every == "month":
        return add_months(first, place)
    return first + timedelta(weeks=place * (2 if every == "fortnight" else 1))


def _made(rows: Sequence[tuple[str, str]], currency: str) -> Decimal | None:
    """What the parts as typed make; None while one of them cannot be read."""
    try:
        return sum((parse_amount(amount, currency) for _day, amount in rows), ZERO)
    except DomainError:
        return None


def _agree(
    request: ConsoleRequest, customer: Customer, chosen: Sequence[Invoice], rows: Sequence[tuple[str, str]],
    currency: str, form: Form,
) -> DebtPlan:  # fmt: skip
    parts = [
        Part(parse_day(due_on, field="parts"), parse_amount(amount, currency, field="parts")) for due_on, amount in rows
    ]
    order = DebtPlanOrder([i.pk for i in chosen], parts, form.typed("note"), form.typed("key"))
    return agree_on_parts(customer=customer, order=order, now=clock.now(), by=request.user)


# One plan


def find_plan(request: ConsoleRequest, pk: int) -> DebtPlan:
    rows = DebtPlan.objects.select_related("customer", "customer__organization", "organization", "made_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("debt-plans/<int:pk>/", "debt_plan", "see_receivables")
@require_GET
def debt_plan_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The parts of a plan, each with whether it was paid, and its invoices. Five queries."""
    plan, today = find_plan(request, pk), request.organization.today(clock.now())
    progress = progress_of([plan], today)[0]
    context = console_context(
        request, _("Debt plan {number}").format(number=plan.number), plan=plan, progress=progress, today=today,
        invoices=list(plan.invoices.order_by("due_on", "id")),
        parts=parts_of(progress.parts, progress.paid_amount, today),
        state_key=f"debt_plan.{plan.state}",
        may_end=may_here(request, COLLECT, Mode.DO) and plan.state == DebtPlanState.ACTIVE,
    )  # fmt: skip
    return render(request, "console/chasing/debt_plan.html", context)


def parts_of(parts: Sequence[Any], paid: Decimal, today: date) -> list[dict[str, Any]]:
    """What is paid fills the parts in the order of their days."""
    found = []
    for part in parts:
        got = min(paid, part.amount)
        paid -= got
        state = "kept" if got == part.amount else "broken" if part.due_on < today else "waiting"
        found.append({"part": part, "paid": got, "state": f"promise.{state}"})
    return found


@console_path("debt-plans/<int:pk>/end/", "debt_plan_end", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def debt_plan_end(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Give a plan up; its invoices are chased again."""
    plan, form = find_plan(request, pk), Form([])
    if request.method == "POST":
        done, _made = attempt(form, lambda: end_plan(plan=plan, now=clock.now(), by=request.user))
        if done:
            return back_to(request, "debt_plan", pk, _("The plan is given up; its invoices are chased again."))
    title = _("Give debt plan {number} up").format(number=plan.number)
    effect = _("Its invoices are chased again from the next run on. What was paid stays paid.")
    return show_form(
        request, form, title=title, button=title, back=reverse("admin:debt_plan", args=[pk]), danger=True,
        facts=[(_("What it does"), effect)],
    )  # fmt: skip
