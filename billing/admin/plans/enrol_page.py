"""Enrolling at the console: choose, look at the first three invoices, then agree (R56, R59)."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.plans.reading import key_of, optional_amount, optional_day, shown_lines, typed_payers
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput, DomainError
from billing.inputs import parse_day
from billing.models import Agreement, Customer, DiscountRule, Provider, Student
from billing.models.agreement import Backend
from billing.models.plan import AgreementKind
from billing.money import format_money
from billing.office import clock
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.selectors.prices import Choice, offers
from billing.selectors.search import find_customers
from billing.services.insurance.setting_up import PolicyOrder, set_up_policy
from billing.services.plans.enrolling import EnrolmentOrder, EnrolmentPreview, NewStudent, enrol, preview_enrolment
from billing.transactions import in_transaction

# The inputs that most enrolments need; the others are folded away.
MAIN = ("student", "student_name", "offer", "starts_on")


@console_path("enrol/", "enrol", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def enrol_page(request: ConsoleRequest) -> HttpResponse:
    """?customer=: their code. POST with step "preview" shows the first invoices, step "enrol" agrees."""
    customer = _customer(request)
    if customer is None:
        return _choose_customer(request)
    choices = offers(request.organization, request.organization.today(clock.now()))
    form, preview = _form(request, customer, choices), None
    if request.method == "POST":
        form.read(request.POST)
        if request.POST.get("step") == "enrol":
            done, made = attempt(form, lambda: _enrol(request, form, customer))
            if done and made is not None:
                return back_to(request, "agreement", made.pk, _("Agreed: {number}.").format(number=made.number))
        preview = _preview(request, form, customer)
    names = {field.name: field for field in form.fields}
    context = console_context(
        request, _("Enrol for {name}").format(name=customer.shown_name), customer=customer, form=form,
        main=Form([names[name] for name in MAIN], hidden=form.hidden),
        more=Form([field for field in form.fields if field.name not in MAIN]),
        has_more=any(f.value or f.error for f in form.fields if f.name not in MAIN and f.kind != "select"),
        query=request.GET.urlencode(), choices=choices, currency=request.organization.currency, **_shown(preview),
    )  # fmt: skip
    return render(request, "console/plans/enrol.html", context, status=REFUSED if form.errors else 200)


def _customer(request: ConsoleRequest) -> Customer | None:
    code = request.GET.get("customer", "").strip()
    rows = Customer.objects.select_related("household")
    return rows.filter(organization=request.organization, code=code).first() if code else None


def _choose_customer(request: ConsoleRequest) -> HttpResponse:
    text = request.GET.get("q", request.GET.get("customer", "")).strip()
    today = request.organization.today(clock.now())
    found = find_customers(request.organization, text, on=today) if text else []
    context = console_context(request, _("Enrol"), q=text, found=found)
    return render(request, "console/plans/enrol_customer.html", context)


def _form(request: ConsoleRequest, customer: Customer, choices: Iterable[Choice]) -> Form:
    organization = request.organization
    students = Student.objects.filter(organization=organization, is_active=True)
    family = students.filter(customer__household=customer.household) if customer.household_id else students.none()
    own = (students.filter(customer=customer) | family).distinct().order_by("name")
    teachers = Provider.objects.filter(organization=organization, is_active=True).order_by("name")
    rules = DiscountRule.objects.filter(organization=organization).order_by("name")
    none = ("", gettext_lazy("none"))
    return Form(
        [
            Field("student", gettext_lazy("Student"), "select", required=False, value=request.GET.get("student", ""),
                  choices=[("", gettext_lazy("a new one, named below, or nobody")),
                           *((str(s.pk), s.name) for s in own)]),
            Field("student_name", gettext_lazy("New student's name"), required=False, longest=160),
            Field("offer", gettext_lazy("Plan"), "select",
                  choices=[(offer_key(one), offer_words(one)) for one in choices]),
            Field("starts_on", gettext_lazy("First day"), "date", organization.today(clock.now()).isoformat()),
            Field("anchor_on", gettext_lazy("Cycle begins"), "date", required=False,
                  help=gettext_lazy("First day of a whole period, such as 1 September; empty: the first day. A start"
                                    " within a period is charged by the day.")),
            Field("ends_on", gettext_lazy("Last day"), "date", required=False,
                  help=gettext_lazy("Empty: as the plan says.")),
            Field("provider", gettext_lazy("Teacher or agent"), "select", required=False,
                  choices=[none, *((str(p.pk), f"{p.name} ({p.get_kind_display()})") for p in teachers)]),
            Field("staff_child", gettext_lazy("The new student is a child of staff"), "select", required=False,
                  choices=[("", gettext_lazy("no")), ("yes", gettext_lazy("yes"))]),
            Field("price", gettext_lazy("Price agreed apart"), "amount", required=False,
                  help=gettext_lazy("Empty: the price of the list.")),
            Field("payers", gettext_lazy("Who pays which share"), "area", required=False,
                  help=gettext_lazy("Empty: the customer pays all. Else a customer's code and a share a line, for"
                                    " example C00012 60.")),
            Field("discount", gettext_lazy("Discount granted by hand"), "select", required=False,
                  choices=[none, *((str(r.pk), f"{r.name} ({r.percent:f} %)") for r in rules)]),
            Field("discount_reason", gettext_lazy("Why it is granted"), required=False, longest=200),
            Field("autopay", gettext_lazy("Autopay"), "select", required=False,
                  choices=[("", gettext_lazy("off")), ("yes", gettext_lazy("on"))]),
            Field("backend", gettext_lazy("Billed by"), "select", choices=Backend.choices),
            Field("policy_number", gettext_lazy("Policy number"), required=False, longest=40,
                  help=gettext_lazy("Of insurance policies; empty: the next of the series.")),
            Field("note", gettext_lazy("Note"), required=False),
        ],
        hidden={"request_key": uuid4().hex},
    )  # fmt: skip


def offer_key(choice: Choice) -> str:
    return f"{choice.plan.pk}:{choice.frequency}"


def offer_words(choice: Choice) -> str:
    price = format_money(choice.price.amount, choice.price.currency)
    each = _("{price} a lesson") if choice.plan.basis == "attendance" else "{price}"
    return f"{choice.plan.name} · {choice.frequency_words} · {each.format(price=price)}"


def _new_student(form: Form) -> NewStudent | None:
    """Who was named instead of chosen. Raises BadInput for both at once."""
    name = form.typed("student_name").strip()
    if name and form.typed("student"):
        sentence = gettext_lazy("Choose a student, or name a new one; not both.")
        raise BadInput(sentence, field="student_name", code="twice")
    return NewStudent(name, is_staff_child=form.typed("staff_child") == "yes") if name else None


def _order(request: ConsoleRequest, form: Form, customer: Customer) -> EnrolmentOrder:
    """What was typed. Raises BadInput at the input."""
    organization = request.organization
    plan, _colon, frequency = form.typed("offer").partition(":")
    if not plan.isascii() or not plan.isdigit() or len(plan) > 18:
        raise BadInput(gettext_lazy("Choose a plan."), field="offer", code="required")
    discount = key_of(form, "discount")
    return EnrolmentOrder(
        organization=organization, customer_id=customer.pk, plan_id=int(plan), frequency=frequency,
        starts_on=parse_day(form.typed("starts_on"), field="starts_on"), request_key=form.typed("request_key"),
        student_id=key_of(form, "student"), new_student=_new_student(form), provider_id=key_of(form, "provider"),
        anchor_on=optional_day(form, "anchor_on"), ends_on=optional_day(form, "ends_on"),
        price=optional_amount(form, "price", organization.currency), payers=typed_payers(form, organization),
        discounts=[discount] if discount else [], discount_reason=form.typed("discount_reason"),
        note=form.typed("note"), collects_itself=form.typed("autopay") == "yes",
        backend=form.typed("backend") if form.typed("backend") in Backend.values else Backend.NATIVE,
    )  # fmt: skip


def _enrol(request: ConsoleRequest, form: Form, customer: Customer) -> Agreement:
    now, by = clock.now(), request.user
    policy = PolicyOrder(policy_number=form.typed("policy_number"))

    def after(agreement: Agreement) -> None:
        if agreement.kind == AgreementKind.POLICY:
            set_up_policy(agreement=agreement, order=policy, now=now, by=by)

    return enrol(_order(request, form, customer), now=now, by=by, after=after)


def _preview(request: ConsoleRequest, form: Form, customer: Customer) -> EnrolmentPreview | None:
    if form.errors:
        return None
    try:
        with explained():
            order = _order(request, form, customer)
            return in_transaction(lambda: preview_enrolment(order, now=clock.now(), by=request.user))
    except DomainError as refusal:
        form.refuse(refusal)
        return None


def _shown(preview: EnrolmentPreview | None) -> dict[str, Any]:
    """The bills by period, each with its lines explained."""
    if preview is None:
        return {"preview": None}
    periods: dict[int, dict[str, Any]] = {}
    for bill in preview.bills:
        period = periods.setdefault(bill.installment.ordinal, {"installment": bill.installment, "bills": []})
        period["bills"].append({"bill": bill, "lines": shown_lines(bill.lines, preview.agreement.currency)})
    return {"preview": preview, "periods": list(periods.values()), "first": next(iter(preview.bills), None)}
